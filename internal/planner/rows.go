package planner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/bulkrunner/runner/internal/card"
	"github.com/bulkrunner/runner/internal/diag"
	"github.com/bulkrunner/runner/internal/eval"
	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/rows"
)

// rows plans every row of a list. It reports false when the list can't be
// planned to its end.
func (p *planner) rows(ctx context.Context, op *operation, list rows.Reader) (diag.List, bool) {
	keys := rows.NewKeys()
	defer keys.Close()
	b := p.batches(op)
	defer b.close()
	for {
		row, err := list.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		var bad *rows.Problem
		if err != nil && !errors.As(err, &bad) {
			return failed(err), false
		}
		var (
			item plan.Item
			seed eval.Item
			keep = true
		)
		if bad == nil {
			op.Rows++
			item, seed, keep, err = p.row(op, row, keys)
		} else {
			if bad.Fatal {
				var diags diag.List
				if !p.refreshes(op) { // what is wrong before it is told, too
					diags = b.end(ctx)
				}
				p.badRow(op, bad, nil)
				return diags, false
			}
			op.Rows++
			row.Source, row.Line = bad.Source, bad.Line
			item, err = p.badItem(op, list, row, bad, keys)
		}
		if err != nil {
			return failed(err), false
		}
		if keep {
			if diags := b.add(ctx, item, seed); diags.HasErrors() {
				return diags, false
			}
		}
	}
	if diags := b.end(ctx); diags.HasErrors() {
		return diags, false
	}
	for _, doubt := range keys.Doubts() {
		doubt.Column = op.program.KeyColumn()
		p.tell(op, diag.Warning, doubt, nil)
	}
	return nil, true
}

// badItem is what becomes of a row that can't be read as it should be.
func (p *planner) badItem(op *operation, list rows.Reader, row rows.Row, bad *rows.Problem, keys *rows.Keys) (plan.Item, error) {
	it := p.invalid(op, row, "", p.badRow(op, bad, nil))
	if key := op.keyOfBad(list, row, bad); key != "" {
		if _, err := p.repeated(op, row, key, keys); err != nil {
			return it, err
		}
	}
	return it, nil
}

// row plans one row. It reports false for a row that where leaves out.
func (p *planner) row(op *operation, row rows.Row, keys *rows.Keys) (plan.Item, eval.Item, bool, error) {
	at := &rows.Problem{Source: row.Source, Line: row.Place().Line}
	key, problem := op.program.Key(row)
	if problem == nil {
		reason, err := p.repeated(op, row, key, keys)
		if err != nil {
			return plan.Item{}, eval.Item{}, false, err
		}
		if reason != "" {
			return p.invalid(op, row, key, reason), eval.Item{}, true, nil
		}
		var match bool
		if match, problem = op.program.Where(row); problem == nil && !match {
			return plan.Item{}, eval.Item{}, false, nil
		}
	}
	if problem != nil {
		return p.invalid(op, row, key, p.badRow(op, at, problem)), eval.Item{}, true, nil
	}
	op.Matching++
	item, problems := op.program.Item(row)
	if len(problems) > 0 {
		reason := ""
		for _, problem := range problems {
			reason = p.badRow(op, at, problem)
		}
		return p.invalid(op, row, key, reason), eval.Item{}, true, nil
	}
	it := plan.Item{
		Operation: op.ID,
		Key:       item.Key,
		Source:    row.Source,
		Row:       row.Place().Line,
		State:     plan.Planned,
		Arguments: item.Arguments,
		Amount:    item.Amount,
		Currency:  item.Currency,
		Context:   item.Context,
	}
	if problem := p.keep(op, &it, item); problem != nil {
		return p.invalid(op, row, key, p.badRow(op, at, problem)), eval.Item{}, true, nil
	}
	item.Arguments = it.Sent()
	return it, item, true, nil
}

// repeated refuses a row whose key another one has, and returns the reason. It
// refuses the plan whatever on_invalid says: which of the two rows is meant
// would be a guess about money.
func (p *planner) repeated(op *operation, row rows.Row, key string, keys *rows.Keys) (string, error) {
	at := row.Place()
	first, repeated, err := keys.Add(key, at)
	if err != nil || !repeated {
		return "", err
	}
	where := fmt.Sprintf("at line %d", first.Line)
	if first.Source != at.Source {
		where = "at " + first.String()
	}
	return p.tell(op, diag.Error, &rows.Problem{
		Source: row.Source, Line: row.Line, Column: op.program.KeyColumn(), Value: key,
		Summary: "Repeated key",
		Detail:  fmt.Sprintf("%q names the row %s already. A key names one row: remove one of the two, or choose another key.", key, where),
	}, nil), nil
}

// keyOfBad is the key of a row with a bad cell, so that another row with the
// same key is still found out. It is "" where the key can't be relied on.
func (op *operation) keyOfBad(list rows.Reader, row rows.Row, bad *rows.Problem) string {
	column := op.program.KeyColumn()
	if row.Text == nil || column == bad.Column {
		return ""
	}
	if !slices.Contains(list.Columns(), rows.Column{Name: column, Type: rows.String}) {
		return ""
	}
	key, problem := op.program.Key(row)
	if problem != nil {
		return ""
	}
	return key
}

func (p *planner) invalid(op *operation, row rows.Row, key, reason string) plan.Item {
	return plan.Item{Operation: op.ID, Key: op.program.Storable(key), Source: row.Source, Row: row.Place().Line, State: plan.Invalid, Reason: reason}
}

// sentence ends a provider's words with a full stop.
func sentence(s string) string {
	if s == "" || strings.HasSuffix(s, ".") {
		return s
	}
	return s + "."
}

// badRow tells what is wrong with a row: an error, or a warning if such rows
// are left out.
func (p *planner) badRow(op *operation, at *rows.Problem, problem *eval.Problem) string {
	if op.leaveOut && !at.Fatal {
		return p.tell(op, diag.Warning, at, problem)
	}
	return p.tell(op, diag.Error, at, problem)
}

// tell collects what is wrong with a row and returns it as an item's reason.
func (p *planner) tell(op *operation, severity diag.Severity, at *rows.Problem, problem *eval.Problem) string {
	d := diag.Diagnostic{Summary: at.Summary, Detail: at.Detail}
	value := at.Value
	if op.program.Secret(at.Column) {
		value, d.Detail = "", "The value isn't shown, because the column gives a secret argument."
	}
	if problem != nil {
		d = problem.Diagnostic
	}
	if d.In == "" {
		d.In = fmt.Sprintf("operation %q %q", op.config.Type, op.config.Name)
	}
	if d.Subject == nil {
		d.Subject = &op.config.ForEachRange
	}
	row := diag.Row{Source: at.Source, Line: at.Line, Column: at.Column, Value: value}
	if d.Row != nil {
		row.Column, row.Value = d.Row.Column, d.Row.Value
	}
	row.Value, row.Column = card.Mask(row.Value), card.Mask(row.Column)
	d.Detail = card.Mask(d.Detail)
	d.Row = &row
	d.Severity = severity
	p.bad.Add(d)
	return d.Summary + ": " + d.Detail
}
