package cli

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/bulkrunner/runner/internal/plan"
)

// complete tells a shell's completion what the arguments and flags of commands
// can be, where that is known without asking anybody.
func complete(root *cobra.Command) {
	var states []cobra.Completion
	for _, s := range plan.States {
		states = append(states, s.String())
	}
	values := map[string][]cobra.Completion{
		"state":    states,
		"group-by": {"reason", "state", "currency"},
		"format":   {"csv", "jsonl", "xlsx"},
		"as":       {"succeeded", "not-done"},
	}
	files := map[string][]string{"var-file": {"hcl", "json"}, "html": {"html"}}
	for _, c := range root.Commands() {
		for flag, words := range values {
			if c.Flags().Lookup(flag) != nil {
				known(c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)))
			}
		}
		for flag, extensions := range files {
			if c.Flags().Lookup(flag) != nil {
				known(c.MarkFlagFilename(flag, extensions...))
			}
		}
		switch c.Name() {
		case "init", "validate", "fmt", "plan", "rehearse":
			c.ValidArgsFunction = filesOnly("hcl", "json")
		case "apply":
			c.ValidArgsFunction = filesOnly("run", "hcl", "json")
		case "show", "export", "report", "retry", "resolve":
			c.ValidArgsFunction = first(filesOnly("run"))
		case "control":
			c.ValidArgsFunction = first(filesOnly("run"), cobra.FixedCompletions([]cobra.Completion{"pause", "resume", "stop", "rate"}, cobra.ShellCompDirectiveNoFileComp))
		}
	}
	known(root.MarkPersistentFlagDirname("chdir"))
	known(root.RegisterFlagCompletionFunc("log-level", cobra.FixedCompletions(logLevels, cobra.ShellCompDirectiveNoFileComp)))
	known(root.RegisterFlagCompletionFunc("log-format", cobra.FixedCompletions(logFormats, cobra.ShellCompDirectiveNoFileComp)))
}

// completionCommand makes the library's command for the scripts of shells ours:
// it is told of in our words, and refuses a shell that it doesn't know.
func completionCommand(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	c, _, err := root.Find([]string{"completion"})
	known(err)
	c.Short = "Print a shell's completion script"
	c.Long = "Completion prints the script by which a shell completes commands, flags, states,\nformats and files. Each shell's own help says where the script goes."
	for _, shell := range c.Commands() {
		shell.Short = "Print the completion script of " + shell.Name()
	}
	wantsCommand(c)
}

// wantsCommand refuses what isn't a command below this one. The library would
// show the help and end well, and a script that asks for a shell by a wrong
// name would get that help for its completion.
func wantsCommand(c *cobra.Command) {
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) > 0 {
			return fmt.Errorf("unknown command %q for %q", args[0], c.CommandPath())
		}
		return c.Help()
	}
}

// known panics of an error that only a mistake in this file can give: a flag
// that isn't there, or that is told of twice.
func known(err error) {
	if err != nil {
		panic(err)
	}
}

// filesOnly completes with files of these extensions, and folders.
func filesOnly(extensions ...string) cobra.CompletionFunc {
	return func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return slices.Clone(extensions), cobra.ShellCompDirectiveFilterFileExt
	}
}

// first completes each argument with its own function, and no more of them.
func first(each ...cobra.CompletionFunc) cobra.CompletionFunc {
	return func(c *cobra.Command, args []string, word string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) >= len(each) {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return each[len(args)](c, args, word)
	}
}
