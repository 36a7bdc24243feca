package runner_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A workflow is a file of GitHub Actions, as far as docs/ci.md uses them. What
// it doesn't know fails the test.
type workflow struct {
	Name        string
	On          map[string]any
	Permissions map[string]string
	Concurrency struct {
		Group            string
		CancelInProgress bool `yaml:"cancel-in-progress"`
		Queue            string
	}
	Defaults struct{ Run struct{ Shell string } }
	Env      map[string]string
	Jobs     map[string]workflowJob
}

type workflowJob struct {
	Needs, If, Environment string
	RunsOn                 string `yaml:"runs-on"`
	Outputs                map[string]string
	Steps                  []workflowStep
}

type workflowStep struct {
	Name, ID, If, Uses, Run string
	Env, With               map[string]string
	TimeoutMinutes          int `yaml:"timeout-minutes"`
}

// A pipeline carries out jobs of a workflow.
type pipeline struct {
	t       *testing.T
	forge   *forge
	shop    *shop
	of      workflow
	run     string            // the workflow run's id
	values  map[string]string // of expressions
	summary string            // of the last job
}

func newPipeline(t *testing.T, f *forge, s *shop, name, run string) *pipeline {
	t.Helper()
	p := &pipeline{t: t, forge: f, shop: s, run: run, values: map[string]string{
		"github.token": forgeToken, "github.repository": "shop/ops", "github.event.pull_request.number": "7",
		"github.event.pull_request.head.repo.full_name": "shop/ops", "secrets.FIXED_HASH": shopSecret, "github.run_attempt": "1"}}
	ciFile(t, ".github/workflows/"+name+".yml", &p.of)
	if p.of.Defaults.Run.Shell != "bash" || p.of.Name != name {
		t.Fatalf("%s.yml: %+v", name, p.of)
	}
	return p
}

var expression = regexp.MustCompile(`\$\{\{ *(.*?) *\}\}`)

func (p *pipeline) value(name string) string {
	if quoted, ok := strings.CutPrefix(name, "'"); ok {
		return strings.TrimSuffix(quoted, "'")
	}
	v, ok := p.values[name]
	if !ok {
		p.t.Errorf("an expression asks for %s, which there isn't", name)
	}
	return v
}

func (p *pipeline) expand(s string) string {
	return expression.ReplaceAllStringFunc(s, func(m string) string { return p.value(expression.FindStringSubmatch(m)[1]) })
}

func (p *pipeline) holds(condition string, ok bool) bool {
	switch {
	case condition == "":
		return ok
	case condition == "always()":
		return true
	}
	a, b, found := strings.Cut(condition, " == ")
	if !found {
		p.t.Fatalf("what is %q?", condition)
	}
	return ok && p.value(a) == p.value(b)
}

// job carries out a job on a machine, and tells whether it succeeded. A job
// whose condition doesn't hold is skipped, which is a success.
func (p *pipeline) job(name string, meddle func(*machine)) (ok, ran bool) {
	p.t.Helper()
	job, found := p.of.Jobs[name]
	if !found || job.RunsOn == "" || job.Environment == "" {
		p.t.Fatalf("job %s: %+v", name, job)
	}
	if !p.holds(job.If, true) {
		return true, false
	}
	m := newMachine(p.t, p.forge, p.shop, map[string]string{
		"GITHUB_REPOSITORY": "shop/ops", "GITHUB_SHA": strings.Repeat("c", 40), "GITHUB_RUN_ID": p.run, "GITHUB_RUN_ATTEMPT": p.values["github.run_attempt"]})
	files := map[string]string{}
	for _, file := range []string{"GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_PATH"} {
		files[file] = filepath.Join(m.temp, file)
		m.env = append(m.env, file+"="+files[file])
	}
	m.env = append(m.env, "RUNNER_TEMP="+m.temp)
	for k, v := range p.of.Env {
		m.env = append(m.env, k+"="+p.expand(v))
	}
	if meddle != nil {
		meddle(m)
	}
	// What its jobs' steps may say: nothing until they have.
	for _, step := range job.Steps {
		if step.ID != "" {
			for _, out := range []string{"digest", "execute"} {
				p.values["steps."+step.ID+".outputs."+out] = ""
			}
		}
	}
	ok = true
	for _, step := range job.Steps {
		if m.lost {
			return false, true
		}
		if !p.holds(step.If, ok) {
			continue
		}
		if step.Uses != "" {
			ok = p.action(m, step) && ok
			continue
		}
		if expression.MatchString(step.Run) {
			p.t.Errorf("step %q puts an expression into its script, where it could be a command", step.Name)
		}
		for _, file := range files {
			os.WriteFile(file, nil, 0o600)
		}
		env := map[string]string{}
		for k, v := range step.Env {
			env[k] = p.expand(v)
		}
		if m.bash(step.Name, step.Run, env) != 0 {
			ok = false
		}
		said, _ := os.ReadFile(files["GITHUB_OUTPUT"])
		for _, line := range strings.Split(strings.TrimSpace(string(said)), "\n") {
			if k, v, found := strings.Cut(line, "="); found {
				p.values["steps."+step.ID+".outputs."+k] = v
			}
		}
		more, _ := os.ReadFile(files["GITHUB_PATH"])
		for _, folder := range strings.Fields(string(more)) {
			m.path = folder + string(os.PathListSeparator) + m.path
		}
		summary, _ := os.ReadFile(files["GITHUB_STEP_SUMMARY"])
		p.summary = string(summary) + p.summary
	}
	m.clean(p.forge)
	for k, v := range job.Outputs {
		p.values["needs."+name+".outputs."+k] = p.expand(v)
	}
	if testing.Verbose() {
		p.t.Logf("job %s: %v\n%s", name, ok, m.log.String())
	}
	return ok, true
}

// action does what an action of others does.
func (p *pipeline) action(m *machine, step workflowStep) bool {
	p.t.Helper()
	action, _, _ := strings.Cut(step.Uses, "@")
	switch action {
	case "actions/checkout":
		return true
	case "actions/upload-artifact":
		name := p.expand(step.With["name"])
		if _, there := p.forge.artifacts[p.run][name]; there && step.With["overwrite"] != "true" {
			p.t.Errorf("there is an artifact %s already", name)
		}
		some := p.forge.upload(p.t, p.run, name, m.work, strings.Fields(step.With["path"]))
		return some || step.With["if-no-files-found"] == "ignore"
	}
	p.t.Errorf("nobody knows %s", step.Uses)
	return false
}

// TestDocsGitHub carries out the workflows of docs/ci.md for GitHub: a pull
// request, its merge, and an apply that breaks off.
func TestDocsGitHub(t *testing.T) {
	t.Parallel()
	f := newForge(t)
	s := newShop(t)
	pull := func() (bool, string) {
		t.Helper()
		ok, ran := newPipeline(t, f, s, "plan", "100").job("plan", nil)
		delete(f.artifacts, "100")
		if !ran {
			t.Fatal("it wasn't planned")
		}
		return ok, f.ours(t)
	}

	// Each push brings the one comment up to date, whatever becomes of it.
	ok, comment := pull()
	if !ok || !strings.HasPrefix(comment, "<!-- runner plan: sha256:") || !strings.Contains(comment, "## Plan: 22 to execute, 1 unchanged, 1 skipped") {
		t.Errorf("%v: %s", ok, comment)
	}
	for name, c := range map[string]struct{ file, old, with, says string }{
		"a bad row":      {"ops/pending.csv", "1000.50", "1000.5o", "Error: Invalid decimal"},
		"another layout": {"ops/cancel.ops.hcl", "  type      = string", "type = string", "No plan: the log of the job says why."},
		"a wrong secret": {"ops/cancel.ops.hcl", `"kuanto"`, `"another"`, "## No plan: 1 error"},
	} {
		back := s.change(t, c.file, c.old, c.with)
		if ok, comment := pull(); ok || !strings.HasPrefix(comment, "<!-- runner plan: none -->\n") || !strings.Contains(comment, c.says) {
			t.Errorf("%s: %v: %s", name, ok, comment)
		}
		back()
	}
	if ok, comment := pull(); !ok || !strings.HasPrefix(comment, "<!-- runner plan: sha256:") {
		t.Errorf("%v: %s", ok, comment)
	}
	if n := s.cancelled(t); n != 0 {
		t.Errorf("planning cancelled %d orders", n)
	}

	// Nothing is carried out but what was reviewed.
	back := s.change(t, "ops/pending.csv", "1000.50", "1000.51")
	if ok, _ := newPipeline(t, f, s, "apply", "200").job("plan", nil); ok {
		t.Error("another plan was let through")
	}
	back()
	f.reviewed = false
	if ok, _ := newPipeline(t, f, s, "apply", "201").job("plan", nil); ok {
		t.Error("a plan that nobody reviewed was let through")
	}
	f.reviewed = true

	// The program is killed, and the next attempt carries on with its file.
	merge := newPipeline(t, f, s, "apply", "202")
	if merge.of.Concurrency.Group != "apply" || merge.of.Concurrency.CancelInProgress || merge.of.Jobs["apply"].Environment != "production" {
		t.Errorf("two applies may run at once, or without approval: %+v", merge.of.Concurrency)
	}
	if ok, _ := merge.job("plan", nil); !ok {
		t.Fatal("the plan was refused")
	}
	if ok, _ := merge.job("apply", func(m *machine) { m.killed("Apply", s, false) }); ok {
		t.Fatal("a job whose apply was killed succeeded")
	}
	if !strings.Contains(merge.summary, "## Run `running`") {
		t.Errorf("no report of what was broken off: %s", merge.summary)
	}
	// The machine of the second attempt is lost with its file, which knew more than the first one's.
	merge.values["github.run_attempt"] = "2"
	merge.job("apply", func(m *machine) { m.killed("Apply", s, true) })
	before := s.cancelled(t)
	merge.values["github.run_attempt"] = "3"
	if ok, _ := merge.job("apply", nil); ok || s.cancelled(t) != before {
		t.Error("a run was taken up from a file that doesn't know what was done")
	}

	// So it is merged anew. Its first machine is lost too; the plan is still there, and everything is read.
	merge = newPipeline(t, f, s, "apply", "203")
	if ok, _ := merge.job("plan", nil); !ok {
		t.Fatal("the plan was refused")
	}
	merge.job("apply", func(m *machine) { m.killed("Apply", s, true) })
	if len(f.artifacts["203"]) != 1 {
		t.Fatalf("a machine that was lost left %v", f.artifacts["203"])
	}
	merge.values["github.run_attempt"] = "2"
	if ok, _ := merge.job("apply", nil); !ok {
		t.Error("the second attempt failed")
	}
	if n := s.cancelled(t); n != orders-2 {
		t.Errorf("%d orders were cancelled, not %d", n, orders-2)
	}
	if !strings.Contains(merge.summary, "## Run `finished`") {
		t.Errorf("the report says %s", merge.summary)
	}

	// Nothing is left to be done, so nobody is asked.
	merge = newPipeline(t, f, s, "apply", "204")
	ok, _ = merge.job("plan", nil)
	if _, ran := merge.job("apply", nil); !ok || ran {
		t.Errorf("of a plan with nothing to execute: %v, %v", ok, ran)
	}
}
