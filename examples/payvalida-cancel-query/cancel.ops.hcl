# Cancel the orders that a query of the shop's own database gives: unpaid, and
# not of a customer whom somebody has promised to wait for.

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

variable "before" {
  type        = string
  default     = "2026-10-01"
  description = "Orders created before this day are cancelled."
}

provider "payvalida" {
  merchant   = var.merchant
  fixed_hash = var.fixed_hash

  # For a rehearsal of seconds; see ../payvalida-cancel-pending.
  rate_limit { requests_per_second = 500 }
}

# With PostgreSQL or MySQL the same, but for driver = "postgres" and
# dsn = env("SHOP_DSN") in place of path, and $1 for the placeholder.
list "sql" "unpaid" {
  driver     = "sqlite"
  path       = "shop.db"
  parameters = [var.before]
  key        = "number"
  query      = <<-SQL
    SELECT o.number, o.amount, o.created
    FROM orders o JOIN customers c ON c.id = o.customer
    WHERE o.paid IS NULL AND NOT c.promised AND o.created < ?
    ORDER BY o.number
  SQL
}

operation "payvalida_cancel_order" "unpaid" {
  for_each = list.sql.unpaid
  order    = each.value.number

  money {
    amount   = each.value.amount
    currency = "COP"
  }
  limits {
    max_items = 100
    max_total = { COP = 20000000 }
  }
}
