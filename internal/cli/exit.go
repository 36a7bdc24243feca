package cli

import (
	"fmt"

	"github.com/bulkrunner/runner/internal/diag"
)

// The exit codes. Where several hold: 130, 5, 4, 3.
const (
	exitDone        = 0
	exitRefused     = 1 // could not be done; nothing was sent
	exitToExecute   = 2 // plan --detailed-exitcode: there are items to execute
	exitUnfinished  = 3 // some items failed or stayed in doubt
	exitStopped     = 4 // stopped by a rule
	exitFatal       = 5 // stopped after sending by something fatal; resumable
	exitInterrupted = 130
)

// A status ends a command with an exit code. Its diagnostics, if any, are
// still to be shown.
type status struct {
	code  int
	diags diag.List
}

func (s *status) Error() string { return fmt.Sprintf("exit %d", s.code) }

// exit ends a command with a code whose reason has been said.
func exit(code int) error {
	if code == exitDone {
		return nil
	}
	return &status{code: code}
}

// refuse ends a command that could not be done.
func refuse(diags diag.List) error { return &status{code: exitRefused, diags: diags} }

// refusal is refuse with one message.
func refusal(summary, detail string) error {
	return refuse(diag.List{{Summary: summary, Detail: detail}})
}
