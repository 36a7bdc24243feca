package providertest

import (
	"os"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var (
	heading = regexp.MustCompile(`(?m)^## (.*)$`)
	faultIn = regexp.MustCompile("(?m)^\\| `([a-z0-9_]+)` \\|")
)

// TestContract: the document has a heading for each rule, in the same order,
// and a line for each fault.
func TestContract(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/provider-contract.md")
	if err != nil {
		t.Fatal(err)
	}
	find := func(re *regexp.Regexp) (out []string) {
		for _, m := range re.FindAllSubmatch(text, -1) {
			out = append(out, string(m[1]))
		}
		return out
	}
	var names, faults []string
	for _, r := range Rules() {
		names = append(names, r.Name)
	}
	for _, f := range Faults {
		faults = append(faults, f.Name)
	}
	if d := cmp.Diff(names, find(heading)); d != "" {
		t.Errorf("rules (-) and headings of docs/provider-contract.md (+):\n%s", d)
	}
	if d := cmp.Diff(faults, find(faultIn)); d != "" {
		t.Errorf("faults (-) and the table of docs/provider-contract.md (+):\n%s", d)
	}
}
