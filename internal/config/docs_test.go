package config

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// section is the text below a heading, up to the next one.
func section(t *testing.T, doc, heading string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("..", "..", "docs", doc))
	if err != nil {
		t.Fatal(err)
	}
	_, text, found := strings.Cut("\n"+string(content), "\n"+heading+"\n")
	if !found {
		t.Fatalf("docs/%s has no heading %q", doc, heading)
	}
	text, _, _ = regexpCut(text, regexp.MustCompile(`(?m)^##+ `))
	return text
}

func regexpCut(text string, at *regexp.Regexp) (before, after string, found bool) {
	if m := at.FindStringIndex(text); m != nil {
		return text[:m[0]], text[m[1]:], true
	}
	return text, "", false
}

// TestDocs holds what docs/operation-files.md and docs/lists.md say of each
// block against its shape: every name that it may hold is told of, and no
// table tells of another.
func TestDocs(t *testing.T) {
	t.Parallel()
	type place struct {
		doc, heading string
		shape        shape
		common       []string // that stand in another place of the same document
	}
	operations := "operation-files.md"
	places := []place{
		{operations, "## runner", runnerShape, nil},
		{operations, "## variable", variableShape, nil},
		{operations, "## provider", providerShape, nil},
		{operations, "## operation", operationShape, []string{"guard", "money", "limits", "canary", "retry", "abort", "rate_limit", "rehearse"}},
		{operations, "### guard", guardShape, nil},
		{operations, "### money", moneyShape, nil},
		{operations, "### limits", limitsShape, nil},
		{operations, "### canary", canaryShape, nil},
		{operations, "### retry", retryShape, nil},
		{operations, "### abort", abortShape, nil},
		{operations, "### rehearse", rehearseShape, nil},
	}
	for name, shape := range listTypes {
		places = append(places, place{"lists.md", "## " + name, shape, []string{"key", "on_invalid"}})
	}
	word := regexp.MustCompile(`\b[a-z_]+\b`)
	table := regexp.MustCompile(`(?m)^\| argument \|.*\n(?:\|.*\n)+`)
	cell := regexp.MustCompile("(?m)^\\| `([a-z_]+)`")
	for _, p := range places {
		text := section(t, p.doc, p.heading)
		told := word.FindAllString(text, -1) // where there is no table of arguments
		names := append(p.shape.names(), p.shape.blockNames()...)
		if arguments := table.FindString(text); arguments != "" {
			told = nil
			for _, m := range cell.FindAllStringSubmatch(arguments, -1) {
				told = append(told, m[1])
				if !slices.Contains(names, m[1]) {
					t.Errorf("docs/%s, %s: there is no %s", p.doc, p.heading, m[1])
				}
			}
		}
		for _, name := range names {
			if !slices.Contains(told, name) && !slices.Contains(p.common, name) {
				t.Errorf("docs/%s, %s: nothing is said of %s", p.doc, p.heading, name)
			}
		}
	}
	for _, common := range []string{"key", "on_invalid"} {
		if !strings.Contains(section(t, operations, "## list"), "| `"+common+"` |") {
			t.Errorf("docs/%s, ## list: nothing is said of %s", operations, common)
		}
	}
	// Each block that an operation can hold has its own heading.
	content, err := os.ReadFile(filepath.Join("..", "..", "docs", operations))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(operationShape.blockNames(), fileShape.blockNames()...) {
		if !regexp.MustCompile(`(?m)^###? ` + name + `$`).Match(content) {
			t.Errorf("docs/%s has no heading %s", operations, name)
		}
	}
}
