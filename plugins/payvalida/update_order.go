package main

import (
	"context"
	"net/http"

	"github.com/bulkrunner/runner/sdk"
)

// Email, country, currency and amount are required although they may stay as
// they are: the checksum of an update is made of them.
type updateArgs struct {
	Order           string      `json:"order" runner:"required,min=1,max=200" doc:"The order's number. Payvalida's page for updates says 20 characters at most, the others 200."`
	Email           string      `json:"email" runner:"required,max=100,pattern=[^@\\s]+@[^@\\s]+" doc:"The payer's."`
	Country         string      `json:"country" runner:"required,pattern=[1-9][0-9]{2}" doc:"Payvalida's number for the country; 343 is Colombia."`
	Currency        string      `json:"currency" runner:"required,role=currency,pattern=[A-Z]{3}" doc:"ISO code, such as COP."`
	Amount          sdk.Decimal `json:"amount" runner:"required,role=amount" doc:"In major units. 0 leaves the amount to the payer."`
	Description     string      `json:"description" runner:"max=500" doc:"What the payer reads. No special characters."`
	Reference       string      `json:"reference" runner:"max=25,pattern=[0-9]*" doc:"What the payer quotes at the counter; unique among active orders."`
	Method          string      `json:"method" runner:"max=25" doc:"A single payment method."`
	Language        string      `json:"language" runner:"oneof=es|en" doc:"Of the payer's pages."`
	Recurrent       bool        `json:"recurrent" doc:"Make it payable many times and never expiring; cash only. false leaves it as it is."`
	Expiration      string      `json:"expiration" runner:"pattern=([0-9]{2}/[0-9]{2}/[0-9]{4})?" doc:"DD/MM/YYYY, at most 30 days ahead."`
	IVA             sdk.Decimal `json:"iva" doc:"VAT in percent."`
	UserDI          string      `json:"user_di" runner:"max=15" doc:"The payer's identity number."`
	UserTypeDI      string      `json:"user_type_di" runner:"max=3" doc:"The kind of that number."`
	UserName        string      `json:"user_name" runner:"max=25" doc:"The payer's name."`
	RedirectTimeout string      `json:"redirect_timeout" runner:"pattern=[0-9]{0,5}" doc:"Milliseconds before the checkout page goes back."`
}

// An orderToUpdate is an [order] whose amount has no role. An item whose live
// amount isn't the operation file's is invalid, and this one's is about to
// change.
type orderToUpdate struct {
	Order       string      `json:"order" doc:"The order's number."`
	State       string      `json:"state" runner:"role=status" doc:"Only PENDIENTE can be updated."`
	Reference   string      `json:"reference" doc:"What the payer quotes at the counter."`
	Amount      sdk.Decimal `json:"amount" doc:"The amount as it is, in major units."`
	Currency    string      `json:"currency" doc:"ISO code, such as COP."`
	Description string      `json:"description" doc:"What the payer reads."`
	Email       string      `json:"email" doc:"The payer's."`
	Method      string      `json:"method" doc:"The payment method, where one was chosen."`
	Lifetime    string      `json:"lifetime" doc:"As the API writes it, such as 445h."`
	CreatedAt   string      `json:"created_at" doc:"As the API writes it, such as 2024-01-31 10:00:00; its zone is not documented."`
	UpdatedAt   string      `json:"updated_at" doc:"Like created_at."`
}

// updateOrder is neither repeatable nor sent again by the runner. That the
// same update made twice leaves the same order is likely and not documented,
// and between the two someone else's update would be undone.
var updateOrder = sdk.Mutation[*client, updateArgs, orderToUpdate, registration]{
	Name:         "update_order",
	Doc:          "Changes an order that nobody has paid yet: a new amount, a new expiration. Payvalida refuses it for any other order.",
	GuardedByAPI: true,
	Check:        checkUpdate,
	Read:         (*client).readForUpdate,
	Execute:      (*client).updateOrder,
	Settled:      updateSettled,
	SettleAfter:  settleAfter,
}

// updateOrder takes 0041 for the refusal it is, unlike a cancellation: an
// update is never sent again while an earlier one is in doubt, so that the code
// can't be the echo of its own success.
func (c *client) updateOrder(ctx context.Context, a updateArgs) (registration, error) {
	data, err := c.write(ctx, http.MethodPatch, a.request())
	if err != nil {
		return registration{}, err
	}
	return confirmTerms(a.Order, "ACTUALIZADO", data)
}

func (c *client) readForUpdate(ctx context.Context, a updateArgs) (orderToUpdate, error) {
	o, err := c.readOrder(ctx, orderArgs{Order: a.Order})
	return orderToUpdate(o), err
}

// updateSettled compares what a read shows with what was asked for. A read
// doesn't show all of it: where the expiration or another hidden term is to
// change, equality elsewhere proves nothing, and only a difference decides.
func updateSettled(a updateArgs, o orderToUpdate) sdk.Settled {
	agreement := order(o).compare(terms{
		currency: a.Currency, amount: a.Amount, email: a.Email,
		reference: a.Reference, description: a.Description, method: a.Method,
	})
	switch {
	case agreement == agrees && !a.changesHidden():
		return sdk.SettledYes
	case agreement == differs && o.State == pendiente:
		return sdk.SettledNo
	case agreement == differs && (o.State == aprobada || o.State == vencida || o.State == anulada):
		return sdk.SettledImpossible
	}
	return sdk.SettledCantTell
}

// changesHidden tells whether the update has terms that no read shows.
func (a updateArgs) changesHidden() bool {
	hidden := updateArgs{
		Language: a.Language, Recurrent: a.Recurrent, Expiration: a.Expiration, IVA: a.IVA,
		UserDI: a.UserDI, UserTypeDI: a.UserTypeDI, UserName: a.UserName, RedirectTimeout: a.RedirectTimeout,
	}
	return hidden != updateArgs{}
}

// request relies on both operations having the same arguments, which the
// compiler holds them to.
func (a updateArgs) request() orderRequest { return registerArgs(a).request() }

func checkUpdate(a updateArgs) error {
	if err := checkOrder(a.Order); err != nil {
		return err
	}
	return checkTerms(a.Amount, a.IVA, a.Expiration)
}
