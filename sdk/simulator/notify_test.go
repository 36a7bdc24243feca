package simulator

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestNotify(t *testing.T) {
	t.Parallel()
	for setting, want := range map[string][]string{
		"notify_twice=0": {"1!", "2!", "3!"},
		"notify_twice=1": {"1!", "1!", "2!", "2!", "3!", "3!"},
	} {
		came := make(chan string, 10)
		listener := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			came <- string(body) + r.Header.Get("Mark")
			fmt.Fprintf(w, "OK %s", body)
		}))
		answers := make(chan string, 10)
		f := newThings()
		f.Notify(Notification{Body: []byte("0")}) // nobody is told
		set(t, f, "notify="+listener.URL+"/hook", setting)
		for n := range 3 {
			f.Notify(Notification{Thing: "A", Body: []byte(fmt.Sprint(n + 1)), Header: http.Header{"Mark": {"!"}}, Answered: func(b []byte) { answers <- string(b) }})
		}
		var got, said []string
		for range want {
			got, said = append(got, wait(t, came)), append(said, wait(t, answers))
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: %s", setting, d)
		}
		for i, s := range said {
			if s+"!" != "OK "+want[i] {
				t.Errorf("%s: the listener's answer came as %q", setting, s)
			}
		}
		listener.Close()
		// Nobody listens any more, and nobody is held up by that.
		f.Notify(Notification{Thing: "A", Answered: func(b []byte) { answers <- string(b) }})
		if s := wait(t, answers); s != "" {
			t.Errorf("%s: nobody answered %q", setting, s)
		}
		if setting == "notify_twice=1" {
			wait(t, answers)
		}
	}
}

func wait(t *testing.T, c <-chan string) string {
	t.Helper()
	select {
	case s := <-c:
		return s
	case <-time.After(5 * time.Second):
		t.Fatal("nothing came")
		return ""
	}
}
