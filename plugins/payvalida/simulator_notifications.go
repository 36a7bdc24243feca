package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/bulkrunner/runner/sdk/simulator"
)

// What a notification can say. An expired order and one whose money went back
// are both cancelled: only a read tells them apart.
const (
	approved  = "approved"
	cancelled = "cancelled"
)

// notify tells the merchant of an order's new state, where Payvalida does: of
// a payment, an expiry, and an annulment for the payer's sake; not of one that
// the merchant asked for, nor of a deletion.
func (s *simulation) notify(o *simulatedOrder, f *simulator.Fate) {
	switch {
	case o.state == stateApproved:
		s.tell(o, f, approved)
	case o.state == stateExpired, o.state == stateReversed && annulledBy.In(f) == byPayer:
		s.tell(o, f, cancelled)
	}
}

// tell sends a notification. Which JSON type amount has isn't documented. The
// lock is held.
func (s *simulation) tell(o *simulatedOrder, f *simulator.Fate, status string) {
	if simulator.NotifyURL.In(f) == "" {
		return
	}
	t, id := o.terms(), o.id
	if o.recurrent { // every payment of it has a number
		id = fmt.Sprintf("%s_%d", o.id, o.payments)
	}
	sum := sha256.Sum256([]byte(id + status + notifyHash.In(f)))
	n := map[string]any{
		"pv_po_id": o.number, "po_id": id, "status": status, "pv_checksum": hex.EncodeToString(sum[:]),
		"amount": withDecimals(t.amount.String(), 1), "iso_currency": t.currency,
	}
	switch {
	case t.method != "":
		n["pv_payment"] = t.method
	case o.state != stateExpired: // who paid did so somehow
		n["pv_payment"] = "pse"
	}
	body, _ := json.Marshal(n) // of our own types
	s.Notify(simulator.Notification{Thing: o.id, Body: body, Answered: func(answer []byte) {
		s.orders.mu.Lock()
		defer s.orders.mu.Unlock()
		o.answer = string(answer)
	}})
}
