# Cancel a month's pending card debits, found by a list of the API itself.
#
# The API can be asked for a state and not for a month, so the list brings every
# pending debit and where chooses the month. All of its pages are read before
# anything is cancelled.

runner {
  required_version = "~> 0.1"
  required_providers {
    pagos360 = { source = "pagos360", version = "~> 0.1" }
  }
}

variable "api_key" {
  type        = string
  sensitive   = true
  description = "The account's API key. Give it in RUNNER_VAR_api_key; a rehearsal makes one up."
}

variable "month" {
  type        = string
  default     = ""
  description = "The month whose debits are cancelled, such as 2027-01; the next one in Argentina where it isn't said."
  validation {
    condition     = var.month == "" || can(regex("^\\d{4}-(0[1-9]|1[0-2])$", var.month))
    error_message = "month must be a month such as 2027-01."
  }
}

locals {
  # The month as it is in Argentina, three hours behind UTC all year: by UTC the
  # last evening of a month would be in the next one.
  here  = timeadd(timestamp(), "-3h")
  this  = "${formatdate("YYYY-MM", local.here)}-01T00:00:00Z"
  next  = formatdate("YYYY-MM", timeadd(local.this, "768h"))
  month = var.month == "" ? local.next : var.month
}

provider "pagos360" {
  api_key = var.api_key

  # So that a rehearsal takes seconds. Pagos360 documents no limit: agree on a
  # figure with them before you run this against a real account, or leave the
  # block out for the provider's cautious 5 requests a second.
  rate_limit { requests_per_second = 500 }
}

list "pagos360_card_debit_requests" "pending" {
  state = "pending"
  key   = "id"
}

operation "pagos360_cancel_card_debit_request" "month" {
  for_each = list.pagos360_card_debit_requests.pending
  where    = format("%04d-%02d", each.value.year, each.value.month) == local.month

  id               = each.value.id
  card_adhesion_id = each.value.card_adhesion_id

  guard {
    condition = live.state == "pending"
    otherwise = "skip"
  }
  money {
    amount   = each.value.amount
    currency = "ARS"
  }
  limits {
    max_items = 500
    max_total = { ARS = 5000000 }
  }
  canary { stages = [10] }
}
