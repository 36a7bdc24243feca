package eval

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"syscall"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/bulkrunner/runner/internal/config"
	"github.com/bulkrunner/runner/internal/diag"
)

// ReadVarFile reads a variables file: NAME = VALUE a line, in HCL or, where its
// name ends in .json, in HCL's JSON syntax. Values are literals.
func ReadVarFile(path string) (map[string]Given, diag.List) {
	refuse := func(detail string) (map[string]Given, diag.List) {
		return nil, diag.List{{Summary: "Variables file can't be read", Detail: detail}}
	}
	// A pipe is welcome, such as <(secrets show): O_NONBLOCK is not to wait for
	// one that nobody writes to, which then ends at once.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return refuse(fmt.Sprintf("There is no file %s. --var-file is relative to the folder in which the command runs.", path))
	case err != nil:
		return refuse(fmt.Sprintf("The file %s can't be opened: you may lack the permission.", path))
	}
	defer f.Close()
	src, err := io.ReadAll(io.LimitReader(f, maxText+1))
	if err != nil {
		return refuse(fmt.Sprintf("%s is not a file that can be read.", path))
	}
	if len(src) > maxText {
		return refuse(fmt.Sprintf("%s is larger than 1 MiB. What has rows belongs in a list.", path))
	}
	if info, err := f.Stat(); len(src) == 0 && (err != nil || info.Mode()&fs.ModeNamedPipe != 0) {
		return refuse(fmt.Sprintf("%s is a pipe, and nobody writes to it. Start what writes to it first, or name a file.", path))
	}
	return parseVars(src, path)
}

// ReadAutoFiles reads the variables files beside the operation files, of which
// a later one outdoes those before it in its folder.
func ReadAutoFiles(cfg *config.Config) (map[string]Given, diag.List) {
	sources, diags := config.ValuesBeside(cfg)
	out := make(map[string]Given)
	for _, src := range sources {
		given, more := parseVars(src.Bytes, src.Name)
		diags = append(diags, more...)
		for _, n := range sortedKeys(given) {
			g := given[n]
			if first, twice := out[n]; twice && path.Dir(first.Range.Filename) != path.Dir(g.Range.Filename) {
				diags = append(diags, diag.Diagnostic{
					Summary: "Two values for a variable",
					Detail:  fmt.Sprintf("%q has a value in %s:%d already, in another folder, and neither folder outdoes the other. Delete one of the two.", n, first.Range.Filename, first.Range.Start.Line),
					Subject: g.Range,
				})
			}
			g.Beside = true
			given[n] = g
		}
		maps.Copy(out, given)
	}
	return out, diags
}

func parseVars(src []byte, path string) (map[string]Given, diag.List) {
	attrs, diags := config.ParseValues(config.Source{Name: path, Bytes: src})
	out := make(map[string]Given, len(attrs))
	for _, n := range sortedKeys(attrs) {
		a := attrs[n]
		if len(a.Expr.Variables()) > 0 {
			diags = append(diags, diag.Diagnostic{Summary: "Variable's value is not a literal", Detail: fmt.Sprintf("The value of %q must be a plain value: a variables file sees nothing else.", n), Subject: a.Expr.Range().Ptr()})
			continue
		}
		expr := a.Expr.(hclsyntax.Expression)
		rewrite(expr)
		v, hd := protect(stepOf(expr), &hcl.EvalContext{}, newMeter(maxSteps, nil))
		if hd.HasErrors() {
			diags = append(diags, diag.Diagnostic{Summary: "Variable's value is not a literal", Detail: fmt.Sprintf("The value of %q must be a plain value, without functions.", n), Subject: a.Expr.Range().Ptr()})
			continue
		}
		out[n] = Given{Value: v, Origin: path, Range: a.Range.Ptr()}
	}
	return out, diags
}
