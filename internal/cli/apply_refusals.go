package cli

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bulkrunner/runner/internal/diag"
	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/runfile"
	"github.com/bulkrunner/runner/sdk"
)

// checkStops refuses to go on with operations that a rule stopped, unless told
// to, which is recorded and starts new counts.
func (a *app) checkStops(j *runfile.Journal, ops []plan.Operation, o applyOptions, path string) error {
	events, err := j.Events()
	if err != nil {
		return err
	}
	stopped := make(map[string]string)
	for _, e := range events {
		address, rule, _ := strings.Cut(e.Detail, ": ")
		switch e.Kind {
		case "stopped":
			stopped[address] = rule
		case runfile.EventContinued:
			delete(stopped, address)
		}
	}
	for _, address := range o.proceed {
		if !slices.ContainsFunc(ops, func(op plan.Operation) bool { return op.Address == address }) {
			return refusal("Unknown operation", fmt.Sprintf("--continue-after-stop names %s, which is not an operation of this run.", address))
		}
	}
	var diags diag.List
	for _, op := range ops {
		rule, ok := stopped[op.Address]
		if !ok {
			continue
		}
		if !slices.Contains(o.proceed, op.Address) {
			diags = append(diags, diag.Diagnostic{
				Summary: "Operation was stopped",
				Detail:  fmt.Sprintf("%s was stopped by %s. When you have seen to the cause, say that it may go on; its counts then start anew.", op.Address, rule),
				Command: fmt.Sprintf("runner apply --continue-after-stop %s %s", op.Address, path),
			})
			continue
		}
		event := plan.Event{At: time.Now().UTC(), Kind: runfile.EventContinued, Detail: op.Address + ": after " + rule}
		if err := j.Commit(runfile.Batch{Events: []plan.Event{event}}); err != nil {
			return err
		}
	}
	if len(diags) > 0 {
		return &status{code: exitStopped, diags: diags}
	}
	return nil
}

// compare refuses providers other than those that the plan was made with.
func (s *session) compare(run runfile.Run, o applyOptions) error {
	var diags diag.List
	for _, was := range run.Providers {
		p, ok := s.providers[was.Address]
		if !ok {
			continue
		}
		is := p.Record
		diags = append(diags, compareProgram(was, is.Version, is.Checksum)...)
		if !o.acceptAccount && (is.Account != was.Account || is.Environment != was.Environment || is.Fingerprint != was.Fingerprint) {
			diags = append(diags, diag.Diagnostic{
				Summary: "Account differs from the plan's",
				Detail:  fmt.Sprintf("The plan was made for account %q (%s), and %s now stands for account %q (%s). Nothing was sent. If the account is the same and only its credential was rotated, add --accept-account.", was.Account, was.Environment, was.Address, is.Account, is.Environment),
			})
		}
	}
	if len(diags) > 0 {
		return refuse(diags)
	}
	return nil
}

// compareProgram refuses another program than the plan's.
func compareProgram(was runfile.Provider, version, checksum string) diag.List {
	if checksum == was.Checksum {
		return nil
	}
	return diag.List{{
		Summary: "Provider differs from the plan's",
		Detail:  fmt.Sprintf("The plan was made with provider %q %s (%s), and the program found now is %s (%s). Install the former again, or plan anew.", was.Name, was.Version, was.Checksum, version, checksum),
	}}
}

// readEverything has every item of a run read before it is executed, because
// nobody knows whether another copy of its file was carried out on the machine
// that planned it. What can't be read is refused.
func (s *session) readEverything(ops []plan.Operation) error {
	for i := range ops {
		schema, ok := s.providers[ops[i].Provider].Schema.Operation(ops[i].Type)
		if !ok || schema.Kind == sdk.KindQuery {
			continue
		}
		if !schema.Reads || !schema.Settles {
			return refusal("Run of another machine", fmt.Sprintf("The plan was not made on this machine, so another copy of it may have been applied where it was, and the items of %s can't be read to find out. Apply it where it was planned, or plan anew here.", ops[i].Address))
		}
		ops[i].Settings.Reads = true
	}
	return nil
}
