package runner_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

// ciFile reads a file that docs/ci.md shows.
func ciFile(t *testing.T, name string, into any) {
	t.Helper()
	blocks, _ := read(t, "docs/ci.md")
	for _, b := range blocks {
		if b.directive == "file" && b.argument == name {
			d := yaml.NewDecoder(strings.NewReader(b.text))
			d.KnownFields(true)
			if err := d.Decode(into); err != nil {
				t.Fatalf("%s: %v", b.at(), err)
			}
			return
		}
	}
	t.Fatalf("docs/ci.md has no file %s", name)
}

// A shop is the account at the API, with its orders, and the repository.
type shop struct {
	dir string // the repository
	api string
}

const shopSecret = "clave-de-prueba-7f3a"

// orders is how many orders the shop has. All but the last two are to be cancelled.
const orders = 24

func newShop(t *testing.T) *shop {
	t.Helper()
	bin := built(t)
	s := &shop{dir: t.TempDir()}
	ctx, stop := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "runner-provider-payvalida"), "simulate", "-listen", "127.0.0.1:0", "-config", `{"merchant": "kuanto", "fixed_hash": "`+shopSecret+`"}`)
	in, _ := cmd.StdinPipe()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		stop()
		cmd.Wait()
	})
	said := make([]byte, 4096)
	n, err := out.Read(said)
	if err != nil {
		t.Fatal(err)
	}
	go io.Copy(io.Discard, out)
	if s.api = regexp.MustCompile(`http://[0-9.:]+`).FindString(string(said[:n])); s.api == "" {
		t.Fatalf("the simulator says %q", said[:n])
	}
	var list, seed strings.Builder
	list.WriteString("order_id,amount\n")
	for i := range orders {
		state := "PENDIENTE"
		switch i {
		case orders - 2:
			state = "APROBADA"
		case orders - 1:
			state = "CANCELADA"
		}
		fmt.Fprintf(&list, "PV-%d,1000.50\n", i)
		fmt.Fprintf(&seed, `{"operation": "cancel_order", "arguments": {"order": "PV-%d"}, "state": "%s"}`+"\n", i, state)
	}
	resp, err := http.Post(s.api+"/_simulator/seed", "application/json", strings.NewReader(seed.String()))
	if err != nil || resp.StatusCode >= 300 {
		t.Fatalf("seed: %v, %v", resp, err)
	}
	resp.Body.Close()
	s.write(t, "ops/pending.csv", list.String())
	s.write(t, "ops/cancel.ops.hcl", strings.Replace(shopOperations, "ENDPOINT", s.api, 1))
	init := exec.Command(filepath.Join(bin, "runner"), "init", "ops")
	init.Dir = s.dir
	if out, err := init.CombinedOutput(); err != nil {
		t.Fatalf("runner init: %s", out)
	}
	return s
}

const shopOperations = `variable "fixed_hash" {
  type      = string
  sensitive = true
}
provider "payvalida" {
  merchant   = "kuanto"
  fixed_hash = var.fixed_hash
  endpoint   = "ENDPOINT"
  rate_limit { requests_per_second = 40 }
}
list "csv" "pending" {
  path    = "pending.csv"
  key     = "order_id"
  columns = { amount = decimal }
}
operation "payvalida_cancel_order" "stale" {
  for_each = list.csv.pending
  order    = each.value.order_id
  guard {
    condition = live.state == "PENDIENTE"
    otherwise = "skip"
  }
  money {
    amount   = each.value.amount
    currency = "COP"
  }
}
`

func (s *shop) write(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// change replaces text in a file, and returns how to put it back.
func (s *shop) change(t *testing.T, name, old, with string) (back func()) {
	t.Helper()
	before, err := os.ReadFile(filepath.Join(s.dir, name))
	if err != nil || !strings.Contains(string(before), old) {
		t.Fatalf("%s has no %q: %v", name, old, err)
	}
	s.write(t, name, strings.Replace(string(before), old, with, 1))
	return func() { s.write(t, name, string(before)) }
}

var ledgerEntry = regexp.MustCompile(`"cancel:PV-[0-9]+":([0-9]+)`)

// cancelled is how many orders were cancelled; none may be so twice.
func (s *shop) cancelled(t *testing.T) int {
	t.Helper()
	resp, err := http.Get(s.api + "/_simulator/ledger")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	all := ledgerEntry.FindAllSubmatch(body, -1)
	for _, m := range all {
		if string(m[1]) != "1" {
			t.Errorf("an order was cancelled %s times: %s", m[1], m[0])
		}
	}
	return len(all)
}

// A machine carries out the steps of one job. It has nothing of any other.
type machine struct {
	t      *testing.T
	work   string
	temp   string
	env    []string
	path   string // PATH
	log    bytes.Buffer
	breaks map[string]func(*exec.Cmd) // by step: what happens to its process
	lost   bool                       // the machine vanished
}

func newMachine(t *testing.T, f *forge, s *shop, env map[string]string) *machine {
	t.Helper()
	home := t.TempDir()
	sockets, err := os.MkdirTemp("", "r")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(sockets) })
	m := &machine{t: t, work: t.TempDir(), temp: t.TempDir(), path: f.bin + string(os.PathListSeparator) + os.Getenv("PATH")}
	m.env = []string{"HOME=" + home, "XDG_RUNTIME_DIR=" + sockets, "TMPDIR=" + m.temp, "LANG=C.UTF-8", "CI=true", "FORGE=" + f.url}
	for k, v := range env {
		m.env = append(m.env, k+"="+v)
	}
	if err := os.CopyFS(m.work, os.DirFS(s.dir)); err != nil {
		t.Fatal(err)
	}
	return m
}

// bash carries out a script as the systems do, and returns its exit code.
func (m *machine) bash(name, script string, env map[string]string) int {
	m.t.Helper()
	file := filepath.Join(m.temp, "step.sh")
	if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
		m.t.Fatal(err)
	}
	cmd := exec.Command("bash", "--noprofile", "--norc", "-eo", "pipefail", file)
	cmd.Dir = m.work
	cmd.Env = append(slices.Clone(m.env), "PATH="+m.path)
	for k, v := range env {
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	fmt.Fprintf(&m.log, "--- %s\n", name)
	cmd.Stdout, cmd.Stderr = &m.log, &m.log
	cmd.WaitDelay = time.Minute
	ownGroup(cmd)
	if err := cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	if meddle := m.breaks[name]; meddle != nil {
		meddle(cmd)
	}
	err := cmd.Wait()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		m.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode()
}

// killed kills a step's process once some orders are cancelled and others
// aren't; lost takes the machine with it.
func (m *machine) killed(step string, s *shop, lost bool) {
	before := s.cancelled(m.t)
	m.breaks = map[string]func(*exec.Cmd){step: func(cmd *exec.Cmd) {
		deadline := time.Now().Add(time.Minute)
		for s.cancelled(m.t) < before+3 {
			if time.Now().After(deadline) {
				m.t.Error("nothing was cancelled in a minute")
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
		killGroup(cmd)
		m.lost = lost
	}}
}

// clean holds what was written where others read it against the secret.
func (m *machine) clean(f *forge) {
	m.t.Helper()
	text := m.log.String()
	for _, c := range f.comments {
		text += c.Body
	}
	for _, name := range []string{"plan.md", "comment.md", "report.html", "plan.env", "apply.run", "plan.run"} {
		if b, err := os.ReadFile(filepath.Join(m.work, name)); err == nil {
			text += string(b)
		}
	}
	if strings.Contains(text, shopSecret) || strings.Contains(text, forgeToken) {
		m.t.Errorf("a secret is shown:\n%s", m.log.String())
	}
}

// TestDocsPreCommit carries out the hooks of .pre-commit-hooks.yaml, as
// pre-commit does: with the names of the files that changed behind the entry.
func TestDocsPreCommit(t *testing.T) {
	t.Parallel()
	var wanted struct {
		Repos []struct {
			Repo, Rev string
			Hooks     []struct{ ID string }
		}
	}
	ciFile(t, ".pre-commit-config.yaml", &wanted)
	text, err := os.ReadFile(".pre-commit-hooks.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var hooks []struct {
		ID, Name, Description, Entry, Language, Files string
		PassFilenames                                 *bool `yaml:"pass_filenames"`
		RequireSerial                                 bool  `yaml:"require_serial"`
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&hooks); err != nil {
		t.Fatal(err)
	}
	bin := built(t)
	dir := t.TempDir()
	good := "variable \"x\" {\n  type    = string\n  default = \"y\"\n}\n"
	files := map[string]string{
		"a/one.ops.hcl": good, "b/two.ops.hcl": good, "b c/three.ops.hcl": good, "b/values.opsvars.hcl": "x = \"z\"\n",
		"layout/bad.ops.hcl": "variable \"x\" {\n type = string\n}\n",
		// Its variable is declared in the file beside it.
		"wrong/part.ops.hcl": "locals { name = var.missing }\n", "split/part.ops.hcl": "locals { name = var.x }\n", "split/whole.ops.hcl": good,
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		os.MkdirAll(filepath.Dir(path), 0o700)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ids := map[string]bool{}
	for _, h := range hooks {
		ids[h.ID] = true
		matching := regexp.MustCompile(h.Files)
		for name, c := range map[string]struct {
			changed []string
			fails   map[string]bool
			says    string
		}{
			"good":         {changed: []string{"a/one.ops.hcl", "b/two.ops.hcl", "b c/three.ops.hcl", "b/values.opsvars.hcl"}},
			"part":         {changed: []string{"split/part.ops.hcl"}},
			"other layout": {changed: []string{"a/one.ops.hcl", "layout/bad.ops.hcl"}, fails: map[string]bool{"runner-fmt": true}, says: "layout/bad.ops.hcl"},
			"wrong":        {changed: []string{"wrong/part.ops.hcl", "a/one.ops.hcl"}, fails: map[string]bool{"runner-validate": true}, says: "wrong/part.ops.hcl"},
		} {
			var args []string
			for _, f := range c.changed {
				if matching.MatchString(f) {
					args = append(args, f)
				}
			}
			if len(args) == 0 || matching.MatchString("README.md") || matching.MatchString("x.hcl") || h.PassFilenames != nil && !*h.PassFilenames || h.Language != "system" {
				t.Fatalf("%s would not be run for %v", h.ID, c.changed)
			}
			cmd := exec.Command("sh", append([]string{"-c", `exec ` + h.Entry + ` "$@"`, "--"}, args...)...)
			cmd.Dir, cmd.Env = dir, append(os.Environ(), "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
			out, err := cmd.CombinedOutput()
			if failed := err != nil; failed != c.fails[h.ID] || failed && !strings.Contains(string(out), c.says) {
				t.Errorf("%s of %s: %v\n%s", h.ID, name, err, out)
			}
		}
	}
	for _, repo := range wanted.Repos {
		for _, h := range repo.Hooks {
			if !ids[h.ID] {
				t.Errorf("docs/ci.md names a hook %s, and there are %v", h.ID, slices.Sorted(maps.Keys(ids)))
			}
			delete(ids, h.ID)
		}
	}
	if len(ids) > 0 {
		t.Errorf("docs/ci.md doesn't name %v", slices.Sorted(maps.Keys(ids)))
	}
}
