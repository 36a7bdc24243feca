package main

import (
	"fmt"

	"github.com/bulkrunner/runner/sdk/simulator"
)

const (
	unknownEmpty = "empty"
	caseAny      = "any"
	caseUpper    = "upper"
	caseLower    = "lower"
	byPayer      = "payer"
	byMerchant   = "merchant"

	firstOrder     = "order"
	firstReference = "reference"
)

var (
	transactionError = simulator.Share("transaction_error", "Share of requests answered with result code 0028 or 0030 in turn, without effect.")
	errorMessage     = simulator.Share("error_message", "Share of requests that are carried out and answered 502 with an errorMessage and no CODE.")
	otherOrder       = simulator.Share("other_order", "Share of requests that are carried out and whose answer names another order.")
	payBetween       = simulator.Share("pay_between", "Share of pending orders that are paid right after a read has shown them as pending.")
	expireBetween    = simulator.Share("expire_between", "Share of pending orders whose time is over right after a read has shown them as pending.")
	annulBetween     = simulator.Share("annul_between", "Share of paid orders that become ANULADA right after a read has shown them as paid.")
	clock            = simulator.Duration("clock", "How far the API's clock is ahead. A pending order expires when it says, or 30 days after it was made; one that is seeded was made before the clock went ahead.", 0)
	readLag          = simulator.Duration("read_lag", "How long reads go on showing an order's former state. Whether Payvalida's do isn't documented.", 0)
	checksumCase     = simulator.Word("checksum_case", "Which checksums are accepted: any, upper or lower. Not documented.", caseAny, caseUpper, caseLower)
	unknownOrder     = simulator.Text("unknown_order", "What a read of an unknown order answers: a result code, or empty for 0000 with no data. Not documented.", codeNotPending, func(v string) error {
		if v == unknownEmpty || fourDigits(v) && v != codeOK {
			return nil
		}
		return fmt.Errorf("write a result code other than %s, or %s", codeOK, unknownEmpty)
	})
	strict        = simulator.Word("strict", "Whether what only one of Payvalida's pages demands is demanded: an iva, order numbers of letters and digits, of at most 20 for an update.", "no", "yes")
	zone          = simulator.Word("zone", "In which zone an order's dates are. Not documented.", "UTC", "America/Bogota")
	checkedFirst  = simulator.Word("checked_first", "Which is answered where both a new order's number and its reference are taken: the order's 0042 or the reference's 0043. Not documented.", firstOrder, firstReference)
	recurrentPaid = simulator.Word("recurrent_paid", "What a payment makes of a recurrent order, which can be paid many times. Not documented.", pendiente, aprobada)
	annulledBy    = simulator.Word("annulled_by", "Who has orders annulled: the payer, of which the merchant is notified, or the merchant, who is not.", byPayer, byMerchant)
	notifyHash    = simulator.Text("notify_hash", "The FIXED_HASH_NOTIFICACION behind the checksums of notifications.", "simulated", nil)
)

// switches are what can be set about the simulation beside what can be about
// any.
var switches = []simulator.Toggle{
	transactionError, errorMessage, otherOrder, payBetween, expireBetween, annulBetween, clock, readLag, checksumCase, unknownOrder, strict, zone, checkedFirst,
	recurrentPaid,
	simulator.NotifyURL, simulator.NotifyTwice, notifyHash, annulledBy,
}
