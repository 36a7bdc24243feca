package dispatch

import "github.com/bulkrunner/runner/internal/plan"

// Without is the outcome without what an item's secret arguments hold, which
// the provider was given and may have repeated. Callers keep and show nothing
// else of an answer.
func (o Outcome) Without(s plan.Secret) Outcome {
	a := &o.Answer
	a.Code, a.Reason = s.Withhold(a.Code), s.Withhold(a.Reason)
	a.Live, a.Result = s.WithholdObject(a.Live), s.WithholdObject(a.Result)
	return o
}
