package main

import (
	"context"
	"time"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/apiclient"
)

// A cancellation is what the API answers to a deletion. The answer's amount
// is left out: it is reset to 0.0 and says nothing of the order.
type cancellation struct {
	Order          string `json:"order" doc:"The order's number."`
	Operation      string `json:"operation" doc:"DELETED."`
	Reference      string `json:"reference" doc:"What the payer would have quoted."`
	PayvalidaOrder string `json:"payvalida_order" doc:"Payvalida's own number for the order."`
}

// cancelOrder may be sent again by the runner itself, although doubt comes
// first to a read. The API deletes PENDIENTE orders only and never frees an
// order's number, not even by deletion, so that a second deletion can neither
// hit a paid order nor a new one that took the number: if the read was wrong
// it meets 0041 and changes nothing.
var cancelOrder = sdk.Mutation[*client, orderArgs, order, cancellation]{
	Name: "cancel_order",
	Doc: "Cancels an order that nobody has paid yet: PENDIENTE becomes CANCELADA. There is no way back, and the order's " +
		"number can't be registered again. It is no refund: Payvalida refuses it for a paid order. No notification is sent.",
	GuardedByAPI: true,
	Check:        func(a orderArgs) error { return checkOrder(a.Order) },
	Read:         (*client).readOrder,
	Execute:      (*client).cancelOrder,
	Settled:      cancellationSettled,
	SettleAfter:  settleAfter,
	Resend:       sdk.ResendAuto,
}

// settleAfter is a guess on the safe side. Nobody documents that reads lag
// behind writes, and nobody that they don't.
const settleAfter = 10 * time.Second

// cancelOrder asks for the deletion and believes only an answer that names
// the order and says DELETED.
//
// 0041 is no refusal here. It proves that this request did nothing, but it is
// what a deletion that follows one whose answer was lost is told as well. So
// it is left in doubt, and the read that follows tells the two apart: CANCELADA
// has succeeded, APROBADA and its like have failed with that state as the
// reason.
func (c *client) cancelOrder(ctx context.Context, a orderArgs) (cancellation, error) {
	data, err := c.remove(ctx, a.Order)
	if f := sdk.AsFailure(err); f != nil {
		if f.Code == codeNotPending {
			return cancellation{}, sdk.Unknown(f.Code, f.Reason)
		}
		return cancellation{}, err
	}
	return confirmCancellation(a.Order, data)
}

func confirmCancellation(asked string, data apiclient.Object) (cancellation, error) {
	result := cancellation{
		Order:          data.Text("OrderID"),
		Operation:      data.Text("Operation"),
		Reference:      data.Text("Reference"),
		PayvalidaOrder: data.Text("PVOrderID"),
	}
	if err := confirm(asked, result.Order, "DELETED", result.Operation, result); err != nil {
		return cancellation{}, err
	}
	return result, nil
}

func cancellationSettled(_ orderArgs, o order) sdk.Settled {
	switch o.State {
	case cancelada:
		return sdk.SettledYes
	case pendiente:
		return sdk.SettledNo
	case aprobada, vencida, anulada:
		return sdk.SettledImpossible
	}
	return sdk.SettledCantTell
}
