# Cancel the orders that the collections desk keeps in a workbook: one sheet,
# with a title above the header, and ids that Excel shows with their zeros.

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

list "xlsx" "orders" {
  path       = "cobranza.xlsx"
  sheet      = "Por anular"
  header_row = 3
  key        = "Orden"
  columns    = { Valor = decimal }
}

operation "payvalida_cancel_order" "requested" {
  for_each = list.xlsx.orders
  where    = each.value.Anular == "sí" && timecmp("${each.value.Vence}T00:00:00Z", "2026-10-15T00:00:00Z") < 0

  order = each.value.Orden

  money {
    amount   = each.value.Valor
    currency = "COP"
  }
  limits {
    max_items = 100
    max_total = { COP = 20000000 }
  }
}
