package view

import (
	"fmt"
	"os"
	"slices"
	"sync/atomic"

	"github.com/bulkrunner/runner/internal/planner"
)

// PlanLine says how far the planning of an operation is.
func PlanLine(at planner.Progress) string {
	waiting := ""
	if at.Waiting != "" {
		waiting = "; waiting: " + Inert(at.Waiting)
	}
	return fmt.Sprintf("planning %s: %s rows, %s read from the API%s", at.Operation, Count(at.Rows), Count(at.Read), waiting)
}

// A PlanLive is the view of a plan that is being made, on a terminal: a line an
// operation.
type PlanLive struct {
	live   *Live
	latest atomic.Pointer[[]planner.Progress] // in the order in which they began; never changed
}

// NewPlanLive begins it. What it shows is taken away when it is closed.
func NewPlanLive(out *os.File) *PlanLive {
	v := &PlanLive{}
	v.live = NewLive(out, v.draw)
	return v
}

// Progress shows where an operation is. It never waits, and is called from one
// goroutine.
func (v *PlanLive) Progress(at planner.Progress) {
	var rows []planner.Progress
	if latest := v.latest.Load(); latest != nil {
		rows = slices.Clone(*latest)
	}
	i := slices.IndexFunc(rows, func(p planner.Progress) bool { return p.Operation == at.Operation })
	if i < 0 {
		i = len(rows)
		rows = append(rows, at)
	}
	rows[i] = at
	v.latest.Store(&rows)
}

func (v *PlanLive) draw(width, height int) (lines []string) {
	if rows := v.latest.Load(); rows != nil {
		for _, at := range (*rows)[max(0, len(*rows)-height+1):] {
			lines = append(lines, cut(PlanLine(at), width-1))
		}
	}
	return lines
}

// Close takes the lines away.
func (v *PlanLive) Close() { v.live.Close() }
