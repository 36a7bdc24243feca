package runfile

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// B7: nothing here opens a run file but SQLite. Whoever closes any descriptor
// of it in this process drops SQLite's lock. The functions below open other
// files, or one that SQLite has not seen yet.
func TestNobodyElseOpens(t *testing.T) {
	t.Parallel()
	may := map[string]bool{"createExclusive": true, "openNoFollow": true, "syncFolder": true}
	opens := map[string]bool{"Open": true, "OpenFile": true, "Create": true, "ReadFile": true, "WriteFile": true, "Truncate": true, "DirFS": true, "OpenInRoot": true, "CopyFS": true}
	names, err := filepath.Glob("*.go")
	must(t, err)
	seen, calls := 0, 0
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		must(t, err)
		seen++
		for _, d := range file.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			ast.Inspect(fn, func(n ast.Node) bool {
				sel, ok := n.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				pkg, ok := sel.X.(*ast.Ident)
				if !ok || !(pkg.Name == "os" && opens[sel.Sel.Name] || pkg.Name == "ioutil" || (pkg.Name == "unix" || pkg.Name == "syscall" || pkg.Name == "windows") && strings.HasPrefix(sel.Sel.Name, "Open") && sel.Sel.Name != "OpenProcess") {
					return true
				}
				calls++
				if !may[fn.Name.Name] {
					t.Errorf("%s: %s calls %s.%s; only SQLite may open a run file", name, fn.Name.Name, pkg.Name, sel.Sel.Name)
				}
				return true
			})
		}
	}
	if seen < 10 || calls < 3 {
		t.Errorf("looked at %d files and %d calls: the test is blind", seen, calls)
	}
}
