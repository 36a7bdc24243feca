# Reverse authorised charges, and afterwards ask for the refunds of those that were reversed.
#
# Reversing gives all of the money back, at once and for good. It is the same
# request that cancels an unpaid charge: the provider's own guard lets it be
# sent only where the operation and all its transactions are AUTORIZADO.

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

  # For a rehearsal of seconds; see ../payme-cancel-pending.
  rate_limit { requests_per_second = 500 }
  max_in_flight = 16
}

list "csv" "complaints" {
  path    = "complaints.csv"
  key     = "operation"
  columns = { amount = decimal }
}

operation "payme_reverse_charge" "complaints" {
  for_each = list.csv.complaints

  merchant_operation_number = each.value.operation
  transaction_id            = each.value.transaction

  money {
    amount   = each.value.amount
    currency = "PEN"
  }
  limits {
    max_items = 200
    max_total = { PEN = 50000 }
  }
  canary {
    stages = [5]
  }
  rehearse { state = each.value.status }
}

# What Pay-me has registered as refunds of the charges that are EXTORNADO now.
# Whether a reversal makes one isn't documented: the answer says how many there
# are, which may be none.
operation "payme_get_refund" "refunds" {
  for_each = operation.payme_reverse_charge.complaints
  where    = each.value.outcome == "succeeded" || each.value.outcome == "unchanged"

  merchant_operation_number = each.value.arguments.merchant_operation_number

  limits { max_items = 200 }
}
