package view

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"testing"
	"time"

	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/runfile"
)

// many is a run of n items of the size that a Payvalida cancel has, one in a
// thousand of them skipped.
func many(b *testing.B, n int) *runfile.File {
	items := make([]plan.Item, n)
	for i := range items {
		items[i] = plan.Item{
			Key: fmt.Sprintf("A-1042%06d", i), Source: "stale-orders.csv", Row: int64(i) + 2, State: plan.Planned,
			IdempotencyKey: fmt.Sprintf("6f1c2a9d0b7e4f5a8c3d%012x", i), Amount: fmt.Sprintf("%d.00", 45000+i%7), Currency: "COP",
			Arguments: fmt.Appendf(nil, `{"order":"A-1042%06d"}`, i),
			Context:   json.RawMessage(`{"value":{"status":"PENDIENTE","amount":"45000.00"}}`),
			Live:      json.RawMessage(`{"state":"PENDIENTE","amount":"45000.00","currency":"COP","created_at":"2026-10-03T08:15:00Z"}`),
		}
		if i%1000 == 999 {
			items[i].State, items[i].Reason = plan.Skipped, "guard: state is APROBADA"
		}
	}
	f := exported(b, &plan.Columns{Arguments: []string{"order"}, Result: []string{"state", "reference"}}, items...)
	items = nil
	runtime.GC()
	return f
}

// One iteration is one item.
func BenchmarkExport(b *testing.B) {
	for _, format := range Formats {
		b.Run(format, func(b *testing.B) {
			f := many(b, b.N)
			b.ReportAllocs()
			b.ResetTimer()
			n, err := Export(context.Background(), io.Discard, f, ExportOptions{Format: format})
			if err != nil || n != int64(b.N) {
				b.Fatal(n, err)
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

// One iteration is one item: of what show says of a run, what comes at once, and
// what is added up.
func BenchmarkShow(b *testing.B) {
	f := many(b, b.N)
	page := func(filter runfile.Filter) func() error {
		return func() error {
			_, _, err := Items(io.Discard, f, filter, false)
			return err
		}
	}
	b.ResetTimer()
	for _, part := range []struct {
		unit string
		do   func() error
	}{
		{"ms-counts", func() error { _, err := NewBrief(f); return err }},
		{"ms-page", page(runfile.Filter{Limit: 50})},
		{"ms-last-page", page(runfile.Filter{Limit: 50, After: int64(max(b.N-50, 0))})},
		{"ms-page-of-state", page(runfile.Filter{Limit: 50, States: []plan.State{plan.Skipped}})},
		{"ms-page-of-none", page(runfile.Filter{Limit: 50, States: []plan.State{plan.Incident}})},
		{"ms-summary", func() error { _, err := NewSummary(f); return err }},
	} {
		began := time.Now()
		if err := part.do(); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(time.Since(began).Microseconds())/1000, part.unit)
	}
}
