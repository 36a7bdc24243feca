package planner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/big"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/bulkrunner/runner/internal/card"
	"github.com/bulkrunner/runner/internal/config"
	"github.com/bulkrunner/runner/internal/diag"
	"github.com/bulkrunner/runner/internal/eval"
	"github.com/bulkrunner/runner/internal/rows"
	"github.com/bulkrunner/runner/internal/runfile"
)

// Lists reads the lists that operations use to their ends, for comparing them
// with those of an earlier plan. Left out are lists that an earlier plan alone
// can know: those of APIs, which change by the very run that they are for, and
// those that can't be read again.
func Lists(ctx context.Context, cfg *config.Config, scope *eval.Scope) (out []runfile.List, diags diag.List) {
	used := make(map[string]bool)
	for _, op := range cfg.Operations {
		if l := cfg.Lists[op.ForEach]; l != nil {
			used[op.ForEach] = l.Provider == ""
		}
	}
	for _, address := range slices.Sorted(maps.Keys(used)) {
		if !used[address] {
			continue
		}
		list, more := newList(scope, cfg.Lists[address])
		if more.HasErrors() {
			return nil, more
		}
		if !list.again {
			continue
		}
		record, err := readThrough(ctx, list)
		if err != nil {
			return nil, listError(cfg.Lists[address], err)
		}
		record.Address = address
		out = append(out, record)
	}
	return out, nil
}

// readThrough reads a list to its end.
func readThrough(ctx context.Context, list list) (runfile.List, error) {
	r, err := list.Open(ctx)
	if err != nil {
		return runfile.List{}, err
	}
	defer r.Close()
	record := runfile.List{Source: r.Source()}
	for {
		_, err := r.Next()
		var bad *rows.Problem
		switch {
		case errors.Is(err, io.EOF):
			record.Digest, record.Reading = r.Digest(), r.Reading()
			return record, nil
		case err != nil && (!errors.As(err, &bad) || bad.Fatal):
			return runfile.List{}, err
		}
		record.Rows++
	}
}

// open starts reading an operation's list. A list of an API that could not be
// read to its end is there as far as it came, with errors beside it.
func (p *planner) open(ctx context.Context, op *operation) (rows.Reader, diag.List) {
	l := p.Config.Lists[op.config.ForEach]
	var (
		list  rows.List
		diags diag.List
	)
	if l.Provider == "" {
		built, more := newList(p.Scope, l)
		if more.HasErrors() {
			return nil, more
		}
		if built.stdin {
			if p.stdin != "" {
				return nil, listError(l, &rows.Problem{Summary: "Standard input read twice", Detail: "Standard input can be read only once, and " + p.stdin + " has read it. Save it in a file, and name that."})
			}
			p.stdin = op.Address
		}
		if list = built.List; built.query != nil {
			answer, err := p.ask(ctx, l.Address(), *built.query)
			if err != nil {
				return nil, listError(l, err)
			}
			list = answer
		}
	} else {
		listed, more := p.list(ctx, l)
		if diags = more; listed.Listed == nil {
			return nil, diags
		}
		op.partial = listed.partial
		list = listed
	}
	r, err := list.Open(ctx)
	if err != nil {
		return nil, append(diags, listError(l, err)...)
	}
	return r, diags
}

// ask has a query carried out, once for all operations that use its list:
// asked again, the database may answer otherwise.
func (p *planner) ask(ctx context.Context, address string, q rows.SQL) (*rows.Answer, error) {
	if a := p.answers[address]; a != nil {
		return a, nil
	}
	a, err := q.Ask(ctx)
	if err == nil {
		p.answers[address] = a
	}
	return a, err
}

// A list is one that is built in.
type list struct {
	rows.List
	query *rows.SQL // where it is one
	again bool      // reading it once more gives the same, unless somebody has changed it
	stdin bool
}

// CheckLists judges the arguments of lists that are built in, as far as they
// are known.
func CheckLists(cfg *config.Config, scope *eval.Scope) (diags diag.List) {
	for _, address := range slices.Sorted(maps.Keys(cfg.Lists)) {
		if l := cfg.Lists[address]; l.Provider == "" {
			_, more := newList(scope, l)
			diags = append(diags, more...)
		}
	}
	return diags
}

// newList takes the arguments of a list that is built in.
func newList(scope *eval.Scope, l *config.List) (list, diag.List) {
	a := &arguments{scope: scope, list: l, columns: make(map[string]rows.Type, len(l.Columns))}
	for name, c := range l.Columns {
		a.columns[name] = columnTypes[c.Type]
	}
	out := list{again: true}
	switch l.Type {
	case "inline":
		out.List = a.inline()
	case "csv":
		c := rows.CSV{
			Columns: a.columns, Delimiter: a.character("delimiter"), Comment: a.character("comment"), HeaderRow: a.line("header_row"),
			Encoding: a.word("encoding", rows.Encodings()), Endless: a.word("final_newline", []string{"required", "optional"}) == "optional",
		}
		out.List = a.files(func(f rows.File) rows.List {
			c.File = f
			return c
		})
	case "xlsx":
		x := rows.XLSX{Columns: a.columns, Sheet: a.text("sheet"), HeaderRow: a.line("header_row")}
		out.List = a.files(func(f rows.File) rows.List {
			x.File = f
			return x
		})
	case "sql":
		a.keyIsText()
		out.query, out.again = a.sql(), false
		out.List = out.query
	case "json":
		a.keyIsText()
		j := rows.JSON{Columns: a.columns, At: a.path("at")}
		out.List = a.files(func(f rows.File) rows.List {
			j.File = f
			return j
		})
	}
	if a.diags.HasErrors() {
		return list{}, a.diags
	}
	if _, ok := l.Attributes["path"]; ok && a.text("path") == rows.Stdin {
		out.stdin, out.again = true, false
	}
	return out, nil
}

// arguments are those of one list while they are taken. What is wrong with
// them is gathered.
type arguments struct {
	scope   *eval.Scope
	list    *config.List
	columns map[string]rows.Type
	diags   diag.List
}

func (a *arguments) refuse(name, summary, detail string) {
	d := diag.Diagnostic{Summary: summary, Detail: detail, Subject: &a.list.Range, In: fmt.Sprintf("list %q %q", a.list.Type, a.list.Name)}
	if at := a.list.Attributes[name]; at != nil {
		r := at.Expr.Range()
		d.Subject = &r
	}
	a.diags = append(a.diags, d)
}

// value is an argument's value, cty.NilVal where it isn't said, is wrong, or
// is not known yet. Only a DSN may be sensitive: all else is shown and kept.
func (a *arguments) value(name string) cty.Value {
	at := a.list.Attributes[name]
	if at == nil {
		return cty.NilVal
	}
	v, diags := a.scope.Value(at.Expr)
	if a.diags = append(a.diags, diags...); diags.HasErrors() {
		return cty.NilVal
	}
	if v.ContainsMarked() && name != "dsn" {
		a.refuse(name, "Sensitive value in a list", fmt.Sprintf("%s is shown in messages and kept in the run file, so it can't be sensitive. Take it from a variable that isn't.", name))
		return cty.NilVal
	}
	if v, _ = v.UnmarkDeep(); !v.IsWhollyKnown() {
		return cty.NilVal
	}
	return v
}

// text is an argument that is a string which isn't empty, "" where it isn't
// said.
func (a *arguments) text(name string) string {
	v := a.value(name)
	if v == cty.NilVal {
		return ""
	}
	if v.IsNull() || v.Type() != cty.String || v.AsString() == "" {
		a.refuse(name, "Invalid list", name+" must be a string that is not empty.")
		return ""
	}
	return v.AsString()
}

// keyIsText declares the column that names the rows a string where the list
// doesn't declare it: a number that names something is no amount.
func (a *arguments) keyIsText() {
	if a.list.Key == nil {
		return
	}
	v, diags := a.scope.Value(a.list.Key)
	if v, _ = v.Unmark(); diags.HasErrors() || v.IsNull() || !v.IsKnown() || v.Type() != cty.String {
		return // whoever needs the key says so
	}
	if _, declared := a.columns[v.AsString()]; !declared {
		a.columns[v.AsString()] = rows.String
	}
}

// path is an argument that is names with dots between them.
func (a *arguments) path(name string) []string {
	s := a.text(name)
	if s == "" {
		return nil
	}
	names := strings.Split(s, ".")
	if slices.Contains(names, "") {
		a.refuse(name, "Invalid "+name, fmt.Sprintf("%s is the names of members with a dot between them, such as \"data.orders\".", name))
	}
	return names
}

func (a *arguments) word(name string, words []string) string {
	s := a.text(name)
	if s != "" && !slices.Contains(words, s) {
		a.refuse(name, "Unknown word", fmt.Sprintf("%s can't be %q. It is one of: %s.", name, s, strings.Join(words, ", ")))
	}
	return s
}

func (a *arguments) character(name string) rune {
	s := a.text(name)
	r, n := utf8.DecodeRuneInString(s)
	if s == "" {
		return 0
	}
	if n != len(s) || r == 0 || r == '"' || r == '\r' || r == '\n' || r == utf8.RuneError {
		a.refuse(name, "Invalid "+name, name+` must be one character, such as ";", and neither a double quote, nor a line end, nor NUL.`)
	}
	return r
}

// line is an argument that is a line's number, 0 where it isn't said.
func (a *arguments) line(name string) int {
	v := a.value(name)
	if v == cty.NilVal {
		return 0
	}
	if !v.IsNull() && v.Type() == cty.Number {
		if n, accuracy := v.AsBigFloat().Int64(); accuracy == big.Exact && n >= 1 && n <= 10_000 {
			return int(n)
		}
	}
	a.refuse(name, "Invalid "+name, name+" is the number of a line, from 1 to 10000.")
	return 0
}

// sql is the list that a query gives.
func (a *arguments) sql() *rows.SQL {
	q := &rows.SQL{Source: a.list.Address(), Columns: a.columns, Driver: a.word("driver", rows.Drivers()), Timeout: 5 * time.Minute}
	q.Query = a.text("query")
	if v := a.value("parameters"); v != cty.NilVal {
		if v.IsNull() || !v.CanIterateElements() || v.Type().IsMapType() || v.Type().IsObjectType() {
			a.refuse("parameters", "Invalid parameters", `parameters must be a list such as ["PENDIENTE", 30].`)
			return nil
		}
		for _, p := range v.AsValueSlice() {
			q.Parameters = append(q.Parameters, a.parameter(p))
		}
	}
	if s := a.text("timeout"); s != "" {
		var err error
		if q.Timeout, err = time.ParseDuration(s); err != nil || q.Timeout < time.Second || q.Timeout > 24*time.Hour {
			a.refuse("timeout", "Invalid timeout", `timeout must be a time from "1s" to "24h", such as "5m".`)
		}
	}
	if q.Driver == "sqlite" {
		if a.list.Attributes["dsn"] != nil || a.list.Attributes["path"] == nil {
			a.refuse("dsn", "Invalid list", `A list of the driver "sqlite" has path, the database's file, and no dsn.`)
			return nil
		}
		q.Database = a.file(a.text("path"))
		return q
	}
	at := a.list.Attributes["dsn"]
	if at == nil || a.list.Attributes["path"] != nil {
		a.refuse("path", "Invalid list", fmt.Sprintf("A list of the driver %q has dsn, which says where the database is, and no path.", q.Driver))
		return nil
	}
	if v, diags := a.scope.Value(at.Expr); !diags.HasErrors() && !v.IsMarked() {
		a.refuse("dsn", "DSN that is not sensitive", `A DSN holds a password, so it must come from a sensitive variable or from the environment: dsn = env("ORDERS_DSN").`)
		a.diags[len(a.diags)-1].Secret = true
	}
	if q.DSN = a.text("dsn"); a.scope.Generated(q.DSN) {
		a.refuse("dsn", "List can't be read", "What the dsn is made of has no value here. A rehearsal makes values up for providers, whose APIs it doesn't call; its lists it reads as they are.")
	}
	return q
}

// parameter is a value as a database's driver takes it.
func (a *arguments) parameter(v cty.Value) any {
	switch {
	case v.IsNull():
		return nil
	case v.Type() == cty.Bool:
		return v.True()
	case v.Type() == cty.Number:
		if n, accuracy := v.AsBigFloat().Int64(); accuracy == big.Exact {
			return n
		}
		fallthrough
	default:
		s, err := convert.Convert(v, cty.String)
		if err != nil {
			a.refuse("parameters", "Invalid parameters", "A parameter must be a string, a number, true, false or null.")
			return nil
		}
		return s.AsString()
	}
}

func (a *arguments) inline() rows.List {
	at := a.list.Attributes["rows"]
	v, diags := a.scope.Value(at.Expr)
	if a.diags = append(a.diags, diags...); diags.HasErrors() {
		return nil
	}
	if !v.IsKnown() {
		return rows.Inline{}
	}
	if v.IsMarked() || v.IsNull() || !v.CanIterateElements() || v.Type().IsMapType() || v.Type().IsObjectType() {
		a.diags = append(a.diags, listError(a.list, &rows.Problem{Summary: "Invalid rows", Detail: `rows must be a list of objects such as [{ order_id = "A-1" }].`})...)
		return nil
	}
	return rows.Inline{Source: a.list.Address(), Columns: a.columns, Rows: v.AsValueSlice()}
}

// files is the list of one file, or of those that a pattern matches.
func (a *arguments) files(of func(rows.File) rows.List) rows.List {
	f := a.file(a.text("path"))
	if f.Path == rows.Stdin {
		return of(f)
	}
	return rows.Files{Source: f.Source, Path: f.Path, Of: of}
}

// file is a path as seen from the file that says it.
func (a *arguments) file(source string) rows.File {
	path := filepath.FromSlash(source)
	switch {
	case path == rows.Stdin:
		return rows.File{Source: "standard input", Path: path}
	case !filepath.IsAbs(path):
		path = filepath.Join(filepath.Dir(a.list.Range.Filename), path)
	}
	return rows.File{Source: source, Path: path}
}

var columnTypes = map[string]rows.Type{"string": rows.String, "id": rows.String, "decimal": rows.Decimal, "number": rows.Number, "bool": rows.Bool}

func listError(l *config.List, err error) diag.List {
	d := diag.Diagnostic{Summary: "List can't be read", Detail: err.Error() + ".", Subject: &l.Range, In: fmt.Sprintf("list %q %q", l.Type, l.Name)}
	var problem *rows.Problem
	if errors.As(err, &problem) {
		d.Summary, d.Detail = problem.Summary, problem.Detail
		if path := l.Attributes["path"]; path != nil && problem.Line == 0 && l.Type != "sql" {
			at := path.Expr.Range()
			d.Subject = &at
		}
		if problem.Source != "" && problem.Line > 0 {
			d.Row = &diag.Row{Source: problem.Source, Line: problem.Line, Column: problem.Column, Value: problem.Value}
		}
	}
	d.Detail = card.Mask(d.Detail)
	if d.Row != nil {
		d.Row.Value, d.Row.Column = card.Mask(d.Row.Value), card.Mask(d.Row.Column)
	}
	return diag.List{d}
}
