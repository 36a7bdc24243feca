package config_test

import (
	"bytes"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/bulkrunner/runner/internal/config"
)

// FuzzFormat holds that a file's tokens stay as they are, that it means what it
// meant, and that what was formatted once is not changed again.
func FuzzFormat(f *testing.F) {
	b, err := os.ReadFile("testdata/valid/stale.ops.hcl")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	for _, seed := range []string{"a=1\nbb  =  2", "\ufeffa   = 1\r\n", "a = <<E\n  x\n   ${ b }\nE\n", "a {}\nb   \"c\" {\n# x\n}\n/* y\n */ z = [1,\n2]\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		once, diags := config.Format(config.Source{Name: "x.ops.hcl", Bytes: b})
		if diags.HasErrors() {
			return
		}
		before, _ := hclsyntax.LexConfig(b, "", hcl.InitialPos)
		after, _ := hclsyntax.LexConfig(once, "", hcl.InitialPos)
		if len(before) != len(after) {
			t.Fatalf("%d tokens became %d", len(before), len(after))
		}
		for i := range before {
			if before[i].Type != after[i].Type || !bytes.Equal(before[i].Bytes, after[i].Bytes) {
				t.Fatalf("%s became %s", before[i].Bytes, after[i].Bytes)
			}
		}
		if was, is := meaning(t, b), meaning(t, once); was != is {
			t.Fatalf("%q means\n%s\nand was %q, which means\n%s", once, is, b, was)
		}
		twice, diags := config.Format(config.Source{Name: "x.ops.hcl", Bytes: once})
		if diags.HasErrors() || !bytes.Equal(once, twice) {
			t.Fatalf("formatted again it is another:\n%q\n%q\n%v", once, twice, diags)
		}
	})
}

// meaning is the tree of a file without its places.
func meaning(t *testing.T, b []byte) string {
	t.Helper()
	file, diags := hclsyntax.ParseConfig(b, "", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatalf("%q: %v", b, diags)
	}
	var out strings.Builder
	describeTree(&out, reflect.ValueOf(file.Body))
	return out.String()
}

func describeTree(out *strings.Builder, v reflect.Value) {
	if !v.IsValid() {
		out.WriteString("nil")
		return
	}
	switch known := v.Interface().(type) {
	case hcl.Range, []hcl.Range:
		return
	case cty.Value:
		fmt.Fprintf(out, "%#v", known)
		return
	case *hclsyntax.Operation:
		fmt.Fprintf(out, "%p", known)
		return
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		describeTree(out, v.Elem())
	case reflect.Struct:
		fmt.Fprintf(out, "%s{", v.Type())
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				fmt.Fprintf(out, "%s:", f.Name)
				describeTree(out, v.Field(i))
			}
		}
		out.WriteString("}")
	case reflect.Slice:
		for i := range v.Len() {
			out.WriteString("[")
			describeTree(out, v.Index(i))
			out.WriteString("]")
		}
	case reflect.Map:
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
		for _, k := range keys {
			fmt.Fprintf(out, "%s=", k)
			describeTree(out, v.MapIndex(k))
		}
	default:
		fmt.Fprintf(out, "%v", v.Interface())
	}
}
