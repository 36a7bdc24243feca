package runner_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// gitlabFile is .gitlab-ci.yml, as far as docs/ci.md uses it. What it doesn't
// know fails the test.
type gitlabFile struct {
	Stages    []string
	Workflow  struct{ Rules []gitlabRule }
	Variables map[string]string
	Default   struct {
		Image        string
		BeforeScript []string `yaml:"before_script"`
	}
	Review, Plan, Apply gitlabJob
}

type gitlabRule struct {
	If      string
	Changes []string
	When    string
}

type gitlabJob struct {
	Stage, Environment, Timeout string
	ResourceGroup               string `yaml:"resource_group"`
	Interruptible               *bool
	Needs                       []string
	Rules                       []gitlabRule
	Script                      []string
	AfterScript                 []string `yaml:"after_script"`
	Artifacts                   struct {
		When     string
		Paths    []string
		Reports  struct{ Dotenv string }
		ExpireIn string `yaml:"expire_in"`
	}
}

// gitlab carries out jobs of the page's pipeline.
type gitlab struct {
	t     *testing.T
	forge *forge
	shop  *shop
	file  gitlabFile
	job   int // the last one's number
	log   string
	given map[string]string // by a job that the next one needs
	from  string            // its folder
}

// carry carries out a job, and tells whether it succeeded.
func (g *gitlab) carry(name string, of gitlabJob, meddle func(*machine)) bool {
	g.t.Helper()
	g.job++
	id := strconv.Itoa(g.job)
	env := map[string]string{"CI_API_V4_URL": g.forge.url, "CI_PROJECT_ID": "9", "CI_MERGE_REQUEST_IID": "7", "CI_COMMIT_SHA": strings.Repeat("c", 40),
		"CI_PIPELINE_ID": "500", "CI_JOB_ID": id, "GITLAB_TOKEN": forgeToken, "RUNNER_VAR_fixed_hash": shopSecret}
	for k, v := range g.file.Variables {
		env[k] = v
	}
	m := newMachine(g.t, g.forge, g.shop, env)
	if len(of.Needs) > 0 { // its artifacts are there before the script begins
		m.env = append(m.env, "DIGEST="+g.given["DIGEST"])
		b, err := os.ReadFile(filepath.Join(g.from, "apply.run"))
		if err != nil {
			g.t.Fatal(err)
		}
		os.WriteFile(filepath.Join(m.work, "apply.run"), b, 0o600)
	}
	if meddle != nil {
		meddle(m)
	}
	g.forge.mu.Lock()
	entry := map[string]any{"id": g.job, "name": name, "started_at": "2026-11-20T12:00:00Z"}
	g.forge.jobs = append(g.forge.jobs, entry, map[string]any{"id": 900 + g.job, "name": "another", "started_at": nil})
	g.forge.mu.Unlock()
	ok := m.bash(name, strings.Join(append(slices.Clone(g.file.Default.BeforeScript), of.Script...), "\n"), nil) == 0
	if m.lost {
		return false
	}
	if len(of.AfterScript) > 0 {
		m.bash("after_script", strings.Join(of.AfterScript, "\n"), nil)
	}
	if of.Artifacts.When != "always" || of.Artifacts.ExpireIn == "" {
		g.t.Errorf("%s: its artifacts are kept %q", name, of.Artifacts.When)
	}
	if g.forge.upload(g.t, id, "archive", m.work, of.Artifacts.Paths) {
		g.forge.mu.Lock()
		entry["artifacts_file"] = map[string]any{"filename": "artifacts.zip"}
		g.forge.mu.Unlock()
	}
	g.given = map[string]string{"DIGEST": g.given["DIGEST"]}
	if vars := of.Artifacts.Reports.Dotenv; vars != "" {
		b, _ := os.ReadFile(filepath.Join(m.work, vars))
		for _, line := range strings.Split(string(b), "\n") {
			if k, v, found := strings.Cut(line, "="); found {
				g.given[k] = v
			}
		}
		g.from = m.work
	}
	m.clean(g.forge)
	g.log = m.log.String()
	if testing.Verbose() {
		g.t.Logf("job %s: %v\n%s", name, ok, g.log)
	}
	return ok
}

// TestDocsGitLab carries out the pipeline of docs/ci.md for GitLab: a merge
// request, its merge, and an apply that breaks off.
func TestDocsGitLab(t *testing.T) {
	t.Parallel()
	f := newForge(t)
	s := newShop(t)
	g := &gitlab{t: t, forge: f, shop: s}
	ciFile(t, ".gitlab-ci.yml", &g.file)
	apply := g.file.Apply
	if apply.ResourceGroup == "" || apply.Environment != "production" || apply.Interruptible == nil || *apply.Interruptible || apply.Rules[0].When != "manual" || !slices.Equal(apply.Needs, []string{"plan"}) {
		t.Errorf("two applies may run at once, or without approval: %+v", apply)
	}
	for name, rules := range map[string][]gitlabRule{"review": g.file.Review.Rules, "plan": g.file.Plan.Rules, "apply": apply.Rules} {
		want := "$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH"
		if name == "review" {
			want = `$CI_PIPELINE_SOURCE == "merge_request_event"`
		}
		if len(rules) != 1 || rules[0].If != want || fmt.Sprint(rules[0].Changes) != "[ops/**/* runner.lock.hcl]" {
			t.Errorf("%s runs when %+v", name, rules)
		}
	}

	review := func() (bool, string) { t.Helper(); return g.carry("review", g.file.Review, nil), f.ours(t) }
	ok, comment := review()
	if !ok || !strings.HasPrefix(comment, "<!-- runner plan: sha256:") || !strings.Contains(comment, "## Plan: 22 to execute, 1 unchanged, 1 skipped") {
		t.Errorf("%v: %s", ok, comment)
	}
	for name, c := range map[string]struct{ file, old, with, says string }{
		"a bad row":      {"ops/pending.csv", "1000.50", "1000.5o", "Error: Invalid decimal"},
		"another layout": {"ops/cancel.ops.hcl", "  type      = string", "type = string", "No plan: the log of the job says why."},
	} {
		back := s.change(t, c.file, c.old, c.with)
		if ok, comment := review(); ok || !strings.HasPrefix(comment, "<!-- runner plan: none -->\n") || !strings.Contains(comment, c.says) {
			t.Errorf("%s: %v: %s", name, ok, comment)
		}
		back()
	}
	if ok, comment := review(); !ok || !strings.HasPrefix(comment, "<!-- runner plan: sha256:") {
		t.Errorf("%v: %s", ok, comment)
	}

	back := s.change(t, "ops/pending.csv", "1000.50", "1000.51")
	if g.carry("plan", g.file.Plan, nil) || !strings.Contains(g.log, "and what was reviewed sha256:") {
		t.Errorf("another plan was let through: %s", g.log)
	}
	back()
	f.reviewed = false
	if g.carry("plan", g.file.Plan, nil) || !strings.Contains(g.log, "came without a merge request") {
		t.Errorf("a plan that nobody reviewed was let through: %s", g.log)
	}
	f.reviewed = true

	// The first machine is lost. The plan is still there, and everything is read.
	if !g.carry("plan", g.file.Plan, nil) {
		t.Fatalf("the plan was refused: %s", g.log)
	}
	f.jobs = nil
	g.carry("apply", apply, func(m *machine) { m.killed("apply", s, true) })
	if n := s.cancelled(t); n == 0 {
		t.Fatal("nothing was cancelled")
	}
	// The second is killed, and keeps its file, which the third takes up.
	if g.carry("apply", apply, func(m *machine) { m.killed("apply", s, false) }) {
		t.Fatal("a job whose apply was killed succeeded")
	}
	knows := f.jobs
	if !g.carry("apply", apply, nil) || !strings.Contains(g.log, "## Run `finished`") {
		t.Errorf("the third did not finish it: %s", g.log)
	}
	if n := s.cancelled(t); n != orders-2 {
		t.Errorf("%d orders were cancelled, not %d", n, orders-2)
	}

	// Had the third been lost, the second one's file would not know what it did.
	f.jobs = append(slices.Clone(knows), map[string]any{"id": 800, "name": "apply", "started_at": "2026-11-20T13:00:00Z"})
	if g.carry("apply", apply, nil) || !strings.Contains(g.log, "left no run file") {
		t.Errorf("a run was taken up from a file that doesn't know what was done: %s", g.log)
	}
}
