package main

import (
	"context"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/apiclient"
)

// The states of an order, as the API names them. PENDIENTE becomes APROBADA
// when it is paid, VENCIDA when it expires, CANCELADA when the merchant deletes
// it; APROBADA becomes ANULADA when the money goes back. The others are final.
const (
	pendiente = "PENDIENTE"
	aprobada  = "APROBADA"
	vencida   = "VENCIDA"
	cancelada = "CANCELADA"
	anulada   = "ANULADA"
)

type orderArgs struct {
	Order string `json:"order" runner:"required,min=1,max=200" doc:"The order's number, as the merchant registered it."`
}

// An order is what the API shows of one. Dates are as they come, since their
// zone isn't documented.
type order struct {
	Order       string      `json:"order" doc:"The order's number."`
	State       string      `json:"state" runner:"role=status" doc:"PENDIENTE, APROBADA (paid), VENCIDA (expired), CANCELADA (deleted by the merchant) or ANULADA (given back)."`
	Reference   string      `json:"reference" doc:"What the payer quotes at the counter."`
	Amount      sdk.Decimal `json:"amount" runner:"role=amount" doc:"In major units; 0 is an open amount."`
	Currency    string      `json:"currency" runner:"role=currency" doc:"ISO code, such as COP."`
	Description string      `json:"description" doc:"What the payer reads."`
	Email       string      `json:"email" doc:"The payer's."`
	Method      string      `json:"method" doc:"The payment method, where one was chosen."`
	Lifetime    string      `json:"lifetime" doc:"As the API writes it, such as 445h."`
	CreatedAt   string      `json:"created_at" doc:"As the API writes it, such as 2024-01-31 10:00:00; its zone is not documented."`
	UpdatedAt   string      `json:"updated_at" doc:"Like created_at."`
}

var getOrder = sdk.Query[*client, orderArgs, order]{
	Name:    "get_order",
	Doc:     "Reads an order. Deleting an order sends no notification, so this is how other systems are brought up to date.",
	Check:   func(a orderArgs) error { return checkOrder(a.Order) },
	Execute: (*client).readOrder,
}

// readOrder asks for an order as it is now. An order that the API doesn't
// show is a refusal, 0041: no state is there for a guard to judge, so at plan
// the item can't be executed. The code alone settles nothing that was sent
// before, since by Payvalida's table it stands for paid, expired and cancelled
// orders too.
func (c *client) readOrder(ctx context.Context, a orderArgs) (order, error) {
	data, err := c.read(ctx, a.Order)
	if err != nil {
		return order{}, err
	}
	return decodeOrder(a.Order, data)
}

// decodeOrder takes an order from the DATA of a read, whose misspellings are
// the wire's own.
func decodeOrder(asked string, data apiclient.Object) (order, error) {
	amount, err := data.Decimal("AMOUNT")
	if err != nil {
		return order{}, sdk.NotNow("bad_amount", "the API showed an amount that is not a decimal number", 0)
	}
	o := order{
		Order:       data.Text("ORDER"),
		State:       data.Text("STATE"),
		Reference:   data.Text("REFERENCE"),
		Amount:      amount,
		Currency:    data.Text("CURRENCY"),
		Description: data.Text("DESCRIPTION"),
		Email:       data.Text("EMAIL"),
		Method:      data.Text("PAYMNENT_METHOD"),
		Lifetime:    data.Text("LIFE_TIME"),
		CreatedAt:   data.Text("CREATION_DATE"),
		UpdatedAt:   data.Text("UDPATE_DATE"),
	}
	switch {
	case o.Order == "" || o.State == "":
		return order{}, sdk.NotNow("unconfirmed", "the API showed an order without its number or its state", 0)
	case o.Order != asked:
		// Whatever is decided next would be decided on someone else's state.
		return order{}, sdk.FatalNoEffect("other_order", "the API showed another order than the one it was asked for")
	}
	return o, nil
}
