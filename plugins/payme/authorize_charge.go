package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/bulkrunner/runner/sdk"
)

// AuthorizeArgs are the fields of POST /charges under Pay-me's names, without
// its two levels of method and details. What is secret of them is at the top,
// where the schema can say so.
type authorizeArgs struct {
	MerchantOperationNumber string              `json:"merchant_operation_number" runner:"required,min=1,max=100" doc:"The number that the operation gets: one that was never used, since Pay-me doesn't say what a second charge of the same number does. A string: leading zeros count."`
	Amount                  sdk.Decimal         `json:"amount" runner:"required,role=amount" doc:"What is charged, such as 150.00: with two decimals at most. It is sent in céntimos."`
	Currency                string              `json:"currency" runner:"required,role=currency,oneof=PEN|USD|604|840" doc:"By ISO 4217's letters or number. It is sent as the number."`
	PaymentMethod           string              `json:"payment_method" runner:"required,oneof=QR|CARD|YAPE|PAGOEFECTIVO|CUOTEALO|BANK_TRANSFER" doc:"How it is paid. CARD needs pan, expiry_date, security_code and card_holder; YAPE needs phone and otp; BANK_TRANSFER, CUOTEALO and PAGOEFECTIVO need redirect_url. What a method doesn't know must be left out, or null."`
	PAN                     writeOnly           `json:"pan" runner:"write_only,pattern=[0-9]{12,19}" doc:"The card's number, digits alone. For CARD."`
	ExpiryDate              writeOnly           `json:"expiry_date" runner:"write_only,pattern=(0[1-9]|1[0-2])[0-9]{2}" doc:"The card's last month, as MMYY: 1231 is December 2031. For CARD."`
	SecurityCode            writeOnly           `json:"security_code" runner:"write_only,pattern=[0-9]{3,4}" doc:"The card's CVV. For CARD."`
	CardHolder              *cardHolder         `json:"card_holder" doc:"Whose the card is. For CARD."`
	Installments            *installments       `json:"installments" doc:"In how many parts the payer pays. plan is 01, the only one available. For CARD."`
	AuthenticationResult    *authentication     `json:"authentication_result" doc:"What a 3-D Secure authentication before this charge has come to. For CARD."`
	CAVV                    writeOnly           `json:"cardholder_authentication_verification_value" runner:"write_only,min=1,max=100" doc:"The CAVV of that authentication. For CARD with authentication_result."`
	Phone                   *phone              `json:"phone" doc:"Of the Yape account. For YAPE."`
	OTP                     writeOnly           `json:"otp" runner:"write_only,pattern=[0-9]{4,8}" doc:"The code that the payer's Yape shows. It ends after minutes, so such a list is planned and applied at once. For YAPE."`
	RedirectURL             string              `json:"redirect_url" runner:"max=2000" doc:"Where the payer comes back to. For BANK_TRANSFER, CUOTEALO and PAGOEFECTIVO; with CARD it means that the payer authenticates, and the charge is PENDIENTE until then."`
	CallbackURL             string              `json:"callback_url" runner:"max=2000" doc:"Where Pay-me tells the merchant's own server what came of it. For all methods."`
	Billing                 person              `json:"billing" runner:"required" doc:"Who is billed."`
	Shipping                person              `json:"shipping" runner:"required" doc:"Who is delivered to."`
	Customer                person              `json:"customer" runner:"required" doc:"Who buys."`
	ProductDetails          []map[string]string `json:"product_details" doc:"What is bought. Pay-me documents an empty list and no form of an entry: entries are sent as they are."`
}

type cardHolder struct {
	FirstName string         `json:"first_name" runner:"required"`
	LastName  string         `json:"last_name" runner:"required"`
	Email     string         `json:"email" runner:"required"`
	Phone     prefixedNumber `json:"phone" runner:"required"`
}

// A prefixedNumber is a phone as a card's holder has it: 51, without a plus.
type prefixedNumber struct {
	Prefix string `json:"prefix" runner:"required"`
	Number string `json:"number" runner:"required"`
}

type installments struct {
	Plan   string `json:"plan" runner:"required"`
	Number string `json:"number" runner:"required"`
}

type authentication struct {
	Version                     string `json:"version,omitempty"`
	ElectronicCommerceIndicator string `json:"electronic_commerce_indicator,omitempty"`
	DSTransactionID             string `json:"ds_transaction_id,omitempty"`
	ThreeDSServerTransactionID  string `json:"three_ds_server_transaction_id,omitempty"`
	TransStatus                 string `json:"trans_status,omitempty"`
}

// A phone is one as everybody else has it: +51.
type phone struct {
	CountryCode string `json:"country_code" runner:"required"`
	Subscriber  string `json:"subscriber" runner:"required"`
}

type person struct {
	FirstName string   `json:"first_name" runner:"required"`
	LastName  string   `json:"last_name" runner:"required"`
	Email     string   `json:"email" runner:"required"`
	Phone     phone    `json:"phone" runner:"required"`
	Location  location `json:"location" runner:"required"`
}

type location struct {
	Line1   string `json:"line_1" runner:"required"`
	Line2   string `json:"line_2" runner:"required"`
	City    string `json:"city" runner:"required"`
	State   string `json:"state" runner:"required"`
	Country string `json:"country" runner:"required"`
}

// authorizeCharge is sent once. The one documented read needs the transaction
// id, which only the answer has: where that is lost nothing can tell whether
// the payer was charged, and a second request may charge again. So there is no
// Read, and doubt is a person's.
var authorizeCharge = sdk.Mutation[*client, authorizeArgs, none, authorization]{
	Name: "authorize_charge",
	Doc: "Charges a payer: POST /charges. By CARD and YAPE the money is taken, or the charge denied, at once: done is AUTORIZADO. " +
		"By the other methods, and by CARD with redirect_url, done is PENDIENTE: a charge that the payer has yet to pay, by the link or code in the result. " +
		"A charge whose answer is lost can't be read, since only the answer has the transaction's id, and is never sent again by the runner: " +
		"it stays in doubt until somebody has looked it up in Pay-me's back office by its operation's number. " +
		"What the card's arguments hold is stored nowhere, and an answer's own words aren't repeated: they may hold what was sent.",
	Check:   checkAuthorization,
	Execute: (*client).authorizeCharge,
}

// none is the live state of what can't be read.
type none struct{}

// A method is what a payment method needs of the arguments that not all have,
// and what it may have beside that.
type method struct{ needs, may []string }

var methods = map[string]method{
	"CARD": {
		[]string{"pan", "expiry_date", "security_code", "card_holder"},
		[]string{"installments", "authentication_result", "cardholder_authentication_verification_value", "redirect_url", "callback_url"},
	},
	"YAPE":          {[]string{"phone", "otp"}, []string{"callback_url"}},
	"QR":            {nil, []string{"callback_url"}},
	"PAGOEFECTIVO":  {[]string{"redirect_url"}, []string{"callback_url"}},
	"CUOTEALO":      {[]string{"redirect_url"}, []string{"callback_url"}},
	"BANK_TRANSFER": {[]string{"redirect_url"}, []string{"callback_url"}},
}

// checkAuthorization judges the arguments together. What it says of a secret
// is its name.
func checkAuthorization(a authorizeArgs) error {
	if err := checkSegment("merchant_operation_number", a.MerchantOperationNumber); err != nil {
		return err
	}
	if _, err := minorUnits(a.Amount); err != nil {
		return err
	}
	if _, known := currencyNumbers[a.Currency]; !known {
		return fmt.Errorf("currency is %q, and Pay-me takes PEN (604) and USD (840)", a.Currency)
	}
	if err := a.checkMethod(); err != nil {
		return err
	}
	if a.PAN != "" && !luhn(string(a.PAN)) {
		return errors.New("pan is no card's number: its last digit doesn't fit the others, as where one is mistyped or a spreadsheet has rounded it")
	}
	if a.CAVV != "" && a.AuthenticationResult == nil {
		return errors.New("cardholder_authentication_verification_value belongs to an authentication: say authentication_result too")
	}
	for _, u := range []struct{ name, value string }{{"redirect_url", a.RedirectURL}, {"callback_url", a.CallbackURL}} {
		if parsed, err := url.Parse(u.value); u.value != "" && (err != nil || parsed.Scheme != "https" || parsed.Host == "" || parsed.User != nil) {
			return fmt.Errorf("%s is not a URL that begins with https:// and a host, without a password in it", u.name)
		}
	}
	return a.checkTexts()
}

// checkMethod holds what is given against what the payment method knows.
func (a *authorizeArgs) checkMethod() error {
	m, known := methods[a.PaymentMethod]
	if !known {
		return fmt.Errorf("payment_method is %q, which Pay-me doesn't have", a.PaymentMethod)
	}
	for _, p := range []struct {
		name  string
		given bool
	}{
		{"pan", a.PAN != ""},
		{"expiry_date", a.ExpiryDate != ""},
		{"security_code", a.SecurityCode != ""},
		{"card_holder", a.CardHolder != nil},
		{"installments", a.Installments != nil},
		{"authentication_result", a.AuthenticationResult != nil},
		{"cardholder_authentication_verification_value", a.CAVV != ""},
		{"phone", a.Phone != nil},
		{"otp", a.OTP != ""},
		{"redirect_url", a.RedirectURL != ""},
		{"callback_url", a.CallbackURL != ""},
	} {
		switch needed := slices.Contains(m.needs, p.name); {
		case needed && !p.given:
			return fmt.Errorf("payment_method %s needs %s", a.PaymentMethod, p.name)
		case p.given && !needed && !slices.Contains(m.may, p.name):
			return fmt.Errorf("payment_method %s has no %s: leave it out, or make it null in such rows", a.PaymentMethod, p.name)
		}
	}
	return nil
}

// checkTexts refuses blanks where Pay-me requires a text.
func (a *authorizeArgs) checkTexts() error {
	type text struct{ name, value string }
	var texts []text
	for _, p := range []struct {
		name string
		person
	}{{"billing", a.Billing}, {"shipping", a.Shipping}, {"customer", a.Customer}} {
		texts = append(texts,
			text{p.name + ".first_name", p.FirstName}, text{p.name + ".last_name", p.LastName}, text{p.name + ".email", p.Email},
			text{p.name + ".phone.country_code", p.Phone.CountryCode}, text{p.name + ".phone.subscriber", p.Phone.Subscriber},
			text{p.name + ".location.line_1", p.Location.Line1}, text{p.name + ".location.line_2", p.Location.Line2},
			text{p.name + ".location.city", p.Location.City}, text{p.name + ".location.state", p.Location.State}, text{p.name + ".location.country", p.Location.Country})
	}
	if h := a.CardHolder; h != nil {
		texts = append(texts,
			text{"card_holder.first_name", h.FirstName}, text{"card_holder.last_name", h.LastName}, text{"card_holder.email", h.Email},
			text{"card_holder.phone.prefix", h.Phone.Prefix}, text{"card_holder.phone.number", h.Phone.Number})
	}
	if p := a.Phone; p != nil {
		texts = append(texts, text{"phone.country_code", p.CountryCode}, text{"phone.subscriber", p.Subscriber})
	}
	if i := a.Installments; i != nil {
		texts = append(texts, text{"installments.plan", i.Plan}, text{"installments.number", i.Number})
	}
	for _, t := range texts {
		if strings.TrimSpace(t.value) == "" {
			return fmt.Errorf("%s is blank, and Pay-me requires it", t.name)
		}
	}
	return nil
}

// luhn tells whether the last digit of a card's number fits the others.
func luhn(pan string) bool {
	sum := 0
	for i := range len(pan) {
		d := int(pan[len(pan)-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}

const postScope = "post:charges"

// authorizeCharge asks for the charge, and believes only an answer that names
// it and shows what state it is in.
func (c *client) authorizeCharge(ctx context.Context, a authorizeArgs) (authorization, error) {
	if !slices.Contains(strings.Fields(c.configuration.Scope), postScope) {
		return authorization{}, sdk.FatalNoEffect("scope", "the provider block's scope lacks "+postScope+", so nothing was sent: add it, or leave scope out")
	}
	body, err := a.request(c.configuration.MerchantCode)
	if err != nil {
		return authorization{}, sdk.Refused("invalid_arguments", err.Error())
	}
	response, err := c.do(ctx, http.MethodPost, chargesPath, body)
	if err != nil {
		return authorization{}, err
	}
	return a.judge(c.configuration.MerchantCode, response)
}
