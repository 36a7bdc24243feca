package main

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/apiclient"
)

// An authorization is what the API answers to a new charge. Nothing of the
// card is in it but its brand and issuer: neither its masked number nor the
// digits that the API shows beside that.
type authorization struct {
	MerchantOperationNumber string      `json:"merchant_operation_number" doc:"The operation's number."`
	TransactionID           string      `json:"transaction_id" doc:"The transaction's id. Keep it: without it the charge can be neither read nor cancelled."`
	State                   string      `json:"state" runner:"role=status" doc:"AUTORIZADO, or PENDIENTE where the payer has yet to pay."`
	Amount                  sdk.Decimal `json:"amount" runner:"role=amount,exponent=2" doc:"In minor units: 15000 is 150.00."`
	Currency                string      `json:"currency" runner:"role=currency" doc:"ISO 4217 by number."`
	PaymentMethod           string      `json:"payment_method" doc:"As it was asked for."`
	AuthorizationCode       string      `json:"authorization_code" doc:"The processor's, where the charge is AUTORIZADO."`
	BrandTransactionID      string      `json:"brand_transaction_id" doc:"The card brand's, where there is one."`
	Brand                   string      `json:"brand" doc:"Of the card."`
	Issuer                  string      `json:"issuer" doc:"Of the card."`
	ContinueURL             string      `json:"continue_url" doc:"Where the payer goes on, for CARD with redirect_url, BANK_TRANSFER and CUOTEALO."`
	CIP                     string      `json:"cip" doc:"The code to pay PAGOEFECTIVO by."`
	CIPURL                  string      `json:"cip_url" doc:"Where PAGOEFECTIVO explains how."`
	QRID                    string      `json:"qr_id" doc:"The QR code's id."`
	QRImage                 string      `json:"qr_image" doc:"The QR code itself, as a data URL."`
	ExpirationDate          string      `json:"expiration_date" doc:"Until when it can be paid, where it is PENDIENTE."`
}

// judge says what an answer to a new charge proves. That the request was
// processed, which [decodeAnswer] reads, says nothing of the payment: the
// transaction's state does. A denial is final whatever the rest says.
func (a *authorizeArgs) judge(merchant string, r *apiclient.Response) (authorization, error) {
	answer, unprocessed := decodeAnswer(r)
	if unprocessed != nil {
		var err error
		if answer, err = r.Object(); err != nil || r.Status != http.StatusOK {
			return authorization{}, unprocessed
		}
	}
	transaction := answer.Object("transaction")
	shown, state := a.shown(answer, transaction), transaction.Text("state")
	ours := answer.Text("merchant_operation_number") == a.MerchantOperationNumber && answer.Text("merchant_code") == merchant
	code := a.kept(transaction.Object("processor_response").Object("result_message").Text("code"), resultCode)
	amount, err := transaction.Decimal("amount")
	minor, _ := minorUnits(a.Amount) // it has been written already
	switch {
	case ours && shown.TransactionID != "" && slices.Contains(denied, state):
		return authorization{}, denial(state, code)
	case unprocessed != nil:
		return authorization{}, unprocessed
	case answer.Text("merchant_operation_number") == "" || answer.Text("merchant_code") == "" || shown.TransactionID == "" || state == "" || err != nil || amount == "":
		return authorization{}, sdk.Unknown("unconfirmed", "the answer says that it was processed, and shows no charge, or one without its transaction's id, state or amount")
	case !ours:
		return authorization{}, sdk.Incident(shown, "the API answered for another operation than the one that was charged")
	case amount.Cmp(sdk.Decimal(minor)) != 0 || transaction.Text("currency") != currencyNumbers[a.Currency]:
		return authorization{}, sdk.Incident(shown, "the API has charged another amount or currency than it was asked to")
	case !a.meant(state, code):
		return authorization{}, sdk.Unknown("unconfirmed", "the API shows transaction "+shown.TransactionID+" in a state that neither charges the payer nor denies it: read it with payme_get_charge")
	}
	return shown, nil
}

// denied are the states in which Pay-me has ended a new charge without money:
// the processor said no, or the transaction was none.
var denied = []string{denegado, invalido}

// meant tells whether a state is what the charge was for. CARD and YAPE are
// paid within the request, unless the payer is to authenticate; then, and with
// all other methods, it is for the payer to pay.
func (a *authorizeArgs) meant(state, code string) bool {
	atOnce := a.PaymentMethod == "YAPE" || a.PaymentMethod == "CARD" && a.RedirectURL == ""
	switch state {
	case autorizado:
		return !atOnce || strings.Trim(code, "0") == "" // 00 and 000 approve, and no other code does
	case pendiente:
		return !atOnce
	}
	return false
}

// shown takes over from an answer what has the form that it should have.
func (a *authorizeArgs) shown(answer, transaction apiclient.Object) authorization {
	details := transaction.Object("payment_method").Object("method_details")
	processor := transaction.Object("processor_response")
	amount, _ := transaction.Decimal("amount") // whoever asks for it has its error
	minor, _ := minorUnits(a.Amount)
	return authorization{
		MerchantOperationNumber: a.echoed(answer.Text("merchant_operation_number"), a.MerchantOperationNumber),
		TransactionID:           a.kept(transaction.Text("transaction_id"), identifier),
		State:                   a.kept(transaction.Text("state"), words),
		Amount:                  sdk.Decimal(a.echoed(amount.String(), minor)),
		Currency:                a.echoed(transaction.Text("currency"), currencyNumbers[a.Currency]),
		PaymentMethod:           a.PaymentMethod,
		AuthorizationCode:       a.kept(processor.Text("authorization_code"), identifier),
		BrandTransactionID:      a.kept(processor.Text("brand_transaction_id"), identifier),
		Brand:                   a.kept(details.Text("brand"), words),
		Issuer:                  a.kept(details.Text("issuer"), words),
		ContinueURL:             a.keptURL(transaction.Text("continue_url")),
		CIP:                     a.kept(processor.Text("cip"), identifier),
		CIPURL:                  a.keptURL(processor.Text("cip_url")),
		QRID:                    a.kept(processor.Text("qr_id"), identifier),
		QRImage:                 a.kept(processor.Text("qr_image"), image),
		ExpirationDate:          a.kept(transaction.Object("expiration_date").Text("utc_time"), moment),
	}
}

var (
	identifier = regexp.MustCompile(`^[0-9A-Za-z._-]{1,100}$`)
	words      = regexp.MustCompile(`^[\pL .,&()'_-]{1,100}$`)
	moment     = regexp.MustCompile(`^[0-9T:.Z+-]{1,40}$`)
	image      = regexp.MustCompile(`^data:image/[a-z+]{1,10};base64,[0-9A-Za-z+/=]+$`)
	resultCode = regexp.MustCompile(`^[0-9A-Z]{1,3}$`)
)

// kept is a text of the answer, or "" where it lacks its form or holds anything
// of the card. An answer is stored and shown, and nothing keeps an API from
// repeating in it what it was sent.
func (a *authorizeArgs) kept(s string, form *regexp.Regexp) string {
	if !form.MatchString(s) || a.holdsSecret(s) {
		return ""
	}
	return s
}

// echoed is what the answer repeats of the request, which may look like a
// secret by chance: 604 is a currency and a security code.
func (a *authorizeArgs) echoed(s, asked string) string {
	if s == asked {
		return asked
	}
	return a.kept(s, identifier)
}

func (a *authorizeArgs) keptURL(s string) string {
	plain, err := url.QueryUnescape(s)
	if u, bad := url.Parse(s); err != nil || bad != nil || u.Scheme != "https" || len(s) > 2000 || a.holdsSecret(plain) {
		return ""
	}
	return s
}

// holdsSecret tells whether a text has a secret in it: the card's number with
// whatever between its digits, a short one as a word of its own.
func (a *authorizeArgs) holdsSecret(s string) bool {
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
	if a.PAN != "" && strings.Contains(digits, string(a.PAN)) || a.CAVV != "" && strings.Contains(s, string(a.CAVV)) {
		return true
	}
	return slices.ContainsFunc(strings.FieldsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }), func(word string) bool {
		return word == string(a.ExpiryDate) || word == string(a.SecurityCode) || word == string(a.OTP)
	})
}

// denial is the failure of a charge that Pay-me ended without money. Its words
// are ours.
func denial(state, code string) error {
	if code == "" {
		return sdk.Refused(state, "Pay-me ended the charge as "+state+" without saying why")
	}
	why, known := denials[code]
	if !known {
		why = "the processor's code says more"
	}
	return sdk.Refused(code, "Pay-me ended the charge as "+state+": "+why)
}

// denials are the codes of Visa and Mastercard that say what somebody can do
// about it. Pay-me's table has some hundred more, and other processors others.
var denials = map[string]string{
	"01": "the issuer wants to be called",
	"03": "the processor doesn't know the merchant",
	"05": "the issuer doesn't accept it",
	"13": "the amount isn't valid",
	"14": "the card's number isn't valid",
	"41": "the card is reported lost",
	"43": "the card is reported stolen",
	"51": "insufficient funds",
	"54": "the card has expired",
	"57": "the card isn't allowed such a payment",
	"59": "the issuer suspects fraud",
	"61": "the amount is above the card's limit",
	"62": "the card is restricted",
	"65": "the card was used too often",
	"91": "the issuer can't be reached",
	"94": "the operation's number was used before",
	"96": "the processor is in trouble",
	"1A": "the issuer wants the payer to authenticate",
	"N7": "the security code is wrong",
}
