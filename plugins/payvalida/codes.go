package main

import "github.com/bulkrunner/runner/sdk"

// Result codes of porders that the client or the simulator name. Payvalida's
// other products use the same numbers with other meanings.
const (
	codeOK               = "0000"
	codeContent          = "0011"
	codeMerchantInvalid  = "0017"
	codeMerchantUnknown  = "0018"
	codeRecurrent        = "0020"
	codeAmountInvalid    = "0021"
	codeCountryInvalid   = "0022"
	codeCurrencyInvalid  = "0023"
	codeLifetime         = "0024"
	codeChecksum         = "0025"
	codeTransaction      = "0028"
	codeDescriptionEmpty = "0029"
	codeRegistering      = "0030"
	codeExpiryFormat     = "0031"
	codeExpiryPast       = "0032"
	codeNotPending       = "0041"
	codeDuplicateOrder   = "0042"
	codeReferenceActive  = "0043"
)

// accountCodes are the same for every item: the merchant or its checksums
// aren't accepted. That the API did nothing for a request it doesn't believe
// is what a checksum is for.
//
// The codes 0001 to 0008 sound alike, but nobody says whether their "client"
// is the commerce or the payer. If they are the account's, the run stops at
// its failures just the same; were they a payer's, one such item would stop
// every run for good.
var accountCodes = map[string]string{
	codeMerchantInvalid: "the merchant is not valid: look at merchant in the provider block",
	codeMerchantUnknown: "the merchant is unknown here: look at merchant and environment in the provider block",
	"0019":              "the merchant is not authorised: ask Payvalida to enable the account",
	codeChecksum:        "the checksum was not accepted: look at fixed_hash, and whether it belongs to this environment",
	"0037":              "the merchant is not authorised for this: ask Payvalida to enable it",
}

// refusals say what is wrong with one request, which therefore did nothing.
var refusals = map[string]string{
	"0001":               "client id invalid",
	"0002":               "code invalid",
	"0003":               "password invalid",
	"0004":               "ally unknown",
	"0005":               "ally not authorised",
	"0006":               "wrong password",
	"0007":               "client unknown",
	"0008":               "client inactive",
	"0010":               "transaction id invalid",
	"0013":               "transaction id does not exist",
	"0016":               "client data mismatch",
	codeRecurrent:        "recurrent orders exist only in Colombia",
	codeAmountInvalid:    "amount invalid",
	codeCountryInvalid:   "country invalid",
	codeCurrencyInvalid:  "currency invalid",
	codeLifetime:         "an order lives from 30 minutes to 30 days",
	"0026":               "currency not allowed for the country",
	"0027":               "method invalid",
	codeDescriptionEmpty: "description empty",
	codeExpiryFormat:     "expiration has a bad format",
	codeExpiryPast:       "expiration must be after today",
	"0033":               "expiration is more than 24 hours ahead",
	"0034":               "more than one payment",
	"0035":               "frequency above one day",
	"0036":               "cannot be registered with this data",
	"0038":               "client already linked",
	"0039":               "account not linked",
	"0040":               "data mismatch",
	codeNotPending:       "the order is unknown, or already paid, expired or cancelled: Payvalida has one code for all four",
	codeDuplicateOrder:   "the order number has been used; it stays used whatever became of the order",
	codeReferenceActive:  "an active order has that reference",
	"0044":               "lifetime has a bad format",
}

// unclear codes tell of something that went wrong on the way. Nobody
// documents whether the request had been carried out by then.
var unclear = map[string]string{
	"0009":          "error while processing",
	codeContent:     "content error",
	"0012":          "the register could not be completed",
	"0014":          "already reversed",
	"0015":          "cannot be reversed",
	codeTransaction: "transaction error, to be tried again in some minutes",
	codeRegistering: "error while registering",
}

// failure says what a result code means for the request that it answers. A
// code that isn't in Payvalida's table, of which the only public copy ends at
// 0044, is as good as no answer. The API's own text is left out: it follows
// the account's language, and what it may repeat of the request is its affair.
func failure(code string) error {
	if reason, ok := accountCodes[code]; ok {
		return sdk.FatalNoEffect(code, reason)
	}
	if reason, ok := refusals[code]; ok {
		return sdk.Refused(code, reason)
	}
	if reason, ok := unclear[code]; ok {
		return sdk.Unknown(code, reason+"; whether it took effect isn't said")
	}
	if !fourDigits(code) {
		return sdk.Unknown("no_code", "the answer has no result code of four digits")
	}
	return sdk.Unknown(code, "a result code that Payvalida's table doesn't have")
}

func fourDigits(s string) bool {
	if len(s) != 4 {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
