package config_test

import (
	"bytes"
	"os"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/bulkrunner/runner/internal/config"
)

// FuzzFormat holds that a file's tokens stay as they are, and that what was
// formatted once is not changed again.
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
		twice, diags := config.Format(config.Source{Name: "x.ops.hcl", Bytes: once})
		if diags.HasErrors() || !bytes.Equal(once, twice) {
			t.Fatalf("formatted again it is another:\n%q\n%q\n%v", once, twice, diags)
		}
	})
}
