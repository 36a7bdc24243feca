package sdk_test

import (
	"context"
	"testing"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/bulkrunner/runner/sdk"
)

// TestNotation holds our notation against cty's own reader, which is not
// linked into providers.
func TestNotation(t *testing.T) {
	t.Parallel()
	m := mutation[everything, answer]()
	m.Read = func(*connection, context.Context, everything) (a answer, err error) { return }
	s, err := sdk.SchemaOf(provider(m))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]cty.Type{}
	for _, a := range append(s.Operations[0].Arguments, s.Operations[0].Live...) {
		if got[a.Name], err = ctyjson.UnmarshalType(a.Type); err != nil {
			t.Errorf("%s: %v", a.Name, err)
		}
	}
	want := map[string]cty.Type{
		"text":     cty.String,
		"amount":   cty.String,
		"count":    cty.Number,
		"flag":     cty.Bool,
		"tags":     cty.List(cty.String),
		"labels":   cty.Map(cty.String),
		"customer": cty.ObjectWithOptionalAttrs(map[string]cty.Type{"id": cty.String, "phone": cty.String}, []string{"phone"}),
		"lines":    cty.List(cty.Object(map[string]cty.Type{"total": cty.String})),
		"raw":      cty.DynamicPseudoType,
		"at":       cty.String,
	}
	for name, w := range want {
		if g, ok := got[name]; !ok || !g.Equals(w) {
			t.Errorf("%s is %#v, want %#v", name, g, w)
		}
	}
}
