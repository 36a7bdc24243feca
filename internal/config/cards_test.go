package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bulkrunner/runner/internal/config"
)

// The run file keeps operation files as they are read, so that a card number is
// refused wherever it stands in one, in words that don't hold it.
func TestE3OperationFiles(t *testing.T) {
	t.Parallel()
	const card = "4111111111111111"
	inline := func(columns, rows string) string {
		return "list \"inline\" \"l\" {\n  key = \"id\"\n  columns = { " + columns + " }\n  rows = [" + rows + "]\n}\n"
	}
	for name, c := range map[string]struct {
		file, text string
		places     []string // lines and columns of what is refused
	}{
		"comment":        {"x.ops.hcl", "# as with 4111 1111 1111 1111\n", []string{"1:11"}},
		"local":          {"x.ops.hcl", "locals {\n  a = 1\n  ñ = \"" + card + "\"\n}\n", []string{"3:8"}},
		"condition":      {"x.ops.hcl", "variable \"v\" {\n  validation {\n    condition = var.v != \"" + card + "\"\n    error_message = \"No.\"\n  }\n}\n", []string{"3:27"}},
		"default":        {"x.ops.hcl", "variable \"v\" { default = \"" + card + "\" }\n", []string{"1:27"}},
		"number":         {"x.ops.hcl", "variable \"v\" { default = " + card + " }\n", []string{"1:26"}},
		"two":            {"x.ops.hcl", "# " + card + "\n# " + card + "\n", []string{"1:3", "2:3"}},
		"list's file":    {"x.ops.hcl", "list \"csv\" \"l\" {\n  key = \"id\"\n  path = \"" + card + ".csv\"\n}\n", []string{"3:11"}},
		"JSON":           {"x.ops.hcl.json", `{"locals": {"a": "` + card + `"}}`, []string{"1:19"}},
		"inline":         {"x.ops.hcl", inline("n = string", `{ id = "a", n = "`+card+`" }`), []string{"4:28"}},
		"inline key":     {"x.ops.hcl", inline("n = id", `{ id = "`+card+`", n = "" }`), []string{"4:19"}},
		"inline id":      {"x.ops.hcl", inline("id = id, n = string", `{ id = "`+card+`", n = "" }, { "id" = "`+card+`", n = "" }`), nil},
		"inline id JSON": {"x.ops.hcl.json", `{"list": {"inline": {"l": {"key": "id", "columns": {"id": "id"}, "rows": [{"id": "` + card + `"}]}}}}`, nil},
		"other number":   {"x.ops.hcl", "# 4111111111111112\n", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), c.file)
			if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, diags := config.Load([]string{path})
			var places []string
			for _, d := range diags {
				if d.Summary != "Value looks like a card number" || !d.Secret || strings.Contains(d.Detail, "11111111") {
					t.Errorf("%+v", d)
				}
				places = append(places, fmt.Sprintf("%d:%d", d.Subject.Start.Line, d.Subject.Start.Column))
			}
			if strings.Join(places, " ") != strings.Join(c.places, " ") {
				t.Errorf("refused at %v, not %v", places, c.places)
			}
			// A run that was planned is carried out whatever we think today.
			if _, diags := config.Parse([]config.Source{{Name: c.file, Bytes: []byte(c.text)}}); diags.HasErrors() {
				t.Errorf("parsed: %v", diags)
			}
		})
	}
	t.Run("its own name", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), card+".ops.hcl")
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		_, diags := config.Load([]string{path})
		if len(diags) != 1 || diags[0].Summary != "Name looks like a card number" || strings.Contains(diags[0].Detail, card) {
			t.Errorf("%+v", diags)
		}
	})
	t.Run("other messages", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "x.ops.hcl")
		if err := os.WriteFile(path, []byte("locals {\n  x"+card+" = local.x"+card+"\n}\nx"+card+" {}\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, diags := config.Load([]string{path})
		if !diags.HasErrors() || strings.Contains(fmt.Sprintf("%+v", diags), card) {
			t.Errorf("%+v", diags)
		}
	})
}
