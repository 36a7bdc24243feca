package fleet

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"go.temporal.io/api/serviceerror"

	"github.com/bulkrunner/runner/internal/engine"
	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/runfile"
)

// abandon ends a run whose workflow is lost. What its chunks know is brought
// into the run file, and what nobody knows is put in doubt.
func (h *Handover) abandon(ctx context.Context, lost string) (End, error) {
	var gone *serviceerror.NotFound
	for _, op := range h.ops {
		for n := 0; ; n++ {
			id := chunkID(h.id, op.Address, n)
			if h.received[id] {
				continue
			}
			if err := h.client.TerminateWorkflow(ctx, id, "", "the run's workflow is lost"); err != nil && !errors.As(err, &gone) {
				return End{}, err
			}
			p, err := h.history(ctx, id, "")
			if errors.As(err, &gone) {
				break
			}
			if err == nil {
				err = h.record(ctx, op, n, p)
			}
			if err != nil {
				return End{}, err
			}
		}
		// Chunks that were never there, or were thrown away with what they knew.
		if strings.HasSuffix(lost, "any more") {
			if err := h.suspectAll(op, lost); err != nil {
				return End{}, err
			}
		}
	}
	if err := h.Journal.Commit(runfile.Batch{Events: []plan.Event{{At: time.Now(), Kind: runfile.EventReturned, Detail: h.id + ": " + lost}}}); err != nil {
		return End{}, err
	}
	return End{Result: engine.Result{Fatal: errors.New(lost + "; what its workers may have done is in doubt, and read before anything else is sent")}}, nil
}

// suspectAll puts in doubt all of an operation that may have been sent: what is
// planned, and what was in doubt before, but not an item of a fed operation that
// never became anything.
func (h *Handover) suspectAll(op *handed, lost string) error {
	for after := int64(0); ; {
		page, err := h.Journal.Items(op.ID, after, 1000)
		if err != nil || len(page) == 0 {
			return err
		}
		after = page[len(page)-1].ID
		s := &sheet{items: slices.DeleteFunc(page, func(it plan.Item) bool {
			return op.Settings.FedBy != "" && !it.Later
		})}
		now := time.Now()
		if err := h.Journal.Commit(s.suspect(lost+", and it may have been sent", now, now.Add(mostQuiet), h.begun)); err != nil {
			return err
		}
	}
}
