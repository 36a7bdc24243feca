package main

import (
	"context"
	"strconv"
	"strings"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/apiclient"
)

type refundArgs struct {
	MerchantOperationNumber string `json:"merchant_operation_number" runner:"required,min=1,max=100" doc:"The operation's number, as the merchant registered it. A string: leading zeros count."`
}

// Refunds are what the API shows of one operation's. It may be none.
type refunds struct {
	MerchantOperationNumber string   `json:"merchant_operation_number" doc:"The operation's number."`
	Count                   int      `json:"count" doc:"How many refunds there are."`
	State                   string   `json:"state" runner:"role=status" doc:"Of the refund, where there is one alone. The only one documented is REGISTERED: these states are English."`
	Refunds                 []refund `json:"refunds" doc:"All of them. Amounts are in minor units."`
}

type refund struct {
	RefundID          string      `json:"refund_id"`
	State             string      `json:"state"`
	Reason            string      `json:"reason"`
	Type              string      `json:"type"`
	TransactionID     string      `json:"transaction_id"`
	RefundAmount      sdk.Decimal `json:"refund_amount"`
	TransactionAmount sdk.Decimal `json:"transaction_amount"`
	Currency          string      `json:"currency"`
	PaymentMethod     string      `json:"payment_method"`
	Brand             string      `json:"brand"`
	MaskedPAN         string      `json:"masked_pan"`
	Channel           string      `json:"channel"`
	RequestReason     string      `json:"request_reason"`
	Description       string      `json:"description"`
	Lifecycle         []step      `json:"lifecycle"`
}

var getRefund = sdk.Query[*client, refundArgs, refunds]{
	Name:    "get_refund",
	Doc:     "Reads the refunds of one operation. Whether reversing a charge makes one of these isn't documented.",
	Check:   func(a refundArgs) error { return checkSegment("merchant_operation_number", a.MerchantOperationNumber) },
	Execute: (*client).readRefund,
}

func (c *client) readRefund(ctx context.Context, a refundArgs) (refunds, error) {
	answer, err := c.read(ctx, refundPath, a.MerchantOperationNumber)
	if err != nil {
		return refunds{}, err
	}
	return decodeRefunds(a.MerchantOperationNumber, answer)
}

// decodeRefunds takes the refunds from the answer, and only as many as it
// says there are.
func decodeRefunds(asked string, answer apiclient.Object) (refunds, error) {
	list, err := answer.Objects("operations")
	if err != nil || list == nil {
		return refunds{}, sdk.NotNow("unconfirmed", "the API showed no list of refunds", 0)
	}
	count, err := answer.Decimal("operations_count")
	if err != nil || count.String() != strconv.Itoa(len(list)) {
		return refunds{}, sdk.NotNow("unconfirmed", "the API showed another number of refunds than it counted", 0)
	}
	r := refunds{MerchantOperationNumber: asked, Count: len(list), Refunds: make([]refund, 0, len(list))}
	for _, o := range list {
		if o.Text("merchant_operation_number") != asked {
			return refunds{}, sdk.FatalNoEffect("other_charge", "the API showed a refund of another operation than the one it was asked for")
		}
		one, err := decodeRefund(o)
		if err != nil {
			return refunds{}, sdk.NotNow("unconfirmed", "the API showed a refund with something else than text or decimal numbers in it", 0)
		}
		r.Refunds = append(r.Refunds, one)
	}
	if len(r.Refunds) == 1 {
		r.State = r.Refunds[0].State
	}
	return r, nil
}

// decodeRefund reads one entry, whose payment method has a name where a
// charge's has a method_name.
func decodeRefund(o apiclient.Object) (refund, error) {
	method, more := o.Object("payment_method"), o.Object("additional_fields")
	r := refund{
		RefundID:      o.Text("refund_id"),
		State:         o.Text("state"),
		Reason:        o.Text("refund_reason"),
		Type:          o.Text("type"),
		TransactionID: o.Text("transaction_id"),
		Currency:      o.Text("currency"),
		PaymentMethod: method.Text("name"),
		Brand:         method.Text("brand"),
		MaskedPAN:     masked(method.Text("masked_pan")),
		Channel:       more.Text("canal"),
		RequestReason: more.Text("reason"),
		Description:   more.Text("description"),
	}
	var err error
	if r.RefundAmount, err = o.Decimal("refund_amount"); err != nil {
		return r, errAmount
	}
	if r.TransactionAmount, err = o.Decimal("transaction_amount"); err != nil {
		return r, errAmount
	}
	r.Lifecycle, err = decodeLifecycle(o)
	return r, err
}

// masked lets a card's number through only where it shows no more than its
// first six and last four digits.
func masked(pan string) string {
	if len(pan)-strings.Count(pan, "*") > 10 {
		return ""
	}
	return pan
}
