package main

import (
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/runfile"
)

// eventsOf are what happened to a run, in order.
func eventsOf(ts *testscript.TestScript, runFile string) []plan.Event {
	f, err := runfile.Open(ts.MkAbs(runFile))
	ts.Check(err)
	defer f.Close()
	all, err := f.Events()
	ts.Check(err)
	if len(all) == 0 {
		ts.Fatalf("%s holds no events", runFile)
	}
	return all
}

func named(ts *testscript.TestScript, pattern string) func(plan.Event) bool {
	p, err := regexp.Compile(pattern)
	ts.Check(err)
	return func(e plan.Event) bool { return p.MatchString(e.Kind + ": " + e.Detail) }
}

func event(ts *testscript.TestScript, neg bool, args []string) {
	all := eventsOf(ts, args[0])
	if slices.ContainsFunc(all, named(ts, args[1])) == neg {
		ts.Fatalf("%s has these events: %v", args[0], all)
	}
}

func away(ts *testscript.TestScript, _ bool, args []string) {
	j, err := runfile.Acquire(ts.MkAbs(args[0]))
	ts.Check(err)
	defer j.Release()
	now := time.Now().UTC()
	_, err = j.Begin(now)
	ts.Check(err)
	ts.Check(j.SetState(runfile.StateInterrupted, plan.Event{At: now, Kind: runfile.EventHandedOver, Detail: args[1] + " as a workflow"}))
}

// paced leaves out the first second after the event, in which requests that had
// their permits before it still leave.
func paced(ts *testscript.TestScript, _ bool, args []string) {
	limit, err := strconv.Atoi(args[1])
	ts.Check(err)
	all := eventsOf(ts, args[0])
	begin := slices.IndexFunc(all, named(ts, args[2]))
	if begin < 0 {
		ts.Fatalf("%s has these events: %v", args[0], all)
	}
	from, to := all[begin].At.Add(time.Second), time.Now()
	for _, e := range all[begin+1:] {
		if e.Kind == all[begin].Kind {
			to = e.At
			break
		}
	}
	f, err := runfile.Open(ts.MkAbs(args[0]))
	ts.Check(err)
	defer f.Close()
	var sent []time.Time
	for r, err := range f.RequestLog() {
		ts.Check(err)
		if r.SentAt.After(from) && r.SentAt.Before(to) {
			sent = append(sent, r.SentAt)
		}
	}
	slices.SortFunc(sent, time.Time.Compare)
	most, first := 0, 0
	for n, at := range sent {
		for at.Sub(sent[first]) >= time.Second {
			first++
		}
		most = max(most, n-first+1)
	}
	if most > limit+1 || most < max(limit/2, 1) {
		ts.Fatalf("the worst second of %d requests holds %d, and the limit is %d", len(sent), most, limit)
	}
}
