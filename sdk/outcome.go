package sdk

import (
	"errors"
	"fmt"
	"time"
)

// An Outcome says what became of one request to an API.
//
// It is deliberately not an error. An error says that something went wrong; an
// Outcome says whether money may have moved, which is a different question,
// and the only one that decides whether it is safe to try again.
type Outcome uint8

const (
	// OutcomeUnknown means that a request may have been carried out: it was
	// sent, and no answer that can be trusted came back. It is the zero value,
	// so that a provider that forgets to report is treated with suspicion
	// rather than with optimism.
	OutcomeUnknown Outcome = iota

	// OutcomeDone means that the API confirmed the effect. An answer that
	// lacks the state it should confirm is unknown, not done.
	OutcomeDone

	// OutcomeRefused means that the API said no, for good, and nothing happened.
	OutcomeRefused

	// OutcomeNotNow means that nothing happened and that this item may be
	// tried again later.
	OutcomeNotNow

	// OutcomeThrottled means that the API asked for a slower pace and nothing
	// happened. It concerns the whole account, not the item.
	OutcomeThrottled

	// OutcomeNotSent means that the request certainly never reached the API.
	OutcomeNotSent

	// OutcomeUnauthenticated means that the API refused the credential and
	// nothing happened.
	OutcomeUnauthenticated

	// OutcomeIncident means that the API did something else than was meant,
	// such as giving money back where it should have cancelled.
	OutcomeIncident

	// OutcomeFatal means that every further item would end the same way, for
	// instance because the merchant is unknown. It proves nothing about
	// effects unless [Failure.NoEffect] says so.
	OutcomeFatal
)

var outcomeNames = [...]string{"unknown", "done", "refused", "not_now", "throttled", "not_sent", "unauthenticated", "incident", "fatal"}

// String returns the outcome's name as the run file writes it.
func (o Outcome) String() string {
	if int(o) < len(outcomeNames) {
		return outcomeNames[o]
	}
	return outcomeNames[OutcomeUnknown]
}

// A Failure is an error that knows its [Outcome]. Make one with [Refused] and
// its siblings.
type Failure struct {
	Outcome  Outcome
	Code     string        // the API's own code, or a word of the client's; "" when there is none
	Reason   string        // one sentence for the person who runs it, free of secrets
	After    time.Duration // how long the API asked to be left alone; 0 when it did not say
	NoEffect bool          // for OutcomeFatal: the API proved that it did nothing
	Result   any           // for OutcomeIncident: what the API answered
	Err      error         // the cause, for errors.Is; never shown
}

func (f *Failure) Error() string {
	if f.Code != "" && f.Code != f.Reason {
		return fmt.Sprintf("%s (%s): %s", f.Outcome, f.Code, f.Reason)
	}
	return fmt.Sprintf("%s: %s", f.Outcome, f.Reason)
}

func (f *Failure) Unwrap() error { return f.Err }

// Refused reports that the API said no, for good: the item has failed.
func Refused(code, reason string) error {
	return &Failure{Outcome: OutcomeRefused, Code: code, Reason: reason}
}

// NotNow reports that nothing happened and that the item may be tried again,
// not sooner than after (0 leaves it to the runner's back-off).
func NotNow(code, reason string, after time.Duration) error {
	return &Failure{Outcome: OutcomeNotNow, Code: code, Reason: reason, After: after}
}

// Throttled reports that the API asked for a pause of at least after (0 when
// it did not say how long) and did nothing.
func Throttled(after time.Duration) error {
	return &Failure{Outcome: OutcomeThrottled, Code: "429", Reason: "the API asked for a slower pace", After: after}
}

// NotSent reports that no byte of the request reached the API. Only a client
// that watched the write may say so; see package apiclient.
func NotSent(err error) error {
	return &Failure{Outcome: OutcomeNotSent, Reason: "the request never left", Err: err}
}

// Unauthenticated reports that the API refused the credential and did nothing.
func Unauthenticated(err error) error {
	return &Failure{Outcome: OutcomeUnauthenticated, Reason: "the API refused the credential", Err: err}
}

// Incident reports that the API did something else than was meant. The result
// is what it answered; it is kept with the item.
func Incident(result any, reason string) error {
	return &Failure{Outcome: OutcomeIncident, Reason: reason, Result: result}
}

// Fatal reports that every item would end like this one, and says nothing
// about whether this one took effect: the item is in doubt. Where the API's
// answer proves that it did nothing, use [FatalNoEffect].
func Fatal(code, reason string) error {
	return &Failure{Outcome: OutcomeFatal, Code: code, Reason: reason}
}

// FatalNoEffect is [Fatal] with proof that this request did nothing.
func FatalNoEffect(code, reason string) error {
	return &Failure{Outcome: OutcomeFatal, Code: code, Reason: reason, NoEffect: true}
}

// Unknown reports that the request may have been carried out, and why that
// can't be told. Any error that is not a [Failure] means the same; Unknown is
// for adding a code and a reason that may be shown.
func Unknown(code, reason string) error {
	return &Failure{Outcome: OutcomeUnknown, Code: code, Reason: reason}
}

// Unanswered tells whether the code of an unknown outcome says that no whole
// answer came. The codes are those of package apiclient; any other code stands
// for something that the API did answer.
func Unanswered(code string) bool {
	switch code {
	case "timeout", "cancelled", "truncated", "connection_lost", "no_answer":
		return true
	}
	return false
}

// AsFailure returns what err says of its request. A nil error gives nil; an
// error that nobody classified gives [OutcomeUnknown] without the error's
// text, which may hold a URL or a credential.
func AsFailure(err error) *Failure {
	if err == nil {
		return nil
	}
	if f, ok := errors.AsType[*Failure](err); ok {
		return f
	}
	return &Failure{Outcome: OutcomeUnknown, Reason: "the provider could not tell what became of the request", Err: err}
}

// Settled is what a read tells of an operation: has it had its effect?
type Settled uint8

const (
	// SettledCantTell means that reading can't decide it. The zero value: such
	// an item waits for a person.
	SettledCantTell Settled = iota
	// SettledYes means that the effect is there.
	SettledYes
	// SettledNo means that the effect is not there and is still possible.
	SettledNo
	// SettledImpossible means that the effect is not there and can no longer
	// come about.
	SettledImpossible
	// SettledNotYet means that the API is still working on it.
	SettledNotYet
	// SettledOtherwise means that another effect is there than was meant, such
	// as money given back by what should have cancelled. An item in doubt is
	// then an incident; one that nothing was sent for can't be carried out.
	SettledOtherwise
)

var settledNames = [...]string{"cant_tell", "yes", "no", "impossible", "not_yet", "otherwise"}

// String returns the answer's name as the run file writes it.
func (s Settled) String() string {
	if int(s) < len(settledNames) {
		return settledNames[s]
	}
	return settledNames[SettledCantTell]
}
