package main

import (
	"bytes"
	"encoding/csv"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/rogpeppe/go-internal/txtar"
	"github.com/xuri/excelize/v2"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// TestPlans holds plans against golden archives: operation files, lists and
// what the API has (api.csv) go in, and the plan for people (plan) and for
// programs (plan.json) come out. What things.xlsx has stands in the archive as
// lines of delimited text, what things.db has as SQL. -update rewrites them.
func TestPlans(t *testing.T) {
	t.Parallel()
	archives, err := filepath.Glob("testdata/plans/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatal("there are no golden plans", err)
	}
	for _, path := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			t.Parallel()
			goldenPlan(t, path)
		})
	}
}

func goldenPlan(t *testing.T, path string) {
	a, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	program, err := exec.LookPath("runner-provider-fake")
	if err != nil {
		t.Fatal(err)
	}
	api, err := startSimulator(program, `{"token":"t0ken"}`)
	if err != nil {
		t.Fatal(err)
	}
	defer api.stop()

	want := map[string]string{}
	dir := t.TempDir()
	for _, f := range a.Files {
		switch f.Name {
		case "plan", "plan.json":
			want[f.Name] = string(f.Data)
		case "api.csv":
			lines, err := seeds("cancel", bytes.NewReader(f.Data))
			if err != nil {
				t.Fatal(err)
			}
			if err := api.post("seed", lines); err != nil {
				t.Fatal(err)
			}
		case "things.xlsx":
			if err := workbook(f.Data, filepath.Join(dir, f.Name)); err != nil {
				t.Fatal(err)
			}
		case "things.db":
			if err := database(f.Data, filepath.Join(dir, f.Name)); err != nil {
				t.Fatal(err)
			}
		default:
			if err := os.WriteFile(filepath.Join(dir, f.Name), f.Data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	sockets, err := os.MkdirTemp("", "r")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(sockets)
	plan := func(args ...string) string {
		cmd := exec.Command("runner", append([]string{"plan"}, args...)...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+sockets, "RUNNER_VAR_endpoint="+api.endpoint, "RUNNER_VAR_token=t0ken")
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		err := cmd.Run()
		var failed *exec.ExitError
		if err != nil && !errors.As(err, &failed) {
			t.Fatal(err)
		}
		return masked(stdout.String()) + masked(stderr.String())
	}
	got := map[string]string{"plan": plan("."), "plan.json": plan("--json", ".")}
	l, err := api.ledger()
	if err != nil || len(l.Effects) > 0 {
		t.Errorf("planning had effects: %v %v", l.Effects, err)
	}
	if !*update {
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("-want +got:\n%s", d)
		}
		return
	}
	kept := a.Files[:0]
	for _, f := range a.Files {
		if got[f.Name] == "" {
			kept = append(kept, f)
		}
	}
	a.Files = append(kept, txtar.File{Name: "plan", Data: []byte(got["plan"])}, txtar.File{Name: "plan.json", Data: []byte(got["plan.json"])})
	if err := os.WriteFile(path, txtar.Format(a), 0o644); err != nil {
		t.Fatal(err)
	}
}

// workbook writes the sheet "Cargos" of a workbook whose cells are those of
// delimited text, numbers as numbers and days as days.
func workbook(text []byte, path string) error {
	records, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		return err
	}
	f := excelize.NewFile()
	defer f.Close()
	if err := f.SetSheetName("Sheet1", "Cargos"); err != nil {
		return err
	}
	date, err := f.NewStyle(&excelize.Style{NumFmt: 14})
	if err != nil {
		return err
	}
	for i, record := range records {
		for j, text := range record {
			cell, err := excelize.CoordinatesToCellName(j+1, i+1)
			if err != nil {
				return err
			}
			var value any = text
			if n, err := strconv.ParseFloat(text, 64); err == nil && !strings.HasPrefix(text, "0") {
				value = n
			} else if day, err := time.Parse(time.DateOnly, text); err == nil {
				value = day
			}
			if err := f.SetCellValue("Cargos", cell, value); err != nil {
				return err
			}
			if _, day := value.(time.Time); day {
				if err := f.SetCellStyle("Cargos", cell, cell, date); err != nil {
					return err
				}
			}
		}
	}
	return f.SaveAs(path)
}

// database makes an SQLite file of SQL.
func database(script []byte, path string) error {
	conn, err := sqlite.OpenConn(path, sqlite.OpenReadWrite, sqlite.OpenCreate)
	if err != nil {
		return err
	}
	defer conn.Close()
	return sqlitex.ExecuteScript(conn, string(script), nil)
}

func databaseCommand(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(database([]byte(ts.ReadFile(args[1])), ts.MkAbs(args[0])))
}
