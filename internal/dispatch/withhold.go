package dispatch

import (
	"github.com/bulkrunner/runner/internal/card"
	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/sdk/host"
)

// without is an answer without what an item's secret arguments hold, which the
// provider was given and may have repeated, and whose words hold no other card
// number either. What it says under a name may look like one and be an id.
func without(s plan.Secret, a host.Answer) host.Answer {
	a.Code, a.Reason = card.Mask(s.Withhold(a.Code)), card.Mask(s.Withhold(a.Reason))
	a.Live, a.Result = s.WithholdObject(a.Live), s.WithholdObject(a.Result)
	return a
}

// withheld is a text of the process, such as its last words, without what any
// call in flight holds.
func (l *Line) withheld(text string) string {
	for _, f := range l.inFlight {
		text = f.secret.Withhold(text)
	}
	return card.Mask(text)
}
