package planner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/bulkrunner/runner/internal/config"
	"github.com/bulkrunner/runner/internal/diag"
	"github.com/bulkrunner/runner/internal/eval"
	"github.com/bulkrunner/runner/internal/rows"
	"github.com/bulkrunner/runner/internal/runfile"
)

// Lists reads the lists that operations use to their ends, for comparing them
// with those of an earlier plan. Lists of APIs are left out: they change by the
// very run that they are for.
func Lists(cfg *config.Config, scope *eval.Scope) (out []runfile.List, diags diag.List) {
	used := make(map[string]bool)
	for _, op := range cfg.Operations {
		used[op.ForEach] = cfg.Lists[op.ForEach].Provider == ""
	}
	for _, address := range slices.Sorted(maps.Keys(used)) {
		if !used[address] {
			continue
		}
		r, more := open(scope, cfg.Lists[address])
		if more.HasErrors() {
			return nil, more
		}
		record := runfile.List{Address: address, Source: r.Source()}
		for {
			_, err := r.Next()
			var bad *rows.Problem
			if errors.As(err, &bad) && !bad.Fatal {
				err = nil
			}
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				r.Close()
				return nil, listError(cfg.Lists[address], err)
			}
			record.Rows++
		}
		record.Digest = r.Digest()
		out = append(out, record)
		r.Close()
	}
	return out, nil
}

// open starts reading an operation's list. A list of an API that could not be
// read to its end is there as far as it came, with errors beside it.
func (p *planner) open(ctx context.Context, op *operation) (rows.Reader, diag.List) {
	l := p.Config.Lists[op.config.ForEach]
	if l.Provider == "" {
		return open(p.Scope, l)
	}
	list, diags := p.list(ctx, l)
	if list.Listed == nil {
		return nil, diags
	}
	op.partial = list.partial
	return list.Open(), diags
}

// open starts reading a list that is built in.
func open(scope *eval.Scope, l *config.List) (rows.Reader, diag.List) {
	columns := make(map[string]rows.Type, len(l.Columns))
	for name, c := range l.Columns {
		columns[name] = columnTypes[c.Type]
	}
	if l.Type == "inline" {
		v, diags := scope.Value(l.Attributes["rows"].Expr)
		if diags.HasErrors() {
			return nil, diags
		}
		if v.IsMarked() || v.IsNull() || !v.CanIterateElements() || v.Type().IsMapType() || v.Type().IsObjectType() {
			return nil, listError(l, &rows.Problem{Summary: "Invalid rows", Detail: `rows must be a list of objects such as [{ order_id = "A-1" }].`})
		}
		r, err := rows.NewInline(l.Address(), columns, v.AsValueSlice())
		if err != nil {
			return nil, listError(l, err)
		}
		return r, nil
	}
	path, diags := text(scope, l.Attributes["path"])
	if diags.HasErrors() {
		return nil, diags
	}
	c := rows.CSV{Source: path, Path: filepath.FromSlash(path), Columns: columns}
	if !filepath.IsAbs(c.Path) {
		c.Path = filepath.Join(filepath.Dir(l.Range.Filename), c.Path)
	}
	if a := l.Attributes["delimiter"]; a != nil {
		s, diags := text(scope, a)
		if diags.HasErrors() {
			return nil, diags
		}
		r, n := utf8.DecodeRuneInString(s)
		if n == 0 || n != len(s) {
			return nil, diag.List{{Summary: "Invalid delimiter", Detail: `delimiter must be one character, such as ";".`, Subject: a.Expr.Range().Ptr()}}
		}
		c.Delimiter = r
	}
	r, err := rows.OpenCSV(c)
	if err != nil {
		return nil, listError(l, err)
	}
	return r, nil
}

var columnTypes = map[string]rows.Type{"string": rows.String, "decimal": rows.Decimal, "number": rows.Number, "bool": rows.Bool}

// text evaluates an attribute of a list that must be a string.
func text(scope *eval.Scope, a *hcl.Attribute) (string, diag.List) {
	v, diags := scope.Value(a.Expr)
	if diags.HasErrors() {
		return "", diags
	}
	v, _ = v.Unmark()
	if v.IsNull() || v.Type() != cty.String || v.AsString() == "" {
		return "", diag.List{{Summary: "Invalid list", Detail: fmt.Sprintf("%s must be a string that is not empty.", a.Name), Subject: a.Expr.Range().Ptr()}}
	}
	return v.AsString(), nil
}

func listError(l *config.List, err error) diag.List {
	d := diag.Diagnostic{Summary: "List can't be read", Detail: err.Error() + ".", Subject: &l.Range, In: fmt.Sprintf("list %q %q", l.Type, l.Name)}
	var problem *rows.Problem
	if errors.As(err, &problem) {
		d.Summary, d.Detail = problem.Summary, problem.Detail
		if problem.Source != "" && problem.Line > 0 {
			d.Row = &diag.Row{Source: problem.Source, Line: problem.Line, Column: problem.Column, Value: problem.Value}
		}
	}
	return diag.List{d}
}
