package eval

import (
	"fmt"
	"slices"

	"github.com/zclconf/go-cty/cty"

	"github.com/bulkrunner/runner/internal/card"
	"github.com/bulkrunner/runner/internal/config"
	"github.com/bulkrunner/runner/internal/diag"
)

// cardless refuses a text that would be stored with what looks like a card
// number; nil where it holds none, or where all columns that it is made of are
// said to hold ids.
func (p *Program) cardless(what, text string, columns []int) *Problem {
	if p.ids == nil || len(columns) > 0 && !slices.ContainsFunc(columns, func(i int) bool { return !p.ids[i] }) {
		return nil
	}
	number := card.First(text)
	if number == "" {
		return nil
	}
	if len(columns) != 1 {
		return &Problem{cardFound(what, number, "say that the column holds ids.")}
	}
	name := p.columns[columns[0]].Name
	d := cardFound(what, number, "say that the column holds ids: columns = { "+name+" = id }.")
	d.Row = &diag.Row{Column: name}
	return &Problem{d}
}

// cardFound refuses a masked number; otherwise is what to do if it is none.
func cardFound(what, number, otherwise string) diag.Diagnostic {
	return diag.Diagnostic{
		Summary: "Value looks like a card number",
		Detail:  what + " would be stored with " + number + " in it, and no file may hold a card number in the clear. Give it to an argument that the provider calls write-only, or use a token. If it is no card number, " + otherwise,
	}
}

// cardlessVariable refuses a value of a variable that would be stored with what
// looks like a card number.
func cardlessVariable(decl *config.Variable, v cty.Value, origin string) *diag.Diagnostic {
	if decl.Sensitive || !v.IsWhollyKnown() {
		return nil
	}
	b, err := variableJSON(v)
	if err != nil {
		return nil
	}
	number := card.First(string(b))
	if number == "" {
		return nil
	}
	return &diag.Diagnostic{
		Summary: "Value looks like a card number",
		Detail: fmt.Sprintf("%s gives %q a value with %s in it, and the run file keeps the values of variables: no file may hold a card number in the clear. One of a variable that says sensitive = true isn't kept. "+
			"If it is no card number, have a column of a list bring it, and say that the column holds ids.", origin, decl.Name, number),
		Secret: true,
	}
}

// Storable is a key as the run file may hold it: the row itself is refused
// where that is another.
func (p *Program) Storable(key string) string {
	if p.cardless("The key", key, p.keyColumns()) == nil {
		return key
	}
	return card.Mask(key)
}

// keyColumns are the columns that the key is made of.
func (p *Program) keyColumns() []int {
	if p.key == nil {
		return []int{p.keyColumn}
	}
	return p.key.columns
}
