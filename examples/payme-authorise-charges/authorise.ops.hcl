# Charge every order of a list to its payer's card.
#
# A charge whose answer is lost can't be read back, and is never sent again by
# the runner: the plan says so. So the list names each charge by a number that
# was never used before, by which a person finds it at Pay-me.

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

list "csv" "orders" {
  path    = "orders.csv"
  key     = "operation"
  columns = { amount = decimal }
}

operation "payme_authorize_charge" "orders" {
  for_each = list.csv.orders

  merchant_operation_number = each.value.operation
  amount                    = each.value.amount
  currency                  = "PEN"
  payment_method            = "CARD"

  # Written nowhere: read again from the list when the run is applied.
  pan           = each.value.card
  expiry_date   = each.value.expires
  security_code = each.value.cvv

  card_holder = {
    first_name = each.value.first_name
    last_name  = each.value.last_name
    email      = each.value.email
    phone      = { prefix = "51", number = each.value.phone }
  }
  billing = {
    first_name = each.value.first_name
    last_name  = each.value.last_name
    email      = each.value.email
    phone      = { country_code = "+51", subscriber = each.value.phone }
    location   = { line_1 = each.value.street, line_2 = each.value.district, city = "Lima", state = "Lima", country = "Peru" }
  }
  shipping = {
    first_name = each.value.first_name
    last_name  = each.value.last_name
    email      = each.value.email
    phone      = { country_code = "+51", subscriber = each.value.phone }
    location   = { line_1 = each.value.street, line_2 = each.value.district, city = "Lima", state = "Lima", country = "Peru" }
  }
  customer = {
    first_name = each.value.first_name
    last_name  = each.value.last_name
    email      = each.value.email
    phone      = { country_code = "+51", subscriber = each.value.phone }
    location   = { line_1 = each.value.street, line_2 = each.value.district, city = "Lima", state = "Lima", country = "Peru" }
  }

  limits {
    max_items = 40
    max_total = { PEN = 8000 }
  }
  canary {
    stages = [1, 5]
  }
}
