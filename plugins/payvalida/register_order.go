package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/apiclient"
)

// registerArgs are the fields of Payvalida's table under its own names, but
// for currency: what the wire calls money is a block in operation files.
type registerArgs struct {
	Order           string      `json:"order" runner:"required,min=1,max=200" doc:"The order's number: unique for the merchant for ever, whatever becomes of the order. Letters and digits, by Payvalida's Spanish page."`
	Email           string      `json:"email" runner:"required,max=100,pattern=[^@\\s]+@[^@\\s]+" doc:"The payer's."`
	Country         string      `json:"country" runner:"required,pattern=[1-9][0-9]{2}" doc:"Payvalida's number for the country; 343 is Colombia."`
	Currency        string      `json:"currency" runner:"required,role=currency,pattern=[A-Z]{3}" doc:"ISO code, such as COP. USD is converted to the country's own."`
	Amount          sdk.Decimal `json:"amount" runner:"required,role=amount" doc:"In major units. 0 leaves the amount to the payer. One page of Payvalida's says integers only."`
	Description     string      `json:"description" runner:"required,min=1,max=250" doc:"What the payer reads. No special characters."`
	Reference       string      `json:"reference" runner:"max=25,pattern=[0-9]*" doc:"What the payer quotes at the counter; unique among active orders. Payvalida assigns one where it is left out."`
	Method          string      `json:"method" runner:"max=25" doc:"A single payment method; all of them where it is left out."`
	Language        string      `json:"language" runner:"oneof=es|en" doc:"Of the payer's pages; Payvalida's default is es."`
	Recurrent       bool        `json:"recurrent" doc:"Payable many times and never expiring; cash only."`
	Expiration      string      `json:"expiration" runner:"pattern=([0-9]{2}/[0-9]{2}/[0-9]{4})?" doc:"DD/MM/YYYY, at most 30 days ahead."`
	IVA             sdk.Decimal `json:"iva" doc:"VAT in percent."`
	UserDI          string      `json:"user_di" runner:"max=15" doc:"The payer's identity number."`
	UserTypeDI      string      `json:"user_type_di" runner:"max=3" doc:"The kind of that number."`
	UserName        string      `json:"user_name" runner:"max=25" doc:"The payer's name."`
	RedirectTimeout string      `json:"redirect_timeout" runner:"pattern=[0-9]{0,5}" doc:"Milliseconds before the checkout page goes back."`
}

// A registration is what the API answers to a new order, and to an update.
type registration struct {
	Order          string      `json:"order" doc:"The order's number."`
	Operation      string      `json:"operation" doc:"CREADA, or ACTUALIZADO after an update."`
	Reference      string      `json:"reference" doc:"What the payer quotes at the counter."`
	Amount         sdk.Decimal `json:"amount" runner:"role=amount" doc:"In major units."`
	PayvalidaOrder string      `json:"payvalida_order" doc:"Payvalida's own number for the order."`
	Checkout       string      `json:"checkout" doc:"The page where the payer pays, without its https://. Whoever has it may pay the order."`
}

// registerOrder is guarded by the API in that an order's number is accepted
// once, for ever.
//
// It is not sent again without a person's word. That would be harmless, a
// second registration meets 0042, but it needs a read that can say no, and the
// only one there is can't: see [registrationSettled].
var registerOrder = sdk.Mutation[*client, registerArgs, order, registration]{
	Name:         "register_order",
	Doc:          "Registers an order for a payer to pay. Its number is used up for ever.",
	GuardedByAPI: true,
	Check:        checkRegistration,
	Read:         (*client).readRegistration,
	Execute:      (*client).registerOrder,
	Settled:      registrationSettled,
	SettleAfter:  settleAfter,
}

// registerOrder leaves 0042 and 0043 in doubt: the order number, or the
// reference, may be taken by this very item, whose earlier answer was lost.
// Which of the two the API looks at first isn't documented. The read that
// follows compares.
func (c *client) registerOrder(ctx context.Context, a registerArgs) (registration, error) {
	data, err := c.write(ctx, http.MethodPost, a.request())
	if f := sdk.AsFailure(err); f != nil {
		if f.Code == codeDuplicateOrder || f.Code == codeReferenceActive {
			return registration{}, sdk.Unknown(f.Code, f.Reason)
		}
		return registration{}, err
	}
	return confirmTerms(a.Order, "CREADA", data)
}

// confirmTerms takes the answer to POST and PATCH, which share a shape. An
// amount that isn't a number is left out: it is not what confirms.
func confirmTerms(asked, operation string, data apiclient.Object) (registration, error) {
	amount, err := data.Decimal("Monto")
	if err != nil {
		amount = ""
	}
	result := registration{
		Order:          data.Text("OrdenID"),
		Operation:      data.Text("Operacion"),
		Reference:      data.Text("Referencia"),
		Amount:         amount,
		PayvalidaOrder: data.Text("PVordenID"),
		Checkout:       data.Text("checkout"),
	}
	if err := confirm(asked, result.Order, operation, result.Operation, result); err != nil {
		return registration{}, err
	}
	return result, nil
}

// readRegistration is [client.readOrder] for an order that may not be there
// yet: 0041 gives an order without a state, so that the item can be planned.
func (c *client) readRegistration(ctx context.Context, a registerArgs) (order, error) {
	o, err := c.readOrder(ctx, orderArgs{Order: a.Order})
	if f := sdk.AsFailure(err); f != nil && f.Outcome == sdk.OutcomeRefused && f.Code == codeNotPending {
		return order{Order: a.Order}, nil
	}
	return o, err
}

// registrationSettled compares the order that is there with the one that was
// to be registered. An order under this number with other terms is someone
// else's, and takes the number for ever.
//
// That no order is shown isn't a no. What a read answers for an unknown order
// isn't documented, and the code it is likely to be, 0041, stands in
// Payvalida's table for paid, expired and cancelled orders as well.
func registrationSettled(a registerArgs, o order) sdk.Settled {
	if o.State == "" {
		return sdk.SettledCantTell
	}
	switch o.compare(terms{currency: a.Currency, amount: a.Amount, email: a.Email, reference: a.Reference}) {
	case agrees:
		return sdk.SettledYes
	case differs:
		return sdk.SettledImpossible
	}
	return sdk.SettledCantTell
}

func (a registerArgs) request() orderRequest {
	return orderRequest{
		Email:           a.Email,
		Country:         json.Number(a.Country),
		Order:           a.Order,
		Reference:       a.Reference,
		Money:           a.Currency,
		Amount:          a.Amount.String(),
		Description:     a.Description,
		Method:          a.Method,
		Language:        a.Language,
		Recurrent:       a.Recurrent,
		Expiration:      a.Expiration,
		IVA:             a.IVA.String(),
		UserDI:          a.UserDI,
		UserTypeDI:      a.UserTypeDI,
		UserName:        a.UserName,
		RedirectTimeout: a.RedirectTimeout,
	}
}

func checkRegistration(a registerArgs) error {
	if err := checkOrder(a.Order); err != nil {
		return err
	}
	return checkTerms(a.Amount, a.IVA, a.Expiration)
}

// checkTerms judges what registering and updating have in common. Whether an
// expiration is too near or too far is left to the API: it depends on a day
// whose zone isn't documented.
func checkTerms(amount, iva sdk.Decimal, expiration string) error {
	if amount.Cmp("0") < 0 {
		return fmt.Errorf("amount is negative")
	}
	if iva != "" && iva.Cmp("0") < 0 {
		return fmt.Errorf("iva is negative")
	}
	if expiration == "" {
		return nil
	}
	if _, err := time.Parse(expirationLayout, expiration); err != nil {
		return fmt.Errorf("expiration is %q, which is no day of the calendar: write it as DD/MM/YYYY", expiration)
	}
	return nil
}

const expirationLayout = "02/01/2006"
