package view

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"

	"golang.org/x/net/html"

	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/runfile"
)

// hostile is what an API, a list or a provider may say.
const hostile = "</script><script>document.title='pwned'</script><style>*{display:none}</style>--><!-- <img src=https://evil.invalid/x onerror=document.title='pwned'>" +
	"\" onload='document.title=1' \x1b]52;c;cHduZWQ=\a\x1b[2J\u009b31m\u202egnp.exe\u2066\u2028\u200b\xff {{.Run}} ]]> \\\" ` `` ``` | [x](https://evil.invalid) ![x](https://evil.invalid) @everyone #1 <b>"

// spoil puts s into every string that can be reached from v.
func spoil(v reflect.Value, s string) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			spoil(v.Elem(), s)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				spoil(v.Field(i), s)
			}
		}
	case reflect.Slice:
		if v.Type() != reflect.TypeFor[json.RawMessage]() {
			for i := range v.Len() {
				spoil(v.Index(i), s)
			}
		}
	case reflect.Map:
		for _, k := range v.MapKeys() { // their values; keys are states, currencies and verbs
			value := reflect.New(v.Type().Elem()).Elem()
			value.Set(v.MapIndex(k))
			spoil(value, s)
			v.SetMapIndex(k, value)
		}
	case reflect.String:
		v.SetString(s)
	}
}

// aReport is a small report with something of everything.
func aReport() *Report {
	at := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	op := OperationDocument{Address: "operation.fake_cancel.all", Provider: "provider.fake", List: "list.csv.things", Rows: 5, Matching: 4, RequestsPerSec: 10,
		Counts: map[string]int64{"succeeded": 1, "failed": 1, "incident": 1, "in_doubt": 1, "skipped": 1},
		Totals: map[string]map[string]string{"succeeded": {"COP": "12345678901.25"}, "failed": {"": "7"}},
		Reasons: []ReasonDocument{
			{State: "failed", Reason: "refused", Items: 1, Keys: []string{"b"}}, {State: "incident", Reason: "EXTORNADO", Items: 1, Keys: []string{"c"}},
			{State: "in_doubt", Reason: "lost", Items: 1, Keys: []string{"d"}}, {State: "skipped", Reason: "guard", Items: 1, Keys: []string{"e"}}}}
	p := newReportPace("provider.fake", 10)
	for i := range 50 {
		p.count(plan.Request{Item: 1, Verb: "execute", SentAt: at.Add(time.Duration(i) * 100 * time.Millisecond), SettledAt: at.Add(time.Duration(i)*100*time.Millisecond + 40*time.Millisecond), Outcome: "done"})
	}
	events := []plan.Event{
		{At: at, Kind: runfile.EventApplyStarted, Detail: "epoch 1"}, {At: at, Kind: EventApplied, Detail: "by ana@desk"},
		{At: at.Add(5 * time.Second), Kind: "throttled", Detail: "provider.fake: the API asked for a slower pace; nothing is sent for 2s"},
		{At: at.Add(8 * time.Second), Kind: "stopped", Detail: "operation.fake_cancel.all: incident"},
		{At: at.Add(10 * time.Second), Kind: "finished", Detail: "the apply ended: stopped"}}
	r := &Report{
		Document: &Document{Run: RunDocument{ID: "r1", State: "stopped", CreatedAt: at, Runner: "0.1.0", Digest: "sha256:6f1c",
			Providers: []runfile.Provider{{Address: "provider.fake", Name: "fake", Version: "0.1.0", Account: "M-1", Environment: "other", Rate: 10}},
			Lists:     []runfile.List{{Address: "list.csv.things", Source: "things.csv", Rows: 5}}, Counts: op.Counts}, Operations: []OperationDocument{op}},
		Paths: []string{"."}, Planned: map[string]map[string]int64{op.Address: {"planned": 4, "skipped": 1}}, Paces: []*ReportPace{p},
		Answers: []ReportAnswer{{Verb: "execute", Outcome: "done", Requests: 49}, {Verb: "execute", Outcome: "refused", Code: "409", Message: "closed", Requests: 1}},
		Events:  events, Total: 5,
		Items: []ReportItem{
			{0, "a", plan.Succeeded, "12345678901.25", "COP", "", 0, 1, at, "things.csv:2"}, {0, "b", plan.Failed, "7", "", "refused", 1, 2, at, "things.csv:3"},
			{0, "c", plan.Incident, "", "", "EXTORNADO", 0, 1, at, ""}, {0, "d", plan.InDoubt, "", "", "lost", 0, 1, at, ""}, {0, "e", plan.Skipped, "", "", "guard", 0, 0, at, ""}},
	}
	r.applies(events)
	p.account(r.Applies, events, []plan.Operation{{Address: op.Address, Provider: op.Provider}})
	return r
}

// spoiled is a report with hostile text in every field.
func spoiled() *Report {
	r := aReport()
	states := r.Operations[0].Reasons
	totals := r.Operations[0].Totals // exact decimals, or the file is refused
	r.Operations[0].Totals = nil
	keep := make([]string, len(states))
	for i := range states {
		keep[i] = states[i].State
	}
	spoil(reflect.ValueOf(r), hostile)
	for i := range states {
		states[i].State = keep[i] // what isn't a state would not be shown at all
	}
	r.Operations[0].Totals = totals
	for i, kind := range []string{"stopped", "continued"} {
		r.Events[i].Kind = kind
	}
	r.Planned = map[string]map[string]int64{hostile: {"planned": 4}}
	return r
}

func page(t *testing.T, r *Report, codes ...string) string {
	t.Helper()
	var b bytes.Buffer
	if err := r.page(&b, time.Date(2026, 11, 20, 13, 0, 0, 0, time.UTC), append([]string{uplotCode, reportCode}, codes...)...); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestReportIsText: whatever an API says is text in the page and nothing else;
// nothing is loaded from anywhere; what runs is what its policy names.
func TestReportIsText(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]*Report{"plain": aReport(), "hostile": spoiled()} {
		text := page(t, r)
		if !strings.HasPrefix(text, ReportHead) {
			t.Errorf("%s: it begins with %.60q", name, text)
		}
		for i, c := range text {
			if c != '\n' && c != '\t' && !unicode.IsPrint(c) && !strings.Contains(uplotCode, string(c)) {
				t.Errorf("%s: %U at %d: …%q", name, c, i, text[max(0, i-40):i])
				break
			}
		}
		z := html.NewTokenizer(strings.NewReader(text))
		var policy string
		scripts, styles := 0, 0
		for {
			kind := z.Next()
			if kind == html.ErrorToken {
				break
			}
			if kind != html.StartTagToken && kind != html.SelfClosingTagToken {
				continue
			}
			tag := z.Token()
			switch tag.Data {
			case "img", "iframe", "object", "embed", "link", "a", "b ", "base", "svg":
				t.Errorf("%s: an element <%s>", name, tag.Data)
			}
			id := ""
			for _, a := range tag.Attr {
				switch {
				case strings.HasPrefix(a.Key, "on"), a.Key == "src", a.Key == "href", a.Key == "style", a.Key == "srcdoc", a.Key == "action":
					t.Errorf("%s: <%s %s=…>", name, tag.Data, a.Key)
				case a.Key == "content" && strings.Contains(a.Val, "default-src"):
					policy = a.Val
				case a.Key == "id":
					id = a.Val
				}
			}
			if tag.Data != "script" && tag.Data != "style" {
				continue
			}
			z.Next()
			content := string(z.Raw())
			if id == "data" {
				var data struct{ Items [][]any }
				if err := json.Unmarshal([]byte(content), &data); err != nil || len(data.Items) != 5 {
					t.Errorf("%s: the data: %d items, %v", name, len(data.Items), err)
				}
				continue
			}
			if tag.Data == "script" {
				scripts++
			} else {
				styles++
			}
			sum := sha256.Sum256([]byte(content))
			if hash := base64.StdEncoding.EncodeToString(sum[:]); !strings.Contains(policy, tag.Data+"-src 'sha256-") || !strings.Contains(policy, hash) {
				t.Errorf("%s: the policy doesn't name a %s of %d bytes, %s", name, tag.Data, len(content), hash)
			}
		}
		if scripts != 2 || styles != 2 {
			t.Errorf("%s: %d scripts and %d styles", name, scripts, styles)
		}
		if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: the policy is %q", name, policy)
		}
	}
}

// TestReportMarkdownIsText: Markdown takes nothing of what an API says for its own.
func TestReportMarkdownIsText(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]*Report{"plain": aReport(), "hostile": spoiled()} {
		var b strings.Builder
		if err := r.Markdown(&b, time.Now()); err != nil {
			t.Fatal(err)
		}
		onlyOurs(t, name, b.String())
	}
}

// onlyOurs holds what Markdown would take of a text against our own words: what
// is foreign stands in code spans and in fenced blocks.
func onlyOurs(t *testing.T, name, text string) {
	t.Helper()
	block := "" // the fence of the one that is open
	for n, line := range strings.Split(text, "\n") {
		for _, c := range line {
			if !unicode.IsPrint(c) {
				t.Errorf("%s: line %d: %U", name, n+1, c)
			}
		}
		fence := line[:len(line)-len(strings.TrimLeft(line, "`"))]
		switch {
		case block != "" && line == block:
			block = ""
			continue
		case block != "":
			if len(fence) >= len(block) {
				t.Errorf("%s: line %d ends a block: %q", name, n+1, line)
			}
			continue
		case len(fence) >= 3 && strings.Trim(line, "`abcdefghijklmnopqrstuvwxyz") == "":
			block = fence
			continue
		}
		// What remains without the code spans is our own.
		rest := line
		for {
			at := strings.IndexByte(rest, '`')
			if at < 0 {
				break
			}
			fence := rest[at : at+len(rest[at:])-len(strings.TrimLeft(rest[at:], "`"))]
			body := rest[at+len(fence):]
			end := -1
			for from := 0; from < len(body); {
				i := strings.IndexByte(body[from:], '`')
				if i < 0 {
					break
				}
				run := len(body[from+i:]) - len(strings.TrimLeft(body[from+i:], "`"))
				if run == len(fence) {
					end = from + i
					break
				}
				from += i + run
			}
			if end < 0 {
				t.Errorf("%s: line %d: a code span that doesn't end: %q", name, n+1, line)
				break
			}
			if strings.Contains(body[:end], "|") {
				t.Errorf("%s: line %d: a cell's end in %q", name, n+1, body[:end])
			}
			rest = rest[:at] + body[end+len(fence):]
		}
		if strings.ContainsAny(rest, "<>[]@`") || strings.Contains(rest, "pwned") || strings.Contains(rest, "evil") {
			t.Errorf("%s: line %d: %q", name, n+1, rest)
		}
	}
	if block != "" {
		t.Errorf("%s: a block that doesn't end", name)
	}
}

// TestReportInChromium opens the page in a browser, hostile text and all: its
// charts and its table are drawn, its search finds, and nothing else runs.
func TestReportInChromium(t *testing.T) {
	browser, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("skipped: there is no chromium to open the report with")
	}
	// The policy names this script as it names the page's own.
	const probe = `{
const search = document.getElementById("search"), rows = document.getElementById("rows");
const out = [document.querySelectorAll(".chart canvas").length, rows.children.length];
search.value = "WANTED"; search.dispatchEvent(new Event("input"));
out.push(rows.children.length, rows.children.length && rows.children[0].children[0].textContent.length > 0);
search.value = "nothing has this"; search.dispatchEvent(new Event("input"));
out.push(rows.children.length, document.images.length);
document.body.setAttribute("data-probe", out.join(" "));
}`
	for name, r := range map[string]*Report{"plain": aReport(), "hostile": spoiled()} {
		wanted := "EXTOR"
		if name == "hostile" {
			wanted = "pwned"
		}
		text := page(t, r, strings.Replace(probe, "WANTED", wanted, 1))
		// A script and a handler that the policy doesn't name, as if text had
		// become one.
		text = strings.Replace(text, "</body>", `<script>document.title="pwned"</script><img src="x" onerror="document.title='pwned'"></body>`, 1)
		path := filepath.Join(t.TempDir(), "report.html")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
		defer cancel()
		cmd := exec.CommandContext(ctx, browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--user-data-dir="+t.TempDir(), "--virtual-time-budget=2000",
			"--enable-logging=stderr", "--window-size=1000,800", "--dump-dom", "file://"+path)
		var said bytes.Buffer
		cmd.Stderr = &said
		dom, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v\n%s", err, said.String())
		}
		want := `data-probe="2 5 1 true 0 0"`
		if name == "hostile" {
			want = `data-probe="2 5 5 true 0 0"`
		}
		if !bytes.Contains(dom, []byte(want)) {
			t.Errorf("%s: the page says %s, want %s\n%s", name, regexp.MustCompile(`data-probe="[^"]*"`).Find(dom), want, console(said.String()))
		}
		if bytes.Contains(dom, []byte("<title>pwned")) {
			t.Errorf("%s: a script ran that the policy doesn't name", name)
		}
		// The two that were put in, and nothing of the page's own.
		if n := strings.Count(console(said.String()), "Content Security Policy"); n != 3 {
			t.Errorf("%s: %d complaints of the policy, want 3:\n%s", name, n, console(said.String()))
		}
	}
}

// console is what a page said to its browser's console.
func console(said string) string {
	var lines []string
	for _, l := range strings.Split(said, "\n") {
		if strings.Contains(l, "CONSOLE") {
			lines = append(lines, l)
		}
	}
	return strings.Join(lines, "\n")
}

// TestReportTime: the parts of an apply's time are told apart, and add up.
func TestReportTime(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	at := func(s float64) time.Time { return start.Add(time.Duration(s * float64(time.Second))) }
	event := func(s float64, kind, detail string) plan.Event {
		return plan.Event{At: at(s), Kind: kind, Detail: detail}
	}
	ops := []plan.Operation{{ID: 1, Address: "operation.fake_cancel.all", Provider: "provider.fake"}}
	events := []plan.Event{
		event(-9, "throttled", "provider.fake: the API asked for a slower pace; nothing is sent for 1h"), // by the plan's reads
		event(-9, "slowed", "provider.fake: after a refusal for pace, requests go at 1 a second"),
		event(0, runfile.EventApplyStarted, "epoch 1"),
		event(0, EventApplied, "by ana@desk"),
		event(10, "throttled", "provider.fake: the API asked for a slower pace; nothing is sent for 5s"),
		event(10, "slowed", "provider.fake: after a refusal for pace, requests go at 7 a second"),
		event(12, "unreachable", "provider.fake: the API can't be reached; nothing is sent for 6s"), // 3s of it are the Retry-After's
		event(12, "throttled", "provider.other: the API asked for a slower pace; nothing is sent for 5s"),
		event(38, "recovered", "provider.fake: requests go at the file's limit of 10 a second again"),
		event(40, "controlled", "pause by ana@desk: lunch"),
		event(50, "controlled", "resume operation.fake_cancel.all by ana@desk"),
		event(60, "provider_ended", "provider.fake: it was killed"),
		event(62, "provider_restarted", "provider.fake: it runs again"),
		event(70, "finished", "the apply ended: interrupted"),
		event(75, "resolved", "operation.fake_cancel.all \"a\": done"), // between applies
		event(100, runfile.EventApplyStarted, "epoch 2"),
	}
	r := &Report{}
	r.applies(events)
	p := newReportPace("provider.fake", 10)
	send := func(from, to, rate float64) {
		for s := from; s < to-1e-9; s += 1 / rate {
			q := plan.Request{Verb: "execute", SentAt: at(s), SettledAt: at(s + 0.05), Outcome: "done"}
			p.count(q)
			r.saw(q.SettledAt)
		}
	}
	send(0, 10, 10)    // at the limit
	send(18, 38, 5)    // slowed to half of it
	send(50, 60, 10)   // at the limit
	send(62, 70, 5)    // slower, and nobody says why
	send(100, 104, 10) // and broken off
	r.ends(runfile.StateRunning)
	p.account(r.Applies, events, ops)

	if len(r.Applies) != 2 || r.Applies[0].By != "ana@desk" || r.Applies[0].State != "interrupted" || r.Applies[1].State != "running, or broken off" || r.Applies[1].Ended.Sub(at(103.95)).Abs() > time.Millisecond {
		t.Errorf("applies: %+v", r.Applies)
	}
	near := func(what string, got time.Duration, want float64) {
		if d := got.Seconds() - want; d < -0.2 || d > 0.2 {
			t.Errorf("%s: %v, want %vs", what, got, want)
		}
	}
	near("the whole", p.Spent.Whole, 74)
	near("at the limit", p.Spent.AtLimit, 10+10+10+4+4)
	near("slowed", p.Spent.Slowed, 10)
	near("the rest", p.Spent.Rest, 4+2) // 66 to 70 wasn't used, nor 38 to 40
	var waits []string
	for _, w := range p.Spent.Waits {
		waits = append(waits, fmt.Sprintf("%s %d %s", w.Why, w.Times, w.Took))
	}
	want := []string{"paused by a person 1 10s", "the API asked for a slower pace 1 5s", "the API can't be reached 1 3s", "the provider's process was started again 1 2s"}
	if !reflect.DeepEqual(waits, want) {
		t.Errorf("waits:\n%s\nwant:\n%s", strings.Join(waits, "\n"), strings.Join(want, "\n"))
	}
	if sum := p.Spent.AtLimit + p.Spent.Waited() + p.Spent.Slowed + p.Spent.Rest; (sum - p.Spent.Whole).Abs() > 300*time.Millisecond {
		t.Errorf("the parts add up to %v of %v", sum, p.Spent.Whole)
	}
}

// TestLatency: quantiles are at most a twentieth above the true ones.
func TestLatency(t *testing.T) {
	t.Parallel()
	var l Latency
	for i := range 1000 {
		l.add(time.Duration(i+1) * time.Millisecond)
	}
	for share, want := range map[float64]time.Duration{0.5: 500 * time.Millisecond, 0.9: 900 * time.Millisecond, 0.99: 990 * time.Millisecond, 1: time.Second} {
		if got := l.Quantile(share); got < want || got > want*21/20 {
			t.Errorf("%v: %v, want %v", share, got, want)
		}
	}
	var sum int64
	for _, n := range l.Buckets() {
		sum += n
	}
	if sum != l.Answers || sum != 1000 {
		t.Errorf("%d answers in the buckets, %d counted", sum, l.Answers)
	}
}

// TestReportOfMany: a report of more items than its table holds has all that
// did not go well, and every so-manieth of the rest.
func TestReportOfMany(t *testing.T) {
	t.Parallel()
	const items, failures = 250_000, 3000
	path := filepath.Join(t.TempDir(), "many.run")
	d, err := runfile.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Discard()
	at := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	op := plan.Operation{Address: "operation.fake_cancel.all", Provider: "provider.fake", Type: "cancel", List: "list.csv.things", Rows: items, Matching: items}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(d.SetRun(runfile.Run{ID: "r1", CreatedAt: at, RunnerVersion: "0.1.0", Digest: "sha256:6f1c", State: runfile.StateUnusable,
		Providers: []runfile.Provider{{Address: "provider.fake", Name: "fake", Rate: 10}}}))
	check(d.AddOperation(&op))
	batch := make([]plan.Item, 1000)
	for n := 0; n < items; n += len(batch) {
		for i := range batch {
			batch[i] = plan.Item{Operation: op.ID, Key: fmt.Sprint(n + i), Row: int64(n + i), State: plan.Unchanged, UpdatedAt: at}
			if (n+i)%(items/failures) == 0 && (n+i)/(items/failures) < failures {
				batch[i].State, batch[i].Reason = plan.Invalid, "no amount"
			}
		}
		check(d.Add(batch))
	}
	check(d.Commit())
	f, err := runfile.Open(path)
	check(err)
	defer f.Close()
	r, err := NewReport(f)
	check(err)
	bad := 0
	for _, it := range r.Items {
		if it.State == plan.Invalid {
			bad++
		}
	}
	if r.Total != items || bad != failures || r.Sampled < 2 || r.Cut || len(r.Items) > mostItems || len(r.Items) < mostItems/2 {
		t.Errorf("%d items of %d, %d of %d that did not go well, every %dth of the rest, cut: %v", len(r.Items), r.Total, bad, failures, r.Sampled, r.Cut)
	}
	text := page(t, r)
	if want := fmt.Sprintf("Of 250,000 items the table holds all that did not go well and every %dth of the others.", r.Sampled); !strings.Contains(text, want) {
		t.Errorf("the page doesn't say: %s", want)
	}
	if len(text) > 20<<20 {
		t.Errorf("the page has %d bytes", len(text))
	}
}
