package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/bulkrunner/runner/sdk"
)

// A chargeRequest is the body of POST /charges. It holds the card in the clear
// and is gone when it has been written.
type chargeRequest struct {
	Action                  string         `json:"action"`
	Channel                 string         `json:"channel"`
	MerchantCode            string         `json:"merchant_code"`
	MerchantOperationNumber string         `json:"merchant_operation_number"`
	PaymentMethod           paymentMethod  `json:"payment_method"`
	PaymentDetails          paymentDetails `json:"payment_details"`
}

type paymentMethod struct {
	MethodName    string        `json:"method_name"`
	MethodDetails methodDetails `json:"method_details"`
}

// MethodDetails are those of all methods: what isn't a method's own is empty,
// as [checkAuthorization] has seen to.
type methodDetails struct {
	PAN                  string                `json:"pan,omitempty"`
	ExpiryDate           string                `json:"expiry_date,omitempty"`
	SecurityCode         string                `json:"security_code,omitempty"`
	CardHolder           *cardHolder           `json:"card_holder,omitempty"`
	Phone                *phone                `json:"phone,omitempty"`
	OTP                  string                `json:"otp,omitempty"`
	RedirectURL          string                `json:"redirect_url,omitempty"`
	CallbackURL          string                `json:"callback_url,omitempty"`
	AuthenticationResult *authenticationResult `json:"authentication_result,omitempty"`
	Installments         *installments         `json:"installments,omitempty"`
}

// Format keeps the card out of a request that is printed.
func (methodDetails) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

type authenticationResult struct {
	ThreeDSecure struct {
		authentication
		CAVV string `json:"cardholder_authentication_verification_value,omitempty"`
	} `json:"3ds_secure"`
}

type paymentDetails struct {
	Amount         string              `json:"amount"`
	Currency       string              `json:"currency"`
	Billing        person              `json:"billing"`
	Shipping       person              `json:"shipping"`
	Customer       person              `json:"customer"`
	ProductDetails []map[string]string `json:"product_details"`
}

// request writes the body.
func (a *authorizeArgs) request(merchant string) ([]byte, error) {
	amount, err := minorUnits(a.Amount)
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(a.charge(merchant, amount))
	if err != nil {
		return nil, errors.New("the charge can't be written as JSON") // without the encoder's words, which may quote
	}
	return body, nil
}

// charge is the body before it is written.
func (a *authorizeArgs) charge(merchant, amount string) chargeRequest {
	r := chargeRequest{
		Action: "authorize", Channel: "ecommerce", MerchantCode: merchant, MerchantOperationNumber: a.MerchantOperationNumber,
		PaymentMethod: paymentMethod{a.PaymentMethod, methodDetails{
			PAN: string(a.PAN), ExpiryDate: string(a.ExpiryDate), SecurityCode: string(a.SecurityCode),
			CardHolder: a.CardHolder, Phone: a.Phone, OTP: string(a.OTP),
			RedirectURL: a.RedirectURL, CallbackURL: a.CallbackURL, Installments: a.Installments,
		}},
		PaymentDetails: paymentDetails{amount, currencyNumbers[a.Currency], a.Billing, a.Shipping, a.Customer, a.ProductDetails},
	}
	if a.AuthenticationResult != nil {
		result := &authenticationResult{}
		result.ThreeDSecure.authentication, result.ThreeDSecure.CAVV = *a.AuthenticationResult, string(a.CAVV)
		r.PaymentMethod.MethodDetails.AuthenticationResult = result
	}
	if a.ProductDetails == nil {
		r.PaymentDetails.ProductDetails = []map[string]string{} // the API requires the list, which may be empty
	}
	return r
}

// currencyNumbers are the currencies that Pay-me takes, both with two decimals.
var currencyNumbers = map[string]string{"PEN": "604", "604": "604", "USD": "840", "840": "840"}

// minorUnits writes an amount in hundredths, exactly: 150.5 is 15050.
func minorUnits(d sdk.Decimal) (string, error) {
	whole, fraction, _ := strings.Cut(d.String(), ".")
	fraction = strings.TrimRight(fraction, "0")
	if len(fraction) > 2 {
		return "", fmt.Errorf("amount is %s, and Pay-me counts in céntimos: round it to two decimals", d)
	}
	minor := strings.TrimLeft(whole+(fraction + "00")[:2], "0")
	if minor == "" || minor[0] == '-' {
		return "", errors.New("amount must be more than 0")
	}
	return minor, nil
}
