package config_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/bulkrunner/runner/internal/config"
)

// hostile are files that kill or hang a program that hands them to HCL and cty
// as they come.
func hostile() map[string]string {
	const n = 1_000_000
	many := func(s string) string { return strings.Repeat(s, n) }
	upTo := func(s string) string { return strings.Repeat(s, 1_000_000/len(s)) } // just below the size that is refused anyway
	return map[string]string{
		"parentheses":        "locals {\n a = " + many("("),
		"brackets":           "locals {\n a = " + many("["),
		"braces":             "locals {\n a = " + many("{"),
		"blocks":             upTo("a {\n"),
		"templates":          "locals {\n a = " + upTo(`"${`),
		"calls":              "locals {\n a = " + upTo("f("),
		"not":                "locals {\n a = " + many("!") + "true\n}\n",
		"minus":              "locals {\n a = " + many("-") + "1\n}\n",
		"sum":                "locals {\n a = 1" + upTo("+1") + "\n}\n",
		"and":                "locals {\n a = x" + upTo("&&x") + "\n}\n",
		"conditional":        "locals {\n a = " + upTo("x?1:") + "1\n}\n",
		"conditional left":   "locals {\n a = " + upTo("x?") + "1\n}\n",
		"index":              "locals {\n a = x" + upTo("[y]") + "\n}\n",
		"splat":              "locals {\n a = x" + upTo("[*]") + "\n}\n",
		"attribute splat":    "locals {\n a = x" + upTo(".*") + "\n}\n",
		"if directives":      "locals {\n a = \"" + upTo("%{if x}") + "\"\n}\n",
		"for directives":     "locals {\n a = \"" + upTo("%{for x in y}") + "\"\n}\n",
		"heredoc directives": "locals {\n a = <<E\n" + upTo("%{if x}\n") + "E\n}\n",
		"sum in for":         "locals {\n a = {for x in y :\nx => 1" + upTo("\n+1") + "}\n}\n",
		"sum over lines":     "locals {\n a = (1" + upTo("\n+1") + ")\n}\n",
		"traversal":          "locals {\n a = x" + upTo(".y") + "\n}\n",
		"number":             "locals {\n a = 1e100000000\n}\n",
		"small number":       "locals {\n a = 1e-100000000\n}\n",
		"number in template": "locals {\n a = \"${1e100000000}\"\n}\n",
		"digits":             "locals {\n a = " + many("9") + "\n}\n",
		"number as text":     "variable \"a\" {\n type = number\n default = \"1e100000000\"\n}\n",
		"large":              strings.Repeat("# comment\n", 10_000_000),
		"elements":           "locals {\n a = [" + upTo("1,") + "]\n}\n",
		"attributes":         "locals {\n" + upTo("a=1\n") + "}\n",
		"identifiers":        upTo("a "),
		"line ends":          many("\n"),
		"quotes":             many(`"`),
		"dollars":            many("$"),
		"semicolons":         many(";"),
		"backslashes":        "locals {\n a = \"" + upTo(`\q`) + "\"\n}\n",
		"heredocs":           upTo("a = <<E\nE\n"),
		"open heredoc":       "a = <<E\n" + upTo("x\n"),
		"closers":            many("}"),
		"mismatched":         "locals {\n a = " + upTo("(]") + "\n}\n",
		"latin-1":            "locals {\n a = \"Jos\xe9\"\n}\n",
		"utf-16":             "\xff\xfe" + upTo("a\x00"),
		"nul":                many("\x00"),
		"nested for":         "variable \"a\" {\n default = [" + strings.Repeat("for a in [1,2,3,4,5,6,7,8,9] : [", 20) + strings.Repeat("]", 21) + "\n}\n",
		"fewer elements":     "locals {\n a = [" + strings.Repeat("1,", 199_990) + "]\n}\n}",
		"fewer objects":      "locals {\n a = [" + strings.Repeat("{a=b},", 65_000) + "]\n}\n",
		"references":         "locals {\n a = [" + upTo("var.a,") + "]\n}\n",
		"local chain":        chain(20_000),
		"local knot":         "locals {\n" + upTo("a = local.a\n") + "}\n",
	}
}

// Not parallel: the files are large.
func TestHostileFiles(t *testing.T) {
	files := hostile()
	if len(files) == 0 {
		t.Fatal("no hostile files")
	}
	for name, text := range files {
		t.Run(name, func(t *testing.T) {
			src := config.Source{Name: "x.ops.hcl", Bytes: []byte(text)}
			text = ""
			runtime.GC()
			began := time.Now()
			_, diags := config.Parse([]config.Source{src})
			took := time.Since(began)
			// On a quiet machine each is answered within a second. The bound is
			// for what would never end, whatever else the machine is doing.
			if took > 30*time.Second {
				t.Errorf("took %v", took)
			}
			if !diags.HasErrors() {
				t.Fatal("accepted")
			}
			for _, d := range diags {
				if d.Subject == nil && d.Summary != "Too many problems" {
					t.Errorf("%s: no line and column", d.Summary)
				}
			}
		})
	}
}

// chain is n local values each of which needs the next; there is no last.
func chain(n int) string {
	var b strings.Builder
	b.WriteString("locals {\n")
	for i := range n {
		fmt.Fprintf(&b, "a%d = local.a%d\n", i, i+1)
	}
	b.WriteString("}\n")
	return b.String()
}

// What is deep, but not too deep, is left to the parser.
func TestAcceptedDepth(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"parentheses":    "locals {\n a = " + strings.Repeat("(", 99) + "1" + strings.Repeat(")", 99) + "\n}\n",
		"sum":            "locals {\n a = 1" + strings.Repeat("+1", 1000) + "\n}\n",
		"not":            "locals {\n a = " + strings.Repeat("!", 1000) + "true\n}\n",
		"long list":      "locals {\n a = [" + strings.Repeat("1 + 1, ", 50_000) + "]\n}\n",
		"many lines":     "locals {\n" + lines(20_000) + "}\n",
		"long template":  "locals {\n a = \"" + strings.Repeat("${1}", 5000) + "\"\n}\n",
		"long traversal": "locals {\n a = { x = 1 }" + "\n b = local.a" + strings.Repeat(".x", 5000) + "\n}\n",
		"lists of lists": "locals {\n a = [" + strings.Repeat("[1, -1],\n", 20_000) + "]\n}\n",
		"number":         "locals {\n a = 1e30\n b = 0.123456789012345678901234567890123456\n}\n",
		"byte order":     "\ufefflocals {\n a = 1\n}\n",
		"Windows":        "locals {\r\n a = 1\r\n}\r\n",
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, diags := config.Parse([]config.Source{{Name: "x.ops.hcl", Bytes: []byte(text)}})
			for _, d := range diags {
				t.Errorf("%s: %s", d.Summary, d.Detail)
			}
		})
	}
}

func lines(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("a")
		for ; i > 0; i /= 26 {
			b.WriteByte(byte('a' + i%26))
		}
		b.WriteString(" = 1 + 2\n")
	}
	return b.String()
}
