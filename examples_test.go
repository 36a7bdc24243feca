package runner_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/bulkrunner/runner/internal/config"
	"github.com/bulkrunner/runner/internal/eval"
	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/runfile"
)

// TestExamples rehearses each folder of examples as its README tells a reader
// to, and then what the folder for Pay-me's pending charges is about: a list
// that is old.
func TestExamples(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("the programs are built and found without .exe")
	}
	bin := built(t)
	folders, err := filepath.Glob("examples/*/*.ops.hcl")
	if err != nil || len(folders) < 3 {
		t.Fatalf("examples: %v, %v", folders, err)
	}
	rehearsed := map[string]bool{}
	for _, file := range folders {
		folder := filepath.Dir(file)
		if out, err := exec.CommandContext(t.Context(), filepath.Join(bin, "runner"), "fmt", "--check", file).CombinedOutput(); err != nil {
			t.Errorf("%s", out)
		}
		if rehearsed[folder] {
			continue
		}
		rehearsed[folder] = true
		t.Run(filepath.Base(folder), func(t *testing.T) {
			t.Parallel()
			out, code := newDesk(t, bin, folder).rehearse(t)
			counted := ledgerLine.FindStringSubmatch(out)
			if code != 0 || counted == nil || counted[1] == "0" || counted[1] != counted[3] || counted[2] != "0" {
				t.Errorf("exit code %d, the ledger's line is %q:\n%s", code, counted, out)
			}
			if _, err := os.Stat(filepath.Join(folder, "README.md")); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("an old list", func(t *testing.T) { t.Parallel(); oldList(t, bin) })
	t.Run("a list without transactions", func(t *testing.T) { t.Parallel(); listWithoutTransactions(t, bin) })
	t.Run("minor units", func(t *testing.T) { t.Parallel(); minorUnits(t, bin) })
	t.Run("denied and lost", func(t *testing.T) { t.Parallel(); deniedAndLost(t, bin) })
	t.Run("cards", func(t *testing.T) { t.Parallel(); cards(t, bin) })
	t.Run("tokens that end", func(t *testing.T) { t.Parallel(); tokensThatEnd(t, bin) })
}

// TestMonthOfTheAPI holds the month that the example for Pagos360 takes by itself
// against the API's clock: at ten in the evening of the last of a month in
// Argentina, the next one has begun in UTC and is still the next one.
func TestMonthOfTheAPI(t *testing.T) {
	t.Parallel()
	cfg, diags := config.Load([]string{"examples/pagos360-cancel-month"})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	for at, want := range map[string]string{
		"2026-11-01T02:59:59Z": "2026-11",
		"2026-11-01T03:00:00Z": "2026-12",
		"2026-11-30T12:00:00Z": "2026-12",
		"2026-12-01T02:59:59Z": "2026-12",
		"2026-12-01T03:00:00Z": "2027-01",
		"2027-01-31T12:00:00Z": "2027-02",
		"2028-02-29T23:00:00Z": "2028-03",
	} {
		now, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		scope, diags := eval.NewScope(cfg, nil, now, eval.Rehearse())
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		got, diags := scope.Value(cfg.Locals["month"].Expr)
		if diags.HasErrors() || !got.RawEquals(cty.StringVal(want)) {
			t.Errorf("%s: %#v, want %s %v", at, got, want, diags)
		}
	}
}

const planted = "PLANTED-client-secret-5f02"

// ledgerLine is what a rehearsal ends with.
var ledgerLine = regexp.MustCompile(`The simulator counted ([\d,]+) effects, ([\d,]+) of them twice; the run file says ([\d,]+) succeeded`)

// A desk is a copy of an example's folder and somebody to work in it.
type desk struct {
	folder string
	env    []string
	places []string // that programs may write to, that folder among them
}

func newDesk(t *testing.T, bin, example string) *desk {
	t.Helper()
	d := &desk{folder: t.TempDir()}
	if err := os.CopyFS(d.folder, os.DirFS(example)); err != nil {
		t.Fatal(err)
	}
	// Sockets live in a short folder: their paths may not exceed about 104 bytes.
	sockets, err := os.MkdirTemp("", "r")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(sockets) })
	home, state, tmp := t.TempDir(), t.TempDir(), t.TempDir()
	d.places = []string{d.folder, home, state, tmp, sockets}
	d.env = append(os.Environ(), "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"), "HOME="+home, "XDG_STATE_HOME="+state, "TMPDIR="+tmp, "XDG_RUNTIME_DIR="+sockets)
	return d
}

// rehearse returns all that was printed and the exit code.
func (d *desk) rehearse(t *testing.T, faults ...string) (string, int) {
	t.Helper()
	args := []string{"rehearse", "."}
	for _, f := range faults {
		args = append(args, "--fault", f)
	}
	return d.run(t, args...)
}

func (d *desk) run(t *testing.T, args ...string) (string, int) {
	t.Helper()
	var path string
	for _, e := range d.env {
		if p, ok := strings.CutPrefix(e, "PATH="); ok {
			path, _, _ = strings.Cut(p, string(os.PathListSeparator))
		}
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(path, "runner"), args...)
	cmd.Dir, cmd.Env, cmd.WaitDelay = d.folder, d.env, 5*time.Second
	out, err := cmd.CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return string(out), exit.ExitCode()
	} else if err != nil {
		t.Fatalf("runner %s: %v", args, err)
	}
	return string(out), 0
}

// record opens the one run file of the desk's rehearsals.
func (d *desk) record(t *testing.T) *runfile.File {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(d.folder, ".runner/rehearsals/*.run"))
	if err != nil || len(paths) != 1 {
		t.Fatalf("run files: %v, %v", paths, err)
	}
	f, err := runfile.Open(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// oldList rehearses a list that says PENDIENTE of every charge. A tenth is
// AUTORIZADO in truth, and some are paid after a read: at plan, where the read
// at apply sees it, and at apply, where nobody can.
//
// No charge whose last read shows AUTORIZADO is touched. Those that were paid
// after their last read the API reverses: each is an incident, and the first
// stops the operation.
func oldList(t *testing.T, bin string) {
	const bystander = "RUNNER_VAR_client_secret=" + planted
	var incidents, seenAtPlan, seenAtApply int
	for _, seed := range []string{"1", "2"} {
		d := newDesk(t, bin, "examples/payme-cancel-pending")
		d.env = append(d.env, bystander)
		list := filepath.Join(d.folder, "charges.csv")
		rows, err := os.ReadFile(list)
		if err != nil {
			t.Fatal(err)
		}
		rows = regexp.MustCompile(`REGISTRADO|EXPIRADO|CANCELADO`).ReplaceAll(rows, []byte("PENDIENTE"))
		if err := os.WriteFile(list, rows, 0o600); err != nil {
			t.Fatal(err)
		}
		out, code := d.rehearse(t, "drift=0.1", "authorise_between=0.03", "seed="+seed)
		if code != 4 || !strings.Contains(out, "was stopped by incident at item") {
			t.Errorf("seed %s: exit code %d:\n%s", seed, code, out)
		}
		searchSecret(t, d.folder, out)

		f := d.record(t)
		executed, left, authorised := 0, 0, 0
		for it, err := range f.Items(runfile.Filter{}) {
			if err != nil {
				t.Fatal(err)
			}
			requests, err := f.Requests(it.ID)
			if err != nil {
				t.Fatal(err)
			}
			reached, reads := 0, 0
			for _, r := range requests {
				switch {
				case r.Verb == "execute" && r.Outcome != "throttled" && r.Outcome != "not_sent":
					reached++
				case r.Verb == "read":
					reads++
				}
			}
			var live struct{ State string }
			if err := json.Unmarshal(it.Live, &live); err != nil {
				t.Fatalf("%s: %s: %v", it.Key, it.Live, err)
			}
			executed += reached
			switch {
			case it.State == plan.Skipped && live.State == "AUTORIZADO":
				if authorised++; reads > 0 {
					seenAtApply++
				} else {
					seenAtPlan++
				}
				if reached > 0 {
					t.Errorf("seed %s: charge %s was AUTORIZADO at its last read and a request reached it", seed, it.Key)
				}
			case it.State == plan.Incident:
				incidents++
				if reached != 1 {
					t.Errorf("seed %s: charge %s is an incident of %d requests", seed, it.Key, reached)
				}
				if !bytes.Contains(it.Result, []byte(`"state":"EXTORNADO"`)) && live.State != "EXTORNADO" {
					t.Errorf("seed %s: charge %s is an incident of %s %s", seed, it.Key, it.Result, it.Live)
				}
			case it.State == plan.Planned:
				left++
			}
		}
		if authorised < 20 || left == 0 {
			t.Errorf("seed %s: %d charges are skipped as AUTORIZADO and %d are left", seed, authorised, left)
		}
		// Every request that reached a charge had its one effect. So where as
		// many effects were counted no other charge was touched.
		counted := ledgerLine.FindStringSubmatch(out)
		if counted == nil || strings.ReplaceAll(counted[1], ",", "") != strconv.Itoa(executed) || counted[2] != "0" {
			t.Errorf("seed %s: %d requests reached a charge, the ledger says %q", seed, executed, counted)
		}
	}
	if incidents < 2 || seenAtPlan == 0 || seenAtApply == 0 {
		t.Errorf("%d incidents, %d charges seen as paid at plan, %d at apply: nothing was shown", incidents, seenAtPlan, seenAtApply)
	}
}

// searchSecret finds the planted secret in a desk's files or in what was printed.
func searchSecret(t *testing.T, folder, printed string) {
	t.Helper()
	if strings.Contains(printed, planted) {
		t.Errorf("the secret was printed:\n%s", printed)
	}
	err := filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if bytes.Contains(b, []byte(planted)) {
			t.Errorf("the secret is in %s", filepath.Base(path))
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// listWithoutTransactions is told what its list lacks, and why.
func listWithoutTransactions(t *testing.T, bin string) {
	d := newDesk(t, bin, "examples/payme-cancel-pending")
	file := filepath.Join(d.folder, "cancel.ops.hcl")
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	source = regexp.MustCompile(`(?m)^  transaction_id .*\n`).ReplaceAll(source, nil)
	if err := os.WriteFile(file, source, 0o600); err != nil {
		t.Fatal(err)
	}
	out, code := d.rehearse(t)
	words := strings.Join(strings.Fields(out), " ")
	if code != 1 || !strings.Contains(words, `needs the argument "transaction_id"`) || !strings.Contains(words, "the list must carry it") {
		t.Errorf("exit code %d:\n%s", code, out)
	}
}

// tokensThatEnd has tokens end before their time and while many requests have
// them. No item pays for that.
func tokensThatEnd(t *testing.T, bin string) {
	d := newDesk(t, bin, "examples/payme-cancel-pending")
	d.env = append(d.env, "RUNNER_VAR_client_secret="+planted)
	out, code := d.rehearse(t, "token_life=1s", "token_revoked=0.01")
	if code != 0 || !strings.Contains(out, "358 succeeded") {
		t.Errorf("exit code %d:\n%s", code, out)
	}
	searchSecret(t, d.folder, out)
	renewed := 0
	events, err := d.record(t).Events()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if e.Kind == "token_refused" {
			renewed++
		}
	}
	if renewed == 0 {
		t.Error("no token was refused: nothing was shown")
	}
}

// payme starts Pay-me's simulator for the account of the examples, and returns
// where it is.
func payme(t *testing.T, bin string) string {
	t.Helper()
	api := exec.Command(filepath.Join(bin, "runner-provider-payme"), "simulate", "--config",
		`{"merchant_code":"kuanto","client_id":"kuanto-back-office","client_secret":"`+planted+`","environment":"preprod"}`)
	stdin, err := api.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := api.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := api.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stdin.Close(); api.Wait() })
	var says struct{ Endpoint string }
	if err := json.NewDecoder(stdout).Decode(&says); err != nil {
		t.Fatal(err)
	}
	return says.Endpoint
}

// minorUnits holds a list's amounts against the API's, which counts céntimos
// and names currencies by their numbers.
func minorUnits(t *testing.T, bin string) {
	endpoint := payme(t, bin)
	var seeds strings.Builder
	for _, amount := range []string{"15000", "15001"} {
		seeds.WriteString(`{"operation":"cancel_charge","arguments":{"merchant_operation_number":"` + amount + `","transaction_id":"tx1","amount":"` + amount + `","currency":"604"}}` + "\n")
	}
	response, err := http.Post(endpoint+"/_simulator/seed", "application/json", strings.NewReader(seeds.String()))
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()

	d := newDesk(t, bin, "examples/payme-cancel-pending")
	d.env = append(d.env, "RUNNER_VAR_client_secret="+planted)
	file := filepath.Join(d.folder, "cancel.ops.hcl")
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	source = bytes.Replace(source, []byte("environment   = "), []byte("endpoint = \""+endpoint+"\"\n  environment   = "), 1)
	if err := os.WriteFile(file, source, 0o600); err != nil {
		t.Fatal(err)
	}
	const list = "operation,transaction,status,amount\n15000,tx1,PENDIENTE,150.00\n15001,tx1,PENDIENTE,150.00\n"
	if err := os.WriteFile(filepath.Join(d.folder, "charges.csv"), []byte(list), 0o600); err != nil {
		t.Fatal(err)
	}
	out, code := d.run(t, "plan", ".")
	words := strings.Join(strings.Fields(out), " ")
	if code != 1 || !strings.Contains(words, "execute 1 PEN 150.00") || !strings.Contains(words, "The list says PEN 150.00 and the API says PEN 150.01.") {
		t.Errorf("exit code %d:\n%s", code, out)
	}
	searchSecret(t, d.folder, out)
}
