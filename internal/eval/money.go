package eval

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/bulkrunner/runner/internal/diag"
	"github.com/bulkrunner/runner/internal/rows"
)

// money says what an item is worth: by the operation's money block, or where it
// has none by the arguments that the schema calls amount and currency.
type money struct {
	amount, currency *expression // nil where arguments say it
	always           string      // the currency where it is the same for all
	byRole           bool
}

// worth is what the arguments of an item say of its worth.
type worth struct {
	amount, currency string
	fault            fault
}

func (c *compiler) money() {
	if m := c.op.Money; m != nil {
		out := &money{}
		if m.Amount == nil {
			c.report(diag.Diagnostic{Summary: "Money without an amount", Detail: "A money block says the amount: amount = each.value.COLUMN.", Subject: m.Range.Ptr()})
		} else if out.amount = c.expr(m.Amount, c.row); out.amount != nil {
			c.wantAmount(out.amount)
		}
		if m.Currency == nil {
			c.report(diag.Diagnostic{Summary: "Money without a currency", Detail: "A money block says the currency by its three letters: currency = \"COP\".", Subject: m.Range.Ptr()})
		} else if out.currency = c.text(m.Currency, "currency"); out.currency != nil && out.currency.constant() {
			if text, problem := out.currency.string(&frame{}); problem == nil {
				var f fault
				if out.always, f = letters(text); f != noFault {
					c.report(diag.Diagnostic{Summary: f.summary, Detail: f.detail, Subject: m.Currency.Range().Ptr()})
				}
			}
		}
		c.program.money = out
		return
	}
	if c.schema == nil {
		return
	}
	for _, a := range c.schema.Arguments {
		if a.Role == "amount" {
			c.program.money = &money{byRole: true}
		}
	}
}

func (c *compiler) wantAmount(e *expression) {
	subject := e.syntax.Range().Ptr()
	if e.static.ContainsMarked() {
		c.report(diag.Diagnostic{Summary: "Sensitive value would be stored", Detail: "The amount of an item is kept in the run file and shown, so it can't be a sensitive value.", Subject: subject})
		return
	}
	if e.constant() {
		if _, f := amountOf(e.static); f != noFault {
			c.report(diag.Diagnostic{Summary: f.summary, Detail: f.detail, Subject: subject})
		}
		return
	}
	if t := e.static.Type(); !isNumeric(t) {
		c.report(diag.Diagnostic{Summary: "Invalid amount", Detail: "An amount is a decimal, and this gives " + t.FriendlyName() + ".", Subject: subject})
	}
}

// of is an item's worth.
func (m *money) of(f *frame, w worth) (amount, currency string, problems []*Problem) {
	if m.byRole {
		ft := w.fault
		if ft == noFault && w.currency != "" {
			ft = finer(w.amount, w.currency)
		}
		if ft != noFault {
			problems = append(problems, &Problem{diag.Diagnostic{Summary: ft.summary, Detail: ft.detail}})
		}
		return w.amount, w.currency, problems
	}
	amount, problem := m.amount.amount(f)
	if problem != nil {
		problems = append(problems, problem)
	}
	if currency = m.always; currency == "" {
		text, problem := m.currency.string(f)
		if problem != nil {
			return amount, "", append(problems, problem)
		}
		var ft fault
		if currency, ft = letters(text); ft != noFault {
			return amount, currency, append(problems, m.currency.problem(f, ft.summary, ft.detail))
		}
	}
	if ft := finer(amount, currency); ft != noFault {
		problems = append(problems, m.amount.problem(f, ft.summary, ft.detail))
	}
	return amount, currency, problems
}

func (e *expression) amount(f *frame) (string, *Problem) {
	if q := e.quick.text; q != nil {
		if text, ok := q(f); ok && plainDecimal(text) && text[0] != '-' {
			return text, nil
		}
	}
	v, diags := e.value(f)
	if diags.HasErrors() {
		return "", e.blame(f, diags[0])
	}
	text, ft := amountOf(v)
	if ft != noFault {
		return "", e.problem(f, ft.summary, ft.detail)
	}
	return text, nil
}

// amountOf takes a value as an amount. An amount below zero would make a total
// smaller, and so slip others past max_total.
func amountOf(v cty.Value) (string, fault) {
	switch {
	case v.ContainsMarked():
		return "", errSensitive
	case v.IsNull(), v.IsKnown() && v.Type() == cty.String && v.AsString() == "":
		return "", fault{"Blank amount", "The amount is blank, so the totals would be wrong. Fill it in, or leave the row out with where."}
	case !v.IsKnown():
		return "", fault{"Invalid amount", "The amount isn't known."}
	}
	d, err := toDecimal(v)
	if err != nil {
		if v.Type() == cty.String {
			return "", fault{"Invalid amount", rows.DecimalHint(v.AsString())}
		}
		return "", fault{"Invalid amount", fmt.Sprintf("The amount can't be taken: %s.", err)}
	}
	switch {
	case d.val.Negative && !d.val.IsZero():
		return "", fault{"Negative amount", fmt.Sprintf("The amount is %s. Amounts say how much is moved, so they are never below zero: write it without its sign.", shorten(d.text))}
	case !plainDecimal(d.text):
		return "", fault{"Invalid amount", "The amount has more digits than an amount can have: round it, as in round(x, 2)."}
	}
	return d.text, noFault
}

// note takes over what an argument with a role says, from its JSON.
func (w *worth) note(r *rule, written []byte) {
	if len(written) == 0 {
		return
	}
	text := string(written)
	if written[0] == '"' {
		text = string(written[1 : len(written)-1])
		if strings.IndexByte(text, '\\') >= 0 && json.Unmarshal(written, &text) != nil {
			return
		}
	}
	switch r.Role {
	case "amount":
		w.amount, w.fault = major(text, r)
	case "currency":
		var f fault
		if w.currency, f = letters(text); f != noFault {
			w.fault = f
		}
	}
}

// major is an argument's amount in major units.
func major(text string, r *rule) (string, fault) {
	amount := text
	if r.Exponent > 0 {
		var err error
		if amount, err = minorToMajor(text, r.Exponent); err != nil {
			return "", fault{"Invalid amount", fmt.Sprintf("%s counts minor units: %s.", r.Name, err)}
		}
	}
	if plainDecimal(amount) && amount[0] != '-' {
		return amount, noFault
	}
	v, err := DecimalVal(amount)
	if err != nil {
		return "", fault{"Invalid amount", fmt.Sprintf("%s is %s, which is no decimal number.", r.Name, quoted(text))}
	}
	return amountOf(v)
}
