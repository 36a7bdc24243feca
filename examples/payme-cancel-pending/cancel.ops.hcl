# Cancel every charge of a list that nobody has paid.
#
# Pay-me has one request for cancelling an unpaid charge and for giving the
# money of a paid one back. So what the list says of a charge decides nothing:
# each is read when planning and again just before its request, and only where
# the operation and all its transactions are REGISTRADO or PENDIENTE is it sent.
# That guard is the provider's own and needs no block here.

runner {
  required_version = "~> 0.1"
  required_providers {
    payme = { source = "payme", version = "~> 0.1" }
  }
}

variable "merchant_code" {
  type        = string
  default     = "kuanto"
  description = "The commerce's code at Pay-me."
}

variable "client_id" {
  type        = string
  default     = "kuanto-back-office"
  description = "Of the credentials that Alignet issued."
}

variable "client_secret" {
  type        = string
  sensitive   = true
  description = "Give it in RUNNER_VAR_client_secret; a rehearsal makes one up."
}

provider "payme" {
  merchant_code = var.merchant_code
  client_id     = var.client_id
  client_secret = var.client_secret
  environment   = "preprod"

  # So that a rehearsal takes seconds. Alignet documents no limit: agree on a
  # figure with them before you run this against a real account, or leave the
  # block out for the provider's cautious 5 requests a second.
  rate_limit { requests_per_second = 500 }
  max_in_flight = 16
}

list "csv" "charges" {
  path    = "charges.csv"
  key     = "operation"
  columns = { amount = decimal }
}

operation "payme_cancel_charge" "unpaid" {
  for_each = list.csv.charges

  merchant_operation_number = each.value.operation
  transaction_id            = each.value.transaction

  money {
    amount   = each.value.amount
    currency = "PEN"
  }
  limits {
    max_items = 500
    max_total = { PEN = 100000 }
  }
  canary {
    stages = [10, 100]
  }
  rehearse { state = each.value.status }
}
