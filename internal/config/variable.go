package config

import (
	"bytes"
	"fmt"
	"regexp"

	"github.com/bulkrunner/runner/internal/diag"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

var variableShape = shape{
	attributes: []string{"type", "default", "description", "sensitive", "nullable"},
	blocks:     []nested{{name: "validation"}},
}

var validationShape = shape{required: []string{"condition", "error_message"}}

func (d *decoder) variable(b *hclsyntax.Block) {
	in := title(b)
	v := &Variable{Name: b.Labels[0], Type: cty.DynamicPseudoType, constraint: cty.DynamicPseudoType, Nullable: true, Range: b.DefRange()}
	if first := d.cfg.Variables[v.Name]; first != nil {
		d.declared(in, first.Range, v.Range)
		return
	}
	d.cfg.Variables[v.Name] = v

	c := d.content(b.Body, in, variableShape)
	if a := c.known["type"]; a != nil {
		d.variableType(v, a, in)
	}
	if a := c.known["description"]; a != nil {
		v.Description, _ = d.text(a, in)
	}
	v.Sensitive = d.flag(c.known["sensitive"], false, in)
	v.Nullable = d.flag(c.known["nullable"], true, in)
	if a := c.known["default"]; a != nil {
		d.variableDefault(v, a, in)
	}
	for _, vb := range c.blocks {
		vc := d.content(vb.Body, in, validationShape)
		validation := Validation{Condition: vc.expr("condition"), ErrorMessage: vc.expr("error_message"), Range: vb.DefRange()}
		if validation.Condition == nil || validation.ErrorMessage == nil {
			continue
		}
		v.Validations = append(v.Validations, validation)
		d.use(validation.Condition, seesVariables, in)
		d.use(validation.ErrorMessage, seesVariables, in)
	}
}

func (d *decoder) variableType(v *Variable, a *hcl.Attribute, in string) {
	if hcl.ExprAsKeyword(a.Expr) == "decimal" {
		v.Decimal, v.Type = true, cty.String
		return
	}
	if e := computedOptional(a.Expr); e != nil {
		d.add(diag.Diagnostic{
			Summary: "Value must be written out",
			Detail:  "What an attribute is where it is left out, optional(TYPE, VALUE), is written out, without variables, functions or operators.",
			Subject: e.Range().Ptr(), In: in,
		})
		return
	}
	ty, optional, ok := typeOf(a.Expr)
	if !ok || !plainOptional(optional) {
		d.add(diag.Diagnostic{
			Summary: "Invalid type",
			Detail:  fmt.Sprintf("A type is string, number, bool, decimal or any, or is made of them as in list(string), set(string), map(decimal), tuple([string, bool]) or object({name = string, note = optional(string, \"none\")}). It is written %s.", withoutQuotes(a.Expr)),
			Subject: a.Expr.Range().Ptr(), In: in,
		})
		return
	}
	v.Type, v.constraint, v.optional = ty.WithoutOptionalAttributesDeep(), ty, optional
}

// computedOptional finds what isn't written out behind optional: the library
// would evaluate it.
func computedOptional(expr hcl.Expression) (found hcl.Expression) {
	_ = hclsyntax.VisitAll(expr.(hclsyntax.Expression), func(n hclsyntax.Node) hcl.Diagnostics {
		if call, ok := n.(*hclsyntax.FunctionCallExpr); ok && call.Name == "optional" && len(call.Args) > 1 {
			for _, arg := range call.Args[1:] {
				if found == nil && !constant(arg) {
					found = arg
				}
			}
		}
		return nil
	})
	return found
}

func plainOptional(o *typeexpr.Defaults) bool {
	if o == nil {
		return true
	}
	for _, v := range o.DefaultValues {
		if !plainNumbers(v) {
			return false
		}
	}
	for _, child := range o.Children {
		if !plainOptional(child) {
			return false
		}
	}
	return true
}

// Convert makes a value one of the variable's type, with what its objects may
// leave out. It is not for a variable that is a decimal itself; decimals within
// other types are of [DecimalText].
func (v *Variable) Convert(value cty.Value) (cty.Value, error) {
	if v.optional != nil {
		value = v.optional.Apply(value)
	}
	return convert.Convert(value, v.constraint)
}

func converted(v cty.Value, t cty.Type, optional *typeexpr.Defaults) (cty.Value, bool) {
	if optional != nil {
		v = optional.Apply(v)
	}
	v, err := convert.Convert(v, t)
	return v, err == nil
}

var decimalText = regexp.MustCompile(`^-?[0-9]{1,30}(\.[0-9]{1,30})?$`)

// variableDefault leaves the default out of every message about a sensitive
// variable, and its line too.
func (d *decoder) variableDefault(v *Variable, a *hcl.Attribute, in string) {
	refuse := func(detail string) {
		d.add(diag.Diagnostic{Summary: "Invalid default", Detail: detail, Subject: a.Expr.Range().Ptr(), In: in, Secret: v.Sensitive})
	}
	if !constant(a.Expr) {
		refuse("A default is written out, without variables, functions or operators. Use a local value for what is computed.")
		return
	}
	val, diags := a.Expr.Value(nil)
	if diags.HasErrors() {
		refuse(diags[0].Detail)
		return
	}
	if val.IsNull() {
		if !v.Nullable {
			refuse(fmt.Sprintf("The variable %q can't be null, since it says nullable = false. Give another default or none.", v.Name))
			return
		}
		v.Default = cty.NullVal(v.Type)
		return
	}
	if v.Decimal {
		text := ""
		switch val.Type() {
		case cty.String:
			text = val.AsString()
		case cty.Number: // as written: 10.50 keeps its zero
			text = string(bytes.TrimSpace(a.Expr.Range().SliceBytes(d.bytes[a.Range.Filename])))
		}
		if !decimalText.MatchString(text) {
			refuse("A decimal is digits with an optional sign and a full stop as the decimal mark, such as 1250.00: no exponent, no thousands separator.")
			return
		}
		v.Default = cty.StringVal(text)
		return
	}
	conv, err := v.Convert(val)
	if err != nil {
		refuse(fmt.Sprintf("The default doesn't fit the type of the variable: %s. Change one of the two.", typeError(err)))
		return
	}
	if !plainNumbers(conv) {
		refuse(fmt.Sprintf("The exponent of a number lies between -%d and %d. Write the number out if it is meant.", maxExponent, maxExponent))
		return
	}
	v.Default = conv
}

// typeError says where in a value its type is wrong.
func typeError(err error) string {
	if pe, ok := err.(cty.PathError); ok && len(pe.Path) > 0 {
		return fmt.Sprintf("at %s, %s", path(pe.Path), pe.Error())
	}
	return err.Error()
}

func path(p cty.Path) string {
	out := ""
	for _, step := range p {
		switch s := step.(type) {
		case cty.GetAttrStep:
			out += "." + s.Name
		case cty.IndexStep:
			if s.Key.Type() == cty.String {
				out += fmt.Sprintf("[%q]", s.Key.AsString())
			} else {
				out += "[" + s.Key.AsBigFloat().Text('f', 0) + "]"
			}
		}
	}
	return out
}

// plainNumbers tells whether no number is so large that writing it out would
// never end: text such as "1e100000000" becomes one where a number is wanted.
func plainNumbers(v cty.Value) bool {
	ok := true
	_ = cty.Walk(v, func(_ cty.Path, v cty.Value) (bool, error) {
		if v.IsKnown() && !v.IsNull() && v.Type() == cty.Number {
			f := v.AsBigFloat()
			if e := f.MantExp(nil); f.IsInf() || e > 300 || e < -300 {
				ok = false
			}
		}
		return ok, nil
	})
	return ok
}
