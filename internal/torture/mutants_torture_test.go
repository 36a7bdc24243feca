//go:build linux && torture

package torture

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A mutant is a known bug: a text of the source and what stands there instead.
type mutant struct {
	file, from, to string
	pkg, run       string // the tests that must catch it
}

var mutants = map[string]mutant{
	"a request leaves before its mark is on disk": {
		"internal/engine/flight.go",
		`func(c *plan.Change) { c.Deadline = f.item.Deadline }, nil, func() {
		op.starting--
		f.want = wantExecute
		op.enqueue(f)
	})`,
		`func(c *plan.Change) { c.Deadline = f.item.Deadline }, nil, nil)
	op.starting--
	f.want = wantExecute
	op.enqueue(f)`,
		"./internal/torture", "TestA1MarkComesFirst",
	},
	"the mark is not synced": {
		"internal/runfile/acquire.go", `{"synchronous = FULL", "synchronous", "2"}`, `{"synchronous = NORMAL", "synchronous", "1"}`,
		"./internal/runfile", "TestSyncs",
	},
	"what may have happened is sent again": {
		"internal/engine/flight.go", `	default:
		e.doubt(now, f, o, req)
	}
}

// read judges`, `	default:
		back(words, now)
	}
}

// read judges`,
		"./internal/torture", "TestA3LostAnswers",
	},
	"a 500 has failed": {
		"internal/engine/flight.go", `	default:
		e.doubt(now, f, o, req)
	}
}

// read judges`, `	default:
		e.settle(f, now, plan.Failed, words, nil, req)
	}
}

// read judges`,
		"./internal/torture", "TestA3LostAnswers",
	},
	"nothing is waited for after a crash": {
		"internal/engine/engine.go", `if quiet.After(now) {`, `if quiet.After(now) && false {`,
		"./internal/torture", "TestA5OrphanIsWaitedFor",
	},
	"each attempt has its own key": {
		"internal/engine/flight.go", `IdempotencyKey: f.item.IdempotencyKey,`, `IdempotencyKey: f.item.IdempotencyKey + now.String(),`,
		"./internal/torture", "TestA8OneKeyForLife",
	},
	"a former apply may write": {
		"internal/runfile/transaction.go", `if epoch != j.epoch {`, `if epoch < j.epoch {`,
		"./internal/runfile", "TestFence",
	},
	"the first no is believed": {
		"internal/engine/doubt.go", `if !now.Before(at) && f.reads >= 2 {`, `if true {`,
		"./internal/engine", "TestNoIsNotBelievedEarly",
	},
	"a refusal after doubt has failed": {
		"internal/engine/flight.go", `if f.item.Attempts > 0 && f.op.Schema.Reads && f.op.Schema.Settles {`, `if false {`,
		"./internal/engine", "TestA6RefusedBecauseItWorked",
	},
	"marks outlive their deadline": {
		"internal/engine/operation.go", `	e.overdue(op, now)
`, ``,
		"./internal/engine", "TestA5MarkIsTakenBack",
	},
	"a silent process is killed twice": {
		"internal/dispatch/line.go", `if l.killed || l.down {`, `if l.down {`,
		"./internal/dispatch", "TestC2KilledOnce",
	},
	"the limit begins anew with each apply": {
		"internal/cli/apply.go", `const paceWindow = 1010 * time.Millisecond`, `const paceWindow = time.Millisecond`,
		"./internal/torture", "TestD3RestartsShareTheLimit",
	},
	"only the bucket keeps the rate": {
		"internal/pace/pace.go", `; oldest.counts() &&`, `; false && oldest.counts() &&`,
		"./internal/pace", "TestNoSecondHoldsMoreThanTheLimit",
	},
	"requests leave when they are dispatched": {
		"internal/pace/pace.go", `; before.counts() &&`, `; false && before.counts() &&`,
		"./internal/pace", "TestLateDepartures",
	},
	"a key lives for ever": {
		"internal/engine/key.go", `if !ok || now.Add(`, `if !ok || now.Add(-1000 * time.Hour).Add(`,
		"./internal/engine", "TestA8KeyOutlived",
	},
	"a recorded error is asked for again and again": {
		"internal/engine/key.go", `codes[r.Code] > 1 {`, `codes[r.Code] > 1000 {`,
		"./internal/engine", "TestA8StickyErrors",
	},
	"another thing's answer is believed": {
		"sdk/host/shape.go", `case id != "" && s.id != "" && id !=`, `case false && id !=`,
		"./sdk/host", "TestShapes",
	},
	"a plan may be edited": {
		"internal/planner/digest.go", `is != run.Digest`, `is == ""`,
		"./internal/torture", "TestE11EditedPlan",
	},
	"providers see the whole environment": {
		"internal/providers/environment.go", `	var env []string
`, `	env := os.Environ()
`,
		"./internal/torture", "TestC8Inherits",
	},
	"a redirect or any 3xx counts as done": {
		"sdk/fakeprovider/client.go", `case http.StatusOK:`, `case http.StatusOK, 201, 307:`,
		"./internal/torture", "TestA3LostAnswers",
	},
}

// TestA12: every known bug is caught by the test that is there for it, so the
// harness isn't blind.
func TestA12Mutants(t *testing.T) {
	root, err := filepath.Abs("../..")
	must(t, err)
	caught := 0
	for name, m := range mutants {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			copyTree(t, root, dir)
			path := filepath.Join(dir, m.file)
			source, err := os.ReadFile(path)
			must(t, err)
			if n := strings.Count(string(source), m.from); n != 1 {
				t.Fatalf("%s holds the text of this mutant %d times: write the mutant anew", m.file, n)
			}
			must(t, os.WriteFile(path, []byte(strings.Replace(string(source), m.from, m.to, 1)), 0o644))
			build := exec.Command("go", "vet", m.pkg)
			build.Dir = dir
			if out, err := build.CombinedOutput(); err != nil && !strings.Contains(string(out), "unreachable") {
				t.Fatalf("the mutant can't be built: %s", out)
			}
			// A bug that needs luck to show gets three chances.
			for chance := 1; chance <= 3; chance++ {
				test := exec.Command("go", "test", "-count=1", "-timeout=120s", "-run=^"+m.run+"$", m.pkg)
				test.Dir = dir
				out, err := test.CombinedOutput()
				if err != nil {
					if !strings.Contains(string(out), "--- FAIL: "+m.run) && !strings.Contains(string(out), "panic:") {
						t.Errorf("%s did not fail, it did not run:\n%s", m.run, out)
					}
					t.Logf("caught by %s", m.run)
					caught++
					return
				}
			}
			t.Errorf("%s passes with this bug", m.run)
		})
	}
	t.Logf("%d of %d mutants caught", caught, len(mutants))
}

// copyTree copies what Go needs of a checkout.
func copyTree(t *testing.T, from, to string) {
	t.Helper()
	must(t, filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			if rel != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "bin") {
				return fs.SkipDir
			}
			return os.MkdirAll(filepath.Join(to, rel), 0o755)
		}
		if !d.Type().IsRegular() {
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), b, 0o644)
	}))
}
