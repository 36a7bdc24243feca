package main

import "github.com/bulkrunner/runner/sdk"

// The states of a debit request. It is pending until 48 business hours before
// it is due, then in process until it is paid or rejected; a paid one may be
// reverted (the payer disputes it) or refunded. The day on which a card is
// debited isn't shown by the API, only its month.
const (
	pending   = "pending"
	inProcess = "in_process"
	paid      = "paid"
	rejected  = "rejected"
	canceled  = "canceled"
	reverted  = "reverted"
	refunded  = "refunded"
	expired   = "expired"
)

// The states of an adhesion beside canceled.
const (
	pendingToSign = "pending_to_sign"
	signed        = "signed"
)

// inProcessToo is how the API's own documentation spells in_process. SDKs
// spell it properly. Which of the two the API sends isn't known, and a guard
// that knew one would let the other through.
const inProcessToo = "in_procces"

// stateOf is a state in one spelling.
func stateOf(state string) string {
	if state == inProcessToo || state == "in process" {
		return inProcess
	}
	return state
}

// cancellationSettled judges what a read tells of a cancellation of a debit
// request, of a card or of a bank account.
func cancellationSettled(state string) sdk.Settled {
	switch state {
	case canceled:
		return sdk.SettledYes
	case pending:
		return sdk.SettledNo
	case inProcess, paid, rejected, reverted, refunded, expired:
		return sdk.SettledImpossible
	}
	return sdk.SettledCantTell
}

// adhesionSettled does the same for an adhesion. Whether one that nobody has
// signed yet can be cancelled isn't documented.
func adhesionSettled(state string) sdk.Settled {
	switch state {
	case canceled:
		return sdk.SettledYes
	case signed, pendingToSign:
		return sdk.SettledNo
	}
	return sdk.SettledCantTell
}

// confirmCanceled holds the answer to a cancellation against what it has to
// confirm: the same id, now canceled, of the adhesion that was named if one
// was.
func confirmCanceled(asked, id, state, askedAdhesion, adhesion string, result any) error {
	switch {
	case id == "" || state == "":
		return sdk.Unknown("unconfirmed", "the answer names no id or no state")
	case id != asked:
		return sdk.Incident(result, "the API answered for another id than the one it was asked about")
	case state != canceled:
		return sdk.Unknown("unconfirmed", "the answer doesn't say that it is canceled")
	case askedAdhesion != "" && adhesion != askedAdhesion:
		return sdk.Incident(result, "what was cancelled belongs to another adhesion than the one that was named")
	}
	return nil
}

// confirmRead holds the answer to a read against what was asked for. Whatever
// is decided next would be decided on somebody else's state.
func confirmRead(asked, id, state, askedAdhesion, adhesion string) error {
	switch {
	case id == "" || state == "":
		return sdk.NotNow("unconfirmed", "the API showed something without its id or its state", 0)
	case id != asked:
		return sdk.FatalNoEffect("other_id", "the API showed another id than the one it was asked for")
	case askedAdhesion != "" && adhesion != askedAdhesion:
		return sdk.Refused("other_adhesion", "it belongs to another adhesion than the one that the file names")
	}
	return nil
}
