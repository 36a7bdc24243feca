package main

import (
	"context"
	"time"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/apiclient"
)

// A deletion is what the API answers to one: the charge as it is afterwards.
type deletion struct {
	MerchantOperationNumber string      `json:"merchant_operation_number" doc:"The operation's number."`
	State                   string      `json:"state" doc:"The operation's state afterwards: CANCELADO, or EXTORNADO where the money goes back."`
	States                  []string    `json:"states" doc:"That and every transaction's."`
	Amount                  sdk.Decimal `json:"amount" doc:"In minor units."`
	Currency                string      `json:"currency" doc:"ISO 4217 by number."`
	PaymentMethod           string      `json:"payment_method" doc:"Of the transaction that was named."`
	StateReason             string      `json:"state_reason" doc:"As the API has it. It may blame the payer for what was done here."`
}

// cancelCharge may be sent again by the runner itself, after two reads that
// show the charge unpaid and the guard's own just before it. That leaves the
// second deletion the risk of the first, that the payer pays between read and
// deletion, and no other: nobody has paid a charge that is CANCELADO, so that
// deleting it twice has no money to move.
var cancelCharge = sdk.Mutation[*client, chargeArgs, charge, deletion]{
	Name: "cancel_charge",
	Doc: "Cancels a charge that nobody has paid yet: REGISTRADO or PENDIENTE becomes CANCELADO. There is no way back. " +
		"The same request gives the money of a paid charge back, and the API takes no condition: so each charge is read just before, " +
		"and one that is paid between that read and the request comes back EXTORNADO, which is an incident and stops the operation.",
	Check:        checkCharge,
	Read:         (*client).readCharge,
	Execute:      (*client).cancelCharge,
	Settled:      cancellationSettled,
	SettleAfter:  settleAfter,
	DefaultGuard: &sdk.DefaultGuard{Attribute: "states", Allowed: unpaid},
	Resend:       sdk.ResendAuto,
}

// settleAfter is a guess on the safe side. Nobody documents that reads lag
// behind writes, and nobody that they don't.
const settleAfter = 10 * time.Second

// cancelCharge asks for the deletion and believes only an answer that shows
// the charge cancelled.
func (c *client) cancelCharge(ctx context.Context, a chargeArgs) (deletion, error) {
	answer, err := c.remove(ctx, a.MerchantOperationNumber)
	if err != nil {
		return deletion{}, err
	}
	return confirmDeletion(a, cancelado, answer)
}

// confirmDeletion holds the answer to a deletion against what was meant. The
// request is the same for both operations, so only the states tell which of
// the two it was.
func confirmDeletion(a chargeArgs, meant string, answer apiclient.Object) (deletion, error) {
	shown, err := decodeCharge(a.TransactionID, answer.Object("operation"))
	if err != nil {
		return deletion{}, sdk.Unknown("unconfirmed", "the answer shows a charge with something else than text or decimal numbers in it")
	}
	result := deletion{
		MerchantOperationNumber: shown.MerchantOperationNumber,
		State:                   shown.State,
		States:                  shown.States,
		Amount:                  shown.Amount,
		Currency:                shown.Currency,
		PaymentMethod:           shown.PaymentMethod,
		StateReason:             shown.StateReason,
	}
	opposite := map[string]string{cancelado: extornado, extornado: cancelado}[meant]
	switch {
	case shown.MerchantOperationNumber == "" || shown.State == "":
		return deletion{}, sdk.Unknown("unconfirmed", "the answer says that it was processed and shows no charge or no state")
	case shown.MerchantOperationNumber != a.MerchantOperationNumber:
		return deletion{}, sdk.Incident(result, "the API answered for another operation than the one it was asked about")
	case some(shown.States, opposite) && meant == cancelado:
		return deletion{}, sdk.Incident(result, "EXTORNADO instead of CANCELADO: the charge had been paid meanwhile, and the payer gets the money back")
	case some(shown.States, opposite):
		return deletion{}, sdk.Incident(result, "CANCELADO instead of EXTORNADO: the charge was cancelled, and no money goes back")
	case shown.State != meant || !all(shown.States, append(lapsed, meant)...):
		return deletion{}, sdk.Unknown("unconfirmed", "the answer says that it was processed and shows another state than "+meant)
	}
	return result, nil
}

// cancellationSettled judges by all states that a read shows. EXTORNADO is
// another effect than was meant, whoever caused it.
func cancellationSettled(_ chargeArgs, c charge) sdk.Settled {
	switch {
	case some(c.States, extornado):
		return sdk.SettledOtherwise
	case c.State == cancelado && all(c.States, append(lapsed, cancelado)...):
		return sdk.SettledYes
	case all(c.States, unpaid...):
		return sdk.SettledNo
	case some(c.States, autorizado, liquidado, depositado), all(c.States, over...):
		return sdk.SettledImpossible
	}
	return sdk.SettledCantTell
}
