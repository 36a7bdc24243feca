// Package diag is messages: what is wrong, where, why, and what to do next.
package diag

import (
	"github.com/hashicorp/hcl/v2"
)

// A Severity says whether a message stops the command.
type Severity uint8

const (
	Error Severity = iota
	Warning
)

// A Diagnostic is one message for the person who runs the command.
type Diagnostic struct {
	Severity Severity
	Summary  string     // fixed words, no names, no full stop
	Detail   string     // what, why and the next move
	Subject  *hcl.Range // what is underlined; nil when no file is to blame
	In       string     // the block around it: operation "payvalida_cancel_order" "stale"
	Row      *Row       // where in a list, if a row is to blame
	Similar  int64      // how many further rows have the same problem
	Others   []Row      // the first of those further rows
	Command  string     // a command that is the next move; it stands alone on its line
	Secret   bool       // the line of Subject holds a secret, so that only the line's number is shown
}

// A Row is a place in a list.
type Row struct {
	Source string `json:"file"`
	Line   int64  `json:"line"`
	Column string `json:"column,omitempty"`
	Value  string `json:"value,omitempty"`
}

// A List is messages in the order in which they were met.
type List []Diagnostic

// HasErrors tells whether any message stops the command.
func (l List) HasErrors() bool {
	for _, d := range l {
		if d.Severity == Error {
			return true
		}
	}
	return false
}

// Errorf is not here on purpose: a message has a fixed summary and a detail,
// and deserves a literal.

// FromHCL takes over diagnostics of the HCL library. Its detail is kept, its
// values are not: the library prints values of symbols that may be secret.
func FromHCL(in hcl.Diagnostics) List {
	var out List
	for _, d := range in {
		s := Error
		if d.Severity == hcl.DiagWarning {
			s = Warning
		}
		out = append(out, Diagnostic{Severity: s, Summary: d.Summary, Detail: d.Detail, Subject: d.Subject})
	}
	return out
}
