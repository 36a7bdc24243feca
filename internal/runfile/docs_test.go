package runfile

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// TestDocs holds docs/run-file.md against the schema: every table and the view
// has its place there, which tells of all their columns, and its table tells of
// no other.
func TestDocs(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile(filepath.Join("..", "..", "docs", "run-file.md"))
	if err != nil {
		t.Fatal(err)
	}
	sections := map[string]string{} // by the name of the table
	for _, part := range strings.Split(string(content), "\n## ")[1:] {
		heading, text, _ := strings.Cut(part, "\n")
		for name := range strings.SplitSeq(heading, ", ") {
			sections[name] = text
		}
	}
	sections["plan"] += sections["items"] // as it says
	conn, err := sqlite.OpenConn(":memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := sqlitex.ExecuteScript(conn, schema, nil); err != nil {
		t.Fatal(err)
	}
	columns := map[string]map[string]bool{}
	err = sqlitex.Execute(conn, `SELECT m.name, c.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c WHERE m.type IN ('table', 'view')`,
		&sqlitex.ExecOptions{ResultFunc: func(s *sqlite.Stmt) error {
			table := s.ColumnText(0)
			if columns[table] == nil {
				columns[table] = map[string]bool{}
			}
			columns[table][s.ColumnText(1)] = true
			return nil
		}})
	if err != nil || len(columns) < 8 {
		t.Fatalf("%d tables: %v", len(columns), err)
	}
	table := regexp.MustCompile(`(?m)^\| column \|.*\n(?:\|.*\n)+`)
	first := regexp.MustCompile(`(?m)^\| ([^|]*) \|`)
	quoted := regexp.MustCompile("`([a-z_]+)`")
	for name, has := range columns {
		text, ok := sections[name]
		if !ok {
			t.Errorf("docs/run-file.md says nothing of %s", name)
			continue
		}
		told := text
		if rows := table.FindString(text); rows != "" && name != "plan" {
			told = ""
			for _, m := range first.FindAllStringSubmatch(rows, -1) {
				told += m[1] + "\n"
			}
			for _, m := range quoted.FindAllStringSubmatch(told, -1) {
				if !has[m[1]] {
					t.Errorf("docs/run-file.md, %s: there is no column %s", name, m[1])
				}
			}
		}
		for column := range has {
			if !strings.Contains(told, "`"+column+"`") {
				t.Errorf("docs/run-file.md, %s: nothing is said of %s", name, column)
			}
		}
	}
}
