runner {
  required_version = "~> 0.1"
  required_providers {
    payvalida = { source = "payvalida", version = "~> 0.1" }   # a name, "./path/to/binary", or "oci://…" later
  }
}

variable "merchant"   { type = string }
variable "fixed_hash" {
  type      = string
  sensitive = true
}
variable "as_of" {
  type    = string
  default = "2026-11-01"
  validation {
    condition     = can(regex("^\\d{4}-\\d{2}-\\d{2}$", var.as_of))
    error_message = "as_of must be a date such as 2026-11-01."
  }
}

locals { cutoff = "${var.as_of}T00:00:00Z" }

provider "payvalida" {
  merchant   = var.merchant
  fixed_hash = var.fixed_hash
  rate_limit {
    requests_per_second = 5      # counts API requests, not items; shared by every operation of this provider instance
    burst               = 1      # default 1: requests are evenly spaced
  }
  max_in_flight = 4
}

list "csv" "stale" {
  path = "stale-orders.csv"      # relative to the file that says it
  key  = "order_id"              # the column that names a row; unique, else the plan says which rows repeat
  columns = { amount = decimal } # every other column is a string, so leading zeros survive
}

operation "payvalida_cancel_order" "stale" {
  for_each = list.csv.stale
  where    = each.value.status == "PENDIENTE" && timecmp(each.value.created_at, local.cutoff) < 0

  order = each.value.order_id    # the provider's own arguments, checked against its schema

  guard {                        # judged on what the API says, at plan and again just before each execution
    condition = live.state == "PENDIENTE"
    otherwise = "skip"           # or "fail", or "stop"
  }
  money {                        # what an item is worth: totals by currency in the plan, the limits, the report
    amount   = each.value.amount
    currency = "COP"
  }
  limits {                       # blast radius: a plan that exceeds one is refused whole, nothing is sent
    max_items = 5000             # not said: 100, and the message says how to raise it; 0 allows none; "unlimited" is the word for all
    max_share = 0.25             # items to execute, of all rows of the list
    max_total = { COP = 250000000 }
  }
  canary {
    stages = [10, 100]           # the first 10 alone, then 100, then the rest; a failure within a stage stops the operation there
  }
  retry {
    max_attempts = 5
    min_backoff  = "1s"
    max_backoff  = "1m"
  }
  abort {                        # counted for this operation in the order of settling, since its last acknowledged stop; doubt counts as failed; what is in flight finishes
    max_failures             = 20
    max_consecutive_failures = 5
    max_failure_ratio        = 0.02
    min_items                = 100
  }
}
