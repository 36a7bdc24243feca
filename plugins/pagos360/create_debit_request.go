package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/bulkrunner/runner/sdk"
)

type createDebitArgs struct {
	AdhesionID    string            `json:"adhesion_id" runner:"required,pattern=[1-9][0-9]{0,18}" doc:"The adhesion whose bank account is debited."`
	FirstDueDate  string            `json:"first_due_date" runner:"required,pattern=[0-9]{4}-[0-9]{2}-[0-9]{2}" doc:"As 2026-12-31; at least three business days ahead."`
	FirstTotal    sdk.Decimal       `json:"first_total" runner:"required,role=amount" doc:"In pesos: at most eight digits before the point and two after it."`
	SecondDueDate string            `json:"second_due_date" runner:"pattern=([0-9]{4}-[0-9]{2}-[0-9]{2})?" doc:"When it is tried again."`
	SecondTotal   sdk.Decimal       `json:"second_total" doc:"In pesos, for the second due date; both or none."`
	Description   string            `json:"description" runner:"required,min=1,max=255" doc:"What it is for."`
	Metadata      map[string]string `json:"metadata" doc:"Whatever is to be found with it later. The runner adds its own key for the item as runner_idempotency_key."`
}

// createDebitRequest can't be read, for the reasons of
// [createCardDebitRequest].
var createDebitRequest = sdk.Mutation[*client, createDebitArgs, struct{}, debit]{
	Name: "create_debit_request",
	Doc: "Makes a debit request for a bank account (CBU). The API knows no idempotency key: where an answer is lost, a person " +
		"looks for the item's key in the metadata of the adhesion's debits and settles it by hand.",
	GuardedByAPI: true,
	Check:        checkDebit,
	Execute:      (*client).createDebit,
}

// A debitRequest is the body, within its root key.
type debitRequest struct {
	AdhesionID    json.Number       `json:"adhesion_id"`
	FirstDueDate  string            `json:"first_due_date"`
	FirstTotal    json.RawMessage   `json:"first_total"`
	SecondDueDate string            `json:"second_due_date,omitempty"`
	SecondTotal   json.RawMessage   `json:"second_total,omitempty"`
	Description   string            `json:"description"`
	Metadata      map[string]string `json:"metadata,omitempty"`
}

// createDebit believes what [client.createCardDebit] believes.
func (c *client) createDebit(ctx context.Context, a createDebitArgs) (debit, error) {
	data, err := c.create(ctx, debits, debitRequest{
		AdhesionID: json.Number(a.AdhesionID), FirstDueDate: onWire(a.FirstDueDate), FirstTotal: bare(a.FirstTotal),
		SecondDueDate: onWire(a.SecondDueDate), SecondTotal: bare(a.SecondTotal),
		Description: a.Description, Metadata: withKey(a.Metadata, sdk.IdempotencyKey(ctx)),
	})
	if err != nil {
		return debit{}, err
	}
	d, err := decodeDebit(data)
	switch {
	case err != nil || d.ID == "" || d.State == "" || d.FirstTotal == "" || d.AdhesionID == "":
		return debit{}, sdk.Unknown("unconfirmed", "the answer names no id, state, amount or adhesion")
	case d.AdhesionID != a.AdhesionID || d.FirstTotal.Cmp(a.FirstTotal) != 0 || dayOf(d.FirstDueDate) != "" && dayOf(d.FirstDueDate) != a.FirstDueDate:
		return debit{}, sdk.Incident(d, "the API made another debit than the one it was asked for")
	case d.State != pending && d.State != inProcess:
		return debit{}, sdk.Unknown("unconfirmed", "the answer doesn't say that the debit is pending")
	}
	return d, nil
}

func checkDebit(a createDebitArgs) error {
	if err := checkAmount("first_total", a.FirstTotal); err != nil {
		return err
	}
	if (a.SecondDueDate == "") != (a.SecondTotal == "") {
		return errors.New("second_due_date and second_total go together: give both or none")
	}
	if a.SecondTotal != "" {
		if err := checkAmount("second_total", a.SecondTotal); err != nil {
			return err
		}
	}
	if err := checkDate("first_due_date", a.FirstDueDate); err != nil {
		return err
	}
	if err := checkDate("second_due_date", a.SecondDueDate); err != nil {
		return err
	}
	if a.SecondDueDate != "" && a.SecondDueDate <= a.FirstDueDate {
		return errors.New("second_due_date is not after first_due_date")
	}
	return checkMetadata(a.Metadata)
}

func checkCardDebit(a createCardDebitArgs) error {
	switch {
	case a.Month < 1 || a.Month > 12:
		return fmt.Errorf("month is %d: write 1 to 12", a.Month)
	case a.Year < 2000 || a.Year > 2100:
		return fmt.Errorf("year is %d: write it with four digits", a.Year)
	}
	if err := checkAmount("amount", a.Amount); err != nil {
		return err
	}
	return checkMetadata(a.Metadata)
}

func checkMetadata(m map[string]string) error {
	if _, taken := m[keyMember]; taken {
		return errKeyMember
	}
	return nil
}
