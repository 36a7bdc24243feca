package runfile

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/bulkrunner/runner/internal/plan"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func aRun(id string) Run {
	return Run{
		ID: id, CreatedAt: noon, RunnerVersion: "0.1.0", Digest: "sha256:6f1c", State: StatePlanned,
		Paths: []string{"stale.ops.hcl"}, Config: json.RawMessage(`[{"name":"stale.ops.hcl","bytes":"…"}]`),
		Variables: json.RawMessage(`{"as_of":"2026-11-01"}`), Withheld: []string{"fixed_hash"},
		Providers: []Provider{{Address: "provider.payvalida", Name: "payvalida", Version: "0.1.0", Checksum: "sha256:ab", Environment: "sandbox", Rate: 5, Burst: 1, MaxInFlight: 4}},
		Lists:     []List{{Address: "list.csv.stale", Source: "stale-orders.csv", Digest: "sha256:cd", Rows: 12480}},
	}
}

func anOperation(name string) plan.Operation {
	return plan.Operation{
		Address: "operation.payvalida_cancel_order." + name, Provider: "provider.payvalida", Type: "cancel_order",
		List: "list.csv.stale", Rows: 12480, Matching: 1240,
		Settings: plan.Settings{
			Kind: "mutation", Reads: true, Guards: []plan.Guard{{Condition: `live.state == "PENDIENTE"`, Otherwise: "skip"}},
			Limits: plan.Limits{MaxItems: 5000, MaxTotal: map[string]string{"COP": "250000000"}},
			Retry:  plan.DefaultRetry, Abort: plan.DefaultAbort, MaxInFlight: 4,
		},
	}
}

// anItem is of the size that a Payvalida cancel has.
func anItem(operation int64, i int, state plan.State) plan.Item {
	return plan.Item{
		Operation: operation, Key: fmt.Sprintf("A-1042%06d", i), Source: "stale-orders.csv", Row: int64(i) + 2, State: state,
		IdempotencyKey: fmt.Sprintf("6f1c2a9d0b7e4f5a8c3d%012x", i), Amount: fmt.Sprintf("%d.00", 45000+i%7), Currency: "COP",
		Arguments: fmt.Appendf(nil, `{"order":"A-1042%06d"}`, i),
		Context:   json.RawMessage(`{"value":{"status":"PENDIENTE","amount":"45000.00"}}`),
		Live:      json.RawMessage(`{"state":"PENDIENTE","amount":"45000.00","currency":"COP","created_at":"2026-10-03T08:15:00Z"}`),
		UpdatedAt: noon,
	}
}

func someItems(operation int64, n int) []plan.Item {
	items := make([]plan.Item, n)
	for i := range items {
		items[i] = anItem(operation, i, plan.Planned)
	}
	return items
}

// planned makes a run file of one operation with n planned items.
func planned(t testing.TB, n int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "stale.run")
	plannedAt(t, path, n)
	return path
}

func plannedAt(t testing.TB, path string, n int) {
	t.Helper()
	d, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Discard()
	op := anOperation("stale")
	must(t, d.SetRun(aRun("r1")))
	must(t, d.AddOperation(&op))
	for left := n; left > 0; left -= 1000 {
		must(t, d.Add(someItems(op.ID, min(left, 1000))))
	}
	must(t, d.AddEvents(plan.Event{At: noon, Kind: "planned", Detail: fmt.Sprint(n, " items")}))
	must(t, d.Commit())
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func acquire(t testing.TB, path string) *Journal {
	t.Helper()
	j, err := Acquire(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Release() })
	return j
}

func open(t testing.TB, path string) *File {
	t.Helper()
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// integrity is what SQLite's own check finds, through a connection of its own.
func integrity(t testing.TB, path string) string {
	t.Helper()
	f := open(t, path)
	f.mu.Lock()
	defer f.mu.Unlock()
	answer, err := f.conn.pragma("integrity_check")
	must(t, err)
	return answer
}

func change(item int64, from, to plan.State) plan.Change {
	return plan.Change{Item: item, From: from, To: to, At: noon, Attempts: -1}
}

func collect(t testing.TB, f *File, filter Filter) (items []plan.Item) {
	t.Helper()
	for it, err := range f.Items(filter) {
		must(t, err)
		items = append(items, it)
	}
	return items
}
