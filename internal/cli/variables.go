package cli

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/bulkrunner/runner/internal/config"
	"github.com/bulkrunner/runner/internal/eval"
	"github.com/bulkrunner/runner/internal/runfile"
)

const variablePrefix = "RUNNER_VAR_"

// A valueFlag is --var or --var-file. Both add to one list, since of two values
// the one that comes later on the command line holds.
type valueFlag struct {
	values *[]givenValue
	file   bool
}

type givenValue struct {
	text string
	file bool // text is the path of a variables file
}

func (f valueFlag) Set(text string) error {
	*f.values = append(*f.values, givenValue{text, f.file})
	return nil
}

func (f valueFlag) String() string { return "" }
func (f valueFlag) Type() string   { return "value" }

// given gathers the values of variables: from the environment, from the files
// beside the operation files, and from flags in their order, each outdoing the
// one before.
func (a *app) given(cfg *config.Config) (map[string]eval.Given, error) {
	out := make(map[string]eval.Given)
	for _, kv := range os.Environ() {
		if name, text, ok := strings.Cut(kv, "="); ok && strings.HasPrefix(name, variablePrefix) {
			out[strings.TrimPrefix(name, variablePrefix)] = eval.Given{Text: text, Origin: name, Environment: true}
		}
	}
	beside, diags := eval.ReadAutoFiles(cfg)
	if diags.HasErrors() {
		return nil, refuse(diags)
	}
	maps.Copy(out, beside)
	for _, v := range a.values {
		if v.file {
			values, diags := eval.ReadVarFile(v.text)
			if diags.HasErrors() {
				return nil, refuse(diags)
			}
			maps.Copy(out, values)
			continue
		}
		name, text, ok := strings.Cut(v.text, "=")
		if !ok || name == "" {
			return nil, refusal("Invalid variable", "--var wants a name and a value: --var merchant=kuanto.")
		}
		out[name] = eval.Given{Text: text, Origin: "--var " + name}
	}
	return out, nil
}

// givenFor gathers the values of variables for a run that was planned before:
// what the plan was made with, and the sensitive values that the run file does
// not hold. Other values than the plan's are refused.
func (a *app) givenFor(cfg *config.Config, run runfile.Run) (map[string]eval.Given, error) {
	now, err := a.given(cfg)
	if err != nil {
		return nil, err
	}
	out, err := eval.StoredVariables(cfg, run.Variables)
	if err != nil {
		return nil, refusal("Run file can't be used", sentence(err.Error()))
	}
	for name, g := range now {
		if slices.Contains(run.Withheld, name) {
			out[name] = g
		} else if _, known := cfg.Variables[name]; !g.Environment && !g.Beside && known {
			return nil, refusal("Variable is part of the plan", fmt.Sprintf("%s was fixed when the plan was made; %s can't change it. Leave it out, or plan anew.", name, g.Origin))
		}
	}
	return out, nil
}
