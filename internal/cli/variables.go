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

// given gathers the values of variables: from the environment, from files in
// the order of their flags, and from --var, each outdoing the one before.
func (a *app) given() (map[string]eval.Given, error) {
	out := make(map[string]eval.Given)
	for _, kv := range os.Environ() {
		if name, text, ok := strings.Cut(kv, "="); ok && strings.HasPrefix(name, variablePrefix) {
			out[strings.TrimPrefix(name, variablePrefix)] = eval.Given{Text: text, Origin: name, Environment: true}
		}
	}
	for _, path := range a.varFiles {
		values, diags := eval.ReadVarFile(path)
		if diags.HasErrors() {
			return nil, refuse(diags)
		}
		maps.Copy(out, values)
	}
	for _, kv := range a.vars {
		name, text, ok := strings.Cut(kv, "=")
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
	now, err := a.given()
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
		} else if _, known := cfg.Variables[name]; !g.Environment && known {
			return nil, refusal("Variable is part of the plan", fmt.Sprintf("%s was fixed when the plan was made; %s can't change it. Leave it out, or plan anew.", name, g.Origin))
		}
	}
	return out, nil
}
