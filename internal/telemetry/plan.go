package telemetry

import (
	"fmt"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/bulkrunner/runner/internal/plan"
)

// A planning is the span of an operation that is planned.
type planning struct {
	trace.Span
	address string
	ended   time.Time // zero for the one that is planned now
}

// Planning begins to tell of an operation that is planned, unless it is told
// of. Operations are planned one after another.
func (t *Telemetry) Planning(address string) {
	if t == nil || len(t.planning) > 0 && t.planning[len(t.planning)-1].address == address {
		return
	}
	now := time.Now()
	t.endPlanning(now)
	_, span := t.tracer.Start(t.ctx, "planning "+address, trace.WithTimestamp(now), trace.WithAttributes(attribute.String("runner.operation", address)))
	t.planning = append(t.planning, planning{Span: span, address: address})
}

func (t *Telemetry) endPlanning(now time.Time) {
	if n := len(t.planning); n > 0 && t.planning[n-1].ended.IsZero() {
		t.planning[n-1].ended = now
	}
}

// Planned tells what a plan has become: each operation, and the whole on the
// command's span.
func (t *Telemetry) Planned(state string, ops []plan.Operation) {
	if t == nil {
		return
	}
	whole := make(map[string]int64)
	for _, op := range ops {
		counts := make(map[string]int64)
		for s, n := range op.Counts {
			counts[s.String()] += n
			whole[s.String()] += n
		}
		for _, p := range t.planning {
			if p.address != op.Address {
				continue
			}
			p.SetAttributes(append(items(counts), attribute.String("runner.provider", op.Provider), attribute.Int64("runner.rows", op.Rows))...)
			if n := op.Counts[plan.Invalid]; n > 0 {
				p.SetStatus(codes.Error, fmt.Sprintf("%d invalid", n))
			}
		}
	}
	t.closePlanning()
	t.span.SetAttributes(append(items(whole), attribute.String("runner.run.state", state))...)
}

// closePlanning ends the spans of what was planned. They are kept until it is
// known what became of them.
func (t *Telemetry) closePlanning() {
	t.endPlanning(time.Now())
	for _, p := range t.planning {
		p.End(trace.WithTimestamp(p.ended))
	}
	t.planning = nil
}
