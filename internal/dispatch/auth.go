package dispatch

import (
	"errors"
	"fmt"
	"time"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/host"
)

const (
	// renewBefore is how long before its end an access token is renewed, where
	// it lives long enough: a token that lives less than a minute would else
	// never be used.
	renewBefore = 30 * time.Second

	// renewShare is the part of a short life that is left for a renewal.
	renewShare = 4
)

// An authentication is the state of the provider's access token, which the
// provider's process holds.
//
// While no token is valid nothing but the call that gets one leaves the line,
// so ids tell which token a call went with: those below the renewal's own went
// with an older one. What the API says to them says nothing of the present
// token, however late it comes.
type authentication struct {
	needed  bool
	valid   bool
	call    uint64    // the renewal in flight, 0 when none
	renewed uint64    // the call that brought the present token
	renewAt time.Time // zero where nobody knows when it ends

	// refused are the items, by their keys, for which a token was refused, as
	// long as none has been accepted since. What one is refused for again has
	// had its chance; what another is refused for says nothing of that, since
	// a token may end while many calls are on their way with it.
	refused map[string]bool

	denied  int       // renewals in a row that the API refused
	failing time.Time // when renewals began to fail, zero while they don't
}

// age renews a token before its end.
func (a *authentication) age(now time.Time) {
	if a.needed && a.valid && !a.renewAt.IsZero() && !now.Before(a.renewAt) {
		a.valid = false
	}
}

// lose forgets a token with the process that held it. Its successor's process
// begins anew, and so does what is believed of its tokens.
func (a *authentication) lose() {
	*a = authentication{needed: a.needed, valid: !a.needed, renewed: a.renewed, denied: a.denied, failing: a.failing, refused: a.refused}
}

// ErrCredential means that the API refused the credential, and would again.
var ErrCredential = errors.New("the API refused the credential")

// accepted takes in what an answer to any other call says of the token it went
// with. Of many calls in flight with a token that has ended the first to come
// back has it renewed, and the others change nothing.
func (l *Line) accepted(now time.Time, c *host.Call, a host.Answer) {
	switch a.Outcome {
	case sdk.OutcomeNotSent, sdk.OutcomeThrottled, sdk.OutcomeUnknown:
		return // nobody looked at the token, as far as is known
	case sdk.OutcomeUnauthenticated:
	default:
		if c.ID > l.auth.renewed {
			l.auth.refused = nil
		}
		return
	}
	switch {
	case !l.auth.needed:
		l.err = ErrCredential
	case c.ID < l.auth.renewed, !l.auth.valid:
		// It went with a token that has been replaced, or is being.
	case l.auth.refused[c.IdempotencyKey]:
		l.err = fmt.Errorf("%w again after it was renewed: look at what the account may do", ErrCredential)
	default:
		if l.auth.refused == nil {
			l.auth.refused = make(map[string]bool)
		}
		l.auth.refused[c.IdempotencyKey], l.auth.valid = true, false
		l.note(now, "token_refused", "the API refused the access token; it is renewed, and what it was refused for goes again")
	}
}

// authenticated takes in the answer to a renewal.
func (l *Line) authenticated(now time.Time, c *host.Call, a host.Answer) {
	l.auth.call = 0
	switch a.Outcome {
	case sdk.OutcomeDone:
		l.auth.valid, l.auth.renewed = true, c.ID
		l.auth.denied, l.auth.failing, l.auth.renewAt = 0, time.Time{}, time.Time{}
		if life := a.Expires.Sub(now); !a.Expires.IsZero() && life > 0 {
			l.auth.renewAt = a.Expires.Add(-min(renewBefore, life/renewShare))
		}
	case sdk.OutcomeRefused:
		l.err = fmt.Errorf("authentication was refused: %s", Words(a))
	case sdk.OutcomeUnauthenticated:
		if l.auth.denied++; l.auth.denied > 1 || !l.auth.needed {
			l.err = fmt.Errorf("authentication was refused twice: %s", Words(a))
		}
	case sdk.OutcomeUnknown, sdk.OutcomeNotNow, sdk.OutcomeIncident:
		if l.auth.failing.IsZero() {
			l.auth.failing = now
		}
		if now.Sub(l.auth.failing) >= l.Patience {
			l.err = fmt.Errorf("authentication has failed for %s: %s", l.Patience, Words(a))
			return
		}
		l.Pause(now, max(a.After, l.pauses.NextBackOff()), "authentication failed", "authentication_failed")
	}
}
