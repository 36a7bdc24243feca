// Package man writes the manual pages of a tree of commands, in the format of
// man(7).
//
// cobra has a generator of its own. It takes texts for Markdown, in which
// *.ops.hcl is the beginning of something emphasised, and dates its pages with
// the day on which they are made.
package man

import (
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// A Manual is what the pages say that the tree doesn't.
type Manual struct {
	Name    string    // of the program and its version, for the foot of each page
	Date    time.Time // of the release; the zero time leaves the date out
	Exits   []Entry   // exit codes
	Environ []Entry   // variables of the environment
	Files   []Entry
	More    string // where there is more to read
}

// An Entry is a term and what it means.
type Entry struct{ Term, Text string }

// Pages are the pages of a command and of all below it, by their files' names,
// such as runner-plan.1. Commands that are hidden have none. The same tree has
// the same pages, to the byte.
func (m Manual) Pages(root *cobra.Command) map[string][]byte {
	pages := make(map[string][]byte)
	m.add(pages, root)
	return pages
}

func (m Manual) add(pages map[string][]byte, c *cobra.Command) {
	pages[name(c)+".1"] = m.page(c)
	for _, sub := range visible(c) {
		m.add(pages, sub)
	}
}

// visible are the commands below a command that a person is told of.
func visible(c *cobra.Command) (out []*cobra.Command) {
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() && sub.Name() != "help" {
			out = append(out, sub)
		}
	}
	return out
}

// name is a page's name: runner-provider-test.
func name(c *cobra.Command) string { return strings.ReplaceAll(c.CommandPath(), " ", "-") }

func (m Manual) page(c *cobra.Command) []byte {
	var r roff
	date := ""
	if !m.Date.IsZero() {
		date = m.Date.UTC().Format(time.DateOnly)
	}
	r.title(strings.ToUpper(name(c)), date, m.Name)
	r.section("NAME")
	r.text(name(c) + " - " + strings.ToLower(c.Short[:1]) + c.Short[1:])
	r.section("SYNOPSIS")
	r.synopsis(synopsis(c))
	r.section("DESCRIPTION")
	if c.Long != "" {
		r.prose(c.Long)
	} else {
		r.prose(c.Short + ".")
	}
	if subs := visible(c); len(subs) > 0 {
		r.section("COMMANDS")
		for _, sub := range subs {
			r.entry(name(sub)+"(1)", sub.Short+".")
		}
	}
	if r.flags("OPTIONS", c.NonInheritedFlags()); c.HasParent() {
		r.flags("COMMON OPTIONS", c.InheritedFlags())
	}
	r.entries("EXIT STATUS", m.Exits)
	if !c.HasParent() {
		r.entries("ENVIRONMENT", m.Environ)
		r.entries("FILES", m.Files)
	}
	r.section("SEE ALSO")
	var also []string
	if c.HasParent() {
		also = append(also, name(c.Parent())+"(1)")
	}
	for _, sub := range visible(c) {
		also = append(also, name(sub)+"(1)")
	}
	r.text(strings.Join(also, ", "))
	r.prose(m.More)
	return r.bytes()
}

// synopsis is how a command is written, in full.
func synopsis(c *cobra.Command) string {
	line := c.UseLine()
	if len(visible(c)) > 0 {
		line = c.CommandPath() + " COMMAND [flags]"
	}
	return line
}

// flags writes a section of flags, if there are any that a person is told of.
func (r *roff) flags(heading string, flags *pflag.FlagSet) {
	if !flags.HasAvailableFlags() {
		return
	}
	r.section(heading)
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Deprecated != "" {
			return
		}
		word, usage := pflag.UnquoteUsage(f)
		term := "--" + f.Name
		if f.Shorthand != "" {
			term = "-" + f.Shorthand + ", " + term
		}
		switch {
		case f.Value.Type() == "bool" && f.DefValue == "true":
			term += "=false"
			usage += "; so it is unless told otherwise"
		case f.Value.Type() == "duration":
			usage += "; " + f.DefValue + " unless told otherwise"
		}
		r.flag(term, word, usage+".")
	})
}
