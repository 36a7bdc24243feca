package torture

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestTable: every test that docs/faults.md names is there, in the package that
// it says, and every test of a row in this tree is named there.
func TestTable(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	page, err := os.ReadFile(filepath.Join(root, "docs", "faults.md"))
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{} // folder and name
	declared := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	ofRow := regexp.MustCompile(`^Test[A-F]\d`)
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
			return fs.SkipDir
		}
		if !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		folder, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		for _, m := range declared.FindAllSubmatch(source, -1) {
			name := string(m[1])
			there[filepath.ToSlash(folder)+" "+name] = true
			if ofRow.MatchString(name) && !strings.Contains(string(page), name) {
				t.Errorf("%s of %s is not in docs/faults.md", name, folder)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`([a-z/]+) (Test\\w+)`").FindAllSubmatch(page, -1)
	for _, m := range named {
		if !there[string(m[1])+" "+string(m[2])] {
			t.Errorf("docs/faults.md names %s in %s, and it isn't there", m[2], m[1])
		}
	}
	if len(named) < 30 {
		t.Errorf("docs/faults.md names only %d tests", len(named))
	}
}
