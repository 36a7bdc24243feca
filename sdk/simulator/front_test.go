package simulator

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/bulkrunner/runner/sdk"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

var (
	odd    = Share("odd", "Share of things that are odd.")
	colour = Word("colour", "What colour they have.", "red", "", "blue")
	age    = Duration("age", "How old they are.", time.Hour)
	count  = Number("count", "How many there are.", 3, 1, 9)
	name   = Text("name", "What they are called.", "it", func(v string) error {
		if v == "" {
			return errors.New("write a name")
		}
		return nil
	})
	own = []Toggle{odd, colour, age, count, name, List, NotifyURL, NotifyTwice}
)

// A things is an API in which every request but those to /token has an effect.
func newThings() *Front {
	var f *Front
	f = NewFront(own, func(r *http.Request) Task {
		if r.URL.Path == "/token" {
			return Task{Spared: true, Answer: func(*Fate) Answer { return JSON(200, "token") }}
		}
		thing := strings.TrimPrefix(r.URL.Path, "/")
		return Task{Thing: thing, Answer: func(fate *Fate) Answer {
			f.Effect(thing)
			return JSON(201, map[string]any{"thing": thing, "odd": fate.Befalls(odd), "colour": colour.In(fate)})
		}}
	})
	f.Now = func() time.Time { return noon }
	return f
}

func set(t *testing.T, f *Front, settings ...string) {
	t.Helper()
	for _, s := range settings {
		name, value, _ := strings.Cut(s, "=")
		if err := f.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
}

func ask(f *Front, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	f.ServeHTTP(w, httptest.NewRequest(http.MethodPost, path, nil))
	return w
}

// What each fault of every front does, twice in a row, on a real connection:
// what the caller gets, and whether there was an effect.
func TestCommonFaults(t *testing.T) {
	t.Parallel()
	const whole = `{"colour":"red","odd":false,"thing":"A"}`
	for fault, c := range map[string]struct {
		got    [2]string
		effect bool
	}{
		"reset_before":    {[2]string{"reset", "reset"}, false},
		"throttle":        {[2]string{"429 1", "429 Fri, 20 Nov 2026 12:00:02 GMT"}, false},
		"error500_before": {[2]string{"500 ", "500 "}, false},
		"lose_answer":     {[2]string{"EOF", "EOF"}, true},
		"error500_after":  {[2]string{"500 ", "500 "}, true},
		"html":            {[2]string{"200 <html>", "502 <html>"}, true},
		"truncated":       {[2]string{"unexpected EOF", "201 " + whole[:len(whole)/2]}, true},
		"odd":             {[2]string{"201 " + strings.Replace(whole, "false", "true", 1), "201 " + strings.Replace(whole, "false", "true", 1)}, true},
		"slow":            {[2]string{"201 " + whole, "201 " + whole}, true},
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			f := newThings()
			set(t, f, fault+"="+map[bool]string{true: "1ms", false: "1"}[fault == "slow"])
			server := httptest.NewUnstartedServer(f)
			server.Config.ErrorLog = log.New(io.Discard, "", 0)
			server.Start()
			defer server.Close()
			client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
			for i, want := range c.got {
				if got := seen(client.Post(server.URL+"/A", "", nil)); got != want {
					t.Errorf("request %d: %s, not %s", i+1, got, want)
				}
			}
			want := sdk.Ledger{Requests: 2, Effects: map[string]int{}}
			if c.effect {
				want.Effects["A"] = 2
			}
			if d := cmp.Diff(want, f.Ledger()); d != "" {
				t.Error(d)
			}
			if got := seen(client.Post(server.URL+"/token", "", nil)); got != `200 "token"` {
				t.Errorf("what is spared gets %s", got)
			}
		})
	}
}

// seen is what a caller makes of an answer.
func seen(r *http.Response, err error) string {
	switch {
	case errors.Is(err, syscall.ECONNRESET):
		return "reset"
	case err != nil:
		return errors.Unwrap(err).Error()
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	text := string(body)
	switch {
	case err != nil:
		text = err.Error()
		return text
	case r.StatusCode == http.StatusTooManyRequests:
		text = r.Header.Get("Retry-After")
	case strings.HasPrefix(text, "<html>"):
		text = "<html>"
	}
	return fmt.Sprintf("%d %s", r.StatusCode, text)
}

// A date in Retry-After counts from the answer's own Date.
func TestThrottleDate(t *testing.T) {
	t.Parallel()
	f := newThings()
	set(t, f, "throttle=1")
	ask(f, "/A")
	w := ask(f, "/A")
	at, err := http.ParseTime(w.Header().Get("Retry-After"))
	if err != nil {
		t.Fatal(err)
	}
	if now, err := http.ParseTime(w.Header().Get("Date")); err != nil || at.Sub(now) != 2*time.Second {
		t.Errorf("%v", w.Header())
	}
}

// No second holds more than the limit, however it is cut, and what is refused
// doesn't count. Nothing is spared.
func TestLimit(t *testing.T) {
	t.Parallel()
	f := newThings()
	set(t, f, "limit=3")
	var admitted, want []time.Duration
	for ms := time.Duration(0); ms < 3000; ms += 100 {
		f.Now = func() time.Time { return noon.Add(ms * time.Millisecond) }
		if ask(f, "/token").Code == http.StatusOK {
			admitted = append(admitted, ms)
		}
	}
	for s := range time.Duration(3) {
		want = append(want, s*1000, s*1000+100, s*1000+200)
	}
	if d := cmp.Diff(want, admitted); d != "" {
		t.Error(d)
	}
	if n := f.Ledger().Requests; n != 30 {
		t.Errorf("the ledger has %d requests of 30", n)
	}
}

// The same seed hits the same attempts at the same things, in whatever order
// they come, and about as many as was asked for; one fault doesn't move
// another.
func TestDice(t *testing.T) {
	t.Parallel()
	hit := func(things []int, settings ...string) []string {
		f := newThings()
		set(t, f, append(settings, "error500_before=0.3")...)
		var hits []string
		for _, i := range things {
			for attempt := range 3 {
				if ask(f, fmt.Sprintf("/A%d", i)).Code == http.StatusInternalServerError {
					hits = append(hits, fmt.Sprintf("A%d/%d", i, attempt))
				}
			}
		}
		slices.Sort(hits)
		return hits
	}
	up := make([]int, 400)
	for i := range up {
		up[i] = i
	}
	down := slices.Clone(up)
	slices.Reverse(down)
	first := hit(up, "seed=7")
	if d := cmp.Diff(first, hit(down, "seed=7")); d != "" {
		t.Error("another order of requests, other faults: " + d)
	}
	if d := cmp.Diff(first, hit(up, "seed=7", "odd=0.5", "html=0.5")); d != "" {
		t.Error("another fault moves this one: " + d)
	}
	if slices.Equal(first, hit(up, "seed=8")) {
		t.Error("another seed, the same faults")
	}
	if !slices.ContainsFunc(first, func(h string) bool {
		thing, attempt, _ := strings.Cut(h, "/")
		return attempt == "0" && !slices.Contains(first, thing+"/1")
	}) {
		t.Error("a fault befalls all attempts at a thing or none")
	}
	if n := len(first); n < 300 || n > 420 {
		t.Errorf("%d of 1200 requests are hit, not some 360", n)
	}
}

// What a request never named has a fate too, always the same; nothing befalls
// what is still.
func TestFate(t *testing.T) {
	t.Parallel()
	f := newThings()
	set(t, f, "odd=0.1", "colour=blue")
	hits := 0
	for i := range 1000 {
		thing := fmt.Sprint(i)
		befell := f.Fate(thing).Befalls(odd)
		if befell {
			hits++
		}
		if f.Fate(thing).Befalls(odd) != befell {
			t.Fatal("asked twice it is another fate")
		}
		if still := f.Fate(thing).Still(); still.Befalls(odd) || colour.In(still) != "blue" {
			t.Fatal("what is still isn't, or has lost its switches")
		}
	}
	if hits < 70 || hits > 130 {
		t.Errorf("%d of 1000, not some 100", hits)
	}
}

func TestSwitches(t *testing.T) {
	t.Parallel()
	f := newThings()
	for _, bad := range []string{
		"odd=1.5", "odd=-0.1", "odd=NaN", "odd=often", "slow=fast", "slow=-1s", "limit=-1", "limit=many", "seed=-1", "seed=x",
		"colour=green", "age=-1s", "count=0", "count=10", "name=", "nothing=1",
		"notify=https://127.0.0.1/", "notify=http://example.com/", "notify=http://u:p@127.0.0.1/", "notify=http://localhost/", "notify=127.0.0.1:80", "notify=:",
	} {
		name, value, _ := strings.Cut(bad, "=")
		if err := f.Set(name, value); err == nil {
			t.Errorf("%s is accepted", bad)
		}
	}
	if err := f.Set("nothing", "1"); err == nil || !strings.Contains(err.Error(), "lose_answer") {
		t.Errorf("%v doesn't say which faults there are", err)
	}
	fate := f.Fate("x")
	if colour.In(fate) != "red" || age.In(fate) != time.Hour || count.In(fate) != 3 || name.In(fate) != "it" {
		t.Error("a switch that nobody set isn't as usual")
	}
	set(t, f, "colour=", "age=90m", "count=9", "name=that", "seed=18446744073709551615", "notify=http://[::1]:9000/x", "notify=")
	after := f.Fate("x")
	if colour.In(after) != "" || age.In(after) != 90*time.Minute || count.In(after) != 9 || name.In(after) != "that" {
		t.Error("a switch isn't as it was set")
	}
	if colour.In(fate) != "red" {
		t.Error("a fate changes with the switches")
	}
	var names []string
	for _, described := range Faults(own) {
		names = append(names, described.Name)
		if described.Doc == "" {
			t.Errorf("%s is undocumented", described.Name)
		}
		if err := f.Set(described.Name, described.Default); err != nil {
			t.Errorf("the default of %s: %v", described.Name, err)
		}
	}
	want := []string{
		"reset_before", "throttle", "error500_before", "lose_answer", "error500_after", "html", "truncated", "slow", "limit",
		"odd", "colour", "age", "count", "name", "list", "notify", "notify_twice", "seed",
	}
	if d := cmp.Diff(want, names); d != "" {
		t.Error(d)
	}
	for d, text := range map[time.Duration]string{0: "0s", time.Hour: "1h", 90 * time.Minute: "1h30m", 10 * time.Minute: "10m", 20 * time.Hour: "20h", 90 * time.Second: "1m30s"} {
		if got := Duration("d", "d", d).described().Default; got != text {
			t.Errorf("%s is written as %s", text, got)
		}
	}
}

func TestBody(t *testing.T) {
	t.Parallel()
	for size, ok := range map[int]bool{0: true, 64 << 10: true, 64<<10 + 1: false} {
		body, err := Body(httptest.NewRequest(http.MethodPost, "/", strings.NewReader(strings.Repeat("x", size))))
		if (err == nil) != ok || ok && len(body) != size {
			t.Errorf("%d bytes: %d, %v", size, len(body), err)
		}
	}
}

func TestAppendText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"": `,"x":""`, "A-1": `,"x":"A-1"`, `"\` + "\x00é": `,"x":"\"\\\u0000é"`} {
		if got := string(AppendMember(nil, "x", text)); got != want {
			t.Errorf("%q is written as %s", text, got)
		}
	}
}

// What a front costs beside net/http: run it with -benchmem.
func BenchmarkFront(b *testing.B) {
	f := NewFront(own, func(*http.Request) Task {
		return Task{Thing: "A", Answer: func(*Fate) Answer { return Answer{Status: 200, Body: []byte("{}")} }}
	})
	w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/A", nil)
	b.ReportAllocs()
	for b.Loop() {
		w.Body.Reset()
		f.ServeHTTP(w, r)
	}
}
