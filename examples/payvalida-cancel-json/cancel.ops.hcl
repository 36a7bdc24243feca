# Cancel the orders of the shop's export: an array within a document, whose rows
# have objects and arrays in them.

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

provider "payvalida" {
  merchant   = var.merchant
  fixed_hash = var.fixed_hash

  # For a rehearsal of seconds; see ../payvalida-cancel-pending.
  rate_limit { requests_per_second = 500 }
}

list "json" "orders" {
  path = "export.json"
  at   = "data.orders"
}

operation "payvalida_cancel_order" "retail" {
  for_each = list.json.orders
  key      = each.value.order.number
  where    = !contains(each.value.customer.tags, "mayorista")

  order = each.value.order.number

  money {
    amount   = each.value.amount
    currency = "COP"
  }
  limits {
    max_items = 100
    max_total = { COP = 20000000 }
  }
}
