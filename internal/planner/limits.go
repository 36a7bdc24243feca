package planner

import (
	"fmt"

	"github.com/bulkrunner/runner/internal/diag"
	"github.com/bulkrunner/runner/internal/plan"
)

// checkLimits refuses a plan that would do more than its file allows.
func (op *operation) checkLimits() (diags diag.List) {
	limits := op.Settings.Limits
	execute := op.Counts[plan.Planned]
	refuse := func(summary, detail string) {
		d := diag.Diagnostic{Summary: summary, Detail: detail, Subject: &op.config.Range, In: fmt.Sprintf("operation %q %q", op.config.Type, op.config.Name)}
		if op.config.Limits != nil {
			d.Subject = &op.config.Limits.Range
		}
		diags = append(diags, d)
	}
	switch {
	case limits.MaxItems < 0 || execute <= limits.MaxItems:
	case limits.Said:
		refuse("Too many items", fmt.Sprintf("%d items would be executed, and max_items allows %d. Narrow the operation with where, or raise max_items if this is meant.", execute, limits.MaxItems))
	default:
		refuse("Too many items", fmt.Sprintf("%d items would be executed, and an operation that does not say how many may executes %d at the most. If this is meant, say so in the operation:\n\n    limits { max_items = %d }", execute, limits.MaxItems, execute))
	}
	if limits.MaxShare > 0 && float64(execute) > limits.MaxShare*float64(op.Rows) {
		refuse("Too large a share", fmt.Sprintf("%d of the %d rows of %s would be executed, and max_share = %v allows %d. Narrow the operation with where, or raise max_share if this is meant.", execute, op.Rows, op.List, limits.MaxShare, int64(limits.MaxShare*float64(op.Rows))))
	}
	if limits.MaxTotal == nil {
		return diags
	}
	if op.unpriced > 0 {
		refuse("Items without an amount", fmt.Sprintf("%s to execute without an amount, and max_total can't count what that comes to. Say it with money { … }, or leave such items out with where.", items(op.unpriced)))
	}
	for _, currency := range op.totals.Currencies() {
		limit, ok := limits.MaxTotal[currency]
		if !ok {
			refuse("Currency without a limit", fmt.Sprintf("Items to execute come to %s %s, and max_total does not name %s. Give it a limit there, or leave those items out with where.", currency, op.totals.Text(currency), currency))
			continue
		}
		total, exceeds, err := op.totals.Exceeds(currency, limit)
		if err != nil {
			return append(diags, failed(err)...)
		}
		if exceeds {
			refuse("Too large a total", fmt.Sprintf("Items to execute come to %s %s, and max_total allows %s %s. Narrow the operation with where, or raise max_total if this is meant.", currency, total, currency, limit))
		}
	}
	return diags
}
