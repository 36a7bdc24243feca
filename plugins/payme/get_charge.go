package main

import (
	"context"
	"errors"
	"slices"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/apiclient"
)

type chargeArgs struct {
	MerchantOperationNumber string `json:"merchant_operation_number" runner:"required,min=1,max=100" doc:"The operation's number, as the merchant registered it. A string: leading zeros count."`
	TransactionID           string `json:"transaction_id" runner:"required,min=1,max=100" doc:"The transaction's id, as the answer to the charge had it. Pay-me documents no way to read a charge without it, and a charge that can't be read may be in any state: so the list must carry it."`
}

// A charge is what the API shows of one operation. Amounts are in minor units
// and currencies by their numbers, as the API has them.
type charge struct {
	MerchantOperationNumber string        `json:"merchant_operation_number" doc:"The operation's number."`
	TransactionID           string        `json:"transaction_id" doc:"The transaction that was asked for."`
	State                   string        `json:"state" runner:"role=status" doc:"The operation's: REGISTRADO, PENDIENTE, AUTORIZADO (paid), CANCELADO, EXTORNADO (given back), DENEGADO, EXPIRADO, LIQUIDADO, DEPOSITADO or INVALIDO."`
	States                  []string      `json:"states" doc:"The operation's state and every transaction's that is shown: what the default guards judge."`
	StateReason             string        `json:"state_reason" doc:"Of the transaction that was asked for. It may blame the payer for what the API did."`
	Amount                  sdk.Decimal   `json:"amount" runner:"role=amount,exponent=2" doc:"In minor units: 15000 is 150.00."`
	Currency                string        `json:"currency" runner:"role=currency" doc:"ISO 4217 by number: 604 is PEN, 840 USD."`
	PaymentMethod           string        `json:"payment_method" doc:"CARD, YAPE, QR, PAGOEFECTIVO, CUOTEALO or BANK_TRANSFER."`
	ExpirationDate          string        `json:"expiration_date" doc:"Until when it can be paid, where the API says so."`
	CreatedAt               string        `json:"created_at" doc:"As the API writes it, with or without a zone."`
	Transactions            []transaction `json:"transactions" doc:"All that are shown. Whether a read shows more than the one it names isn't documented."`
}

// A transaction is one attempt to pay an operation.
type transaction struct {
	TransactionID     string      `json:"transaction_id"`
	Channel           string      `json:"channel"`
	State             string      `json:"state"`
	StateReason       string      `json:"state_reason"`
	Amount            sdk.Decimal `json:"amount"`
	Currency          string      `json:"currency"`
	PaymentMethod     string      `json:"payment_method"`
	ExpirationDate    string      `json:"expiration_date"`
	AuthorizationCode string      `json:"authorization_code"`
	Lifecycle         []step      `json:"lifecycle"`
}

// A step is a state that something went through, and when.
type step struct {
	State string `json:"state"`
	At    string `json:"at"`
}

var getCharge = sdk.Query[*client, chargeArgs, charge]{
	Name:    "get_charge",
	Doc:     "Reads a charge by its operation's number and its transaction's id.",
	Check:   checkCharge,
	Execute: (*client).readCharge,
}

func checkCharge(a chargeArgs) error {
	if err := checkSegment("merchant_operation_number", a.MerchantOperationNumber); err != nil {
		return err
	}
	return checkSegment("transaction_id", a.TransactionID)
}

// readCharge asks for a charge as it is now.
func (c *client) readCharge(ctx context.Context, a chargeArgs) (charge, error) {
	answer, err := c.read(ctx, chargesPath, a.MerchantOperationNumber, a.TransactionID)
	if err != nil {
		return charge{}, err
	}
	return shownCharge(a, answer)
}

// shownCharge takes a charge from the answer to a read, and believes none
// that isn't the one that was asked for.
func shownCharge(a chargeArgs, answer apiclient.Object) (charge, error) {
	shown, err := decodeCharge(a.TransactionID, answer.Object("operation"))
	switch {
	case err != nil:
		return charge{}, sdk.NotNow("unconfirmed", "the API showed a charge with something else than text or decimal numbers in it", 0)
	case shown.MerchantOperationNumber == "" || len(shown.Transactions) == 0 || slices.Contains(shown.States, ""):
		return charge{}, sdk.NotNow("unconfirmed", "the API showed a charge without its number, its transactions or a state", 0)
	case shown.MerchantOperationNumber != a.MerchantOperationNumber,
		!slices.ContainsFunc(shown.Transactions, func(t transaction) bool { return t.TransactionID == a.TransactionID }):
		// Whatever is decided next would be decided on someone else's state.
		return charge{}, sdk.FatalNoEffect("other_charge", "the API showed another charge than the one it was asked for")
	}
	return shown, nil
}

var errAmount = errors.New("not a decimal number")

// decodeCharge takes a charge from the operation of an answer. What it is
// about beyond that is the transaction that was asked for.
func decodeCharge(asked string, o apiclient.Object) (charge, error) {
	list, err := o.Objects("transactions")
	if err != nil {
		return charge{}, err
	}
	c := charge{
		MerchantOperationNumber: o.Text("merchant_operation_number"),
		TransactionID:           asked,
		State:                   o.Text("state"),
		Currency:                o.Text("currency"),
		CreatedAt:               o.Object("created_at").Text("utc_time"),
	}
	if c.Amount, err = o.Decimal("amount"); err != nil {
		return charge{}, errAmount
	}
	c.States = append(c.States, c.State)
	for _, member := range list {
		t, err := decodeTransaction(member)
		if err != nil {
			return charge{}, err
		}
		c.Transactions = append(c.Transactions, t)
		c.States = append(c.States, t.State)
		if t.TransactionID == asked {
			c.StateReason, c.PaymentMethod, c.ExpirationDate = t.StateReason, t.PaymentMethod, t.ExpirationDate
		}
	}
	return c, nil
}

// decodeTransaction leaves out what methods have of their own: a card's
// digits, a payer's links.
func decodeTransaction(o apiclient.Object) (transaction, error) {
	t := transaction{
		TransactionID:     o.Text("transaction_id"),
		Channel:           o.Text("channel"),
		State:             o.Text("state"),
		StateReason:       o.Text("state_reason"),
		Currency:          o.Text("currency"),
		PaymentMethod:     o.Object("payment_method").Text("method_name"),
		ExpirationDate:    o.Object("expiration_date").Text("utc_time"),
		AuthorizationCode: o.Object("processor_response").Text("authorization_code"),
	}
	var err error
	if t.Amount, err = o.Decimal("amount"); err != nil {
		return t, errAmount
	}
	t.Lifecycle, err = decodeLifecycle(o)
	return t, err
}

// decodeLifecycle reads what something went through. Only utc_time is taken:
// unix_time doesn't always agree with it.
func decodeLifecycle(o apiclient.Object) ([]step, error) {
	list, err := o.Objects("lifecycle")
	if err != nil {
		return nil, err
	}
	steps := make([]step, 0, len(list))
	for _, s := range list {
		steps = append(steps, step{s.Text("state"), s.Object("date").Text("utc_time")})
	}
	return steps, nil
}
