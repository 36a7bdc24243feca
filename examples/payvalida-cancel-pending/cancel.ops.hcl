# Cancel every order that was created before a day and is still waiting to be paid.
#
# The list is the shop's own export, and what it says of an order's status may
# be days old. So the list chooses by date alone, and each order is judged on
# what Payvalida says of it, when planning and again just before it is cancelled.

runner {
  required_version = "~> 0.1"
  required_providers {
    payvalida = { source = "payvalida", version = "~> 0.1" }
  }
}

variable "merchant" {
  type        = string
  default     = "kuanto"
  description = "The commerce's id at Payvalida."
}

variable "fixed_hash" {
  type        = string
  sensitive   = true
  description = "The account's FIXED_HASH. Give it in RUNNER_VAR_fixed_hash; a rehearsal makes one up."
}

variable "as_of" {
  type        = string
  default     = "2026-10-01"
  description = "Orders created before this day are cancelled."
  validation {
    condition     = can(regex("^\\d{4}-\\d{2}-\\d{2}$", var.as_of))
    error_message = "as_of must be a date such as 2026-10-01."
  }
}

locals { cutoff = "${var.as_of}T00:00:00Z" }

provider "payvalida" {
  merchant   = var.merchant
  fixed_hash = var.fixed_hash

  # So that a rehearsal takes seconds. Payvalida documents no limit: agree on a
  # figure with them before you run this against a real account, or leave the
  # block out for the provider's cautious 5 requests a second.
  rate_limit { requests_per_second = 500 }
  max_in_flight = 16
}

list "csv" "orders" {
  path    = "orders.csv"
  key     = "order_id"
  columns = { amount = decimal }
}

operation "payvalida_cancel_order" "stale" {
  for_each = list.csv.orders
  where    = timecmp(each.value.created_at, local.cutoff) < 0

  order = each.value.order_id

  guard {
    condition = live.state == "PENDIENTE"
    otherwise = "skip"
  }
  money {
    amount   = each.value.amount
    currency = "COP"
  }
  limits {
    max_items = 2500
    max_share = 0.7
    max_total = { COP = 150000000 }
  }
  canary {
    stages = [10, 100]
  }
  rehearse { state = each.value.status }
}
