package simulator

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNotify(t *testing.T) {
	t.Parallel()
	for setting, want := range map[string][]string{
		"notify_twice=0": {"1!", "2!", "3!"},
		"notify_twice=1": {"1!", "1!", "2!", "2!", "3!", "3!"},
	} {
		var came, answers []string // one after the other, so that nothing guards them
		listener := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			came = append(came, string(body)+r.Header.Get("Mark"))
			fmt.Fprintf(w, "OK %s", body)
		}))
		f := newThings()
		f.Notify(Notification{Body: []byte("0")}) // nobody is told
		set(t, f, "notify="+listener.URL+"/hook", setting)
		for n := range 3 {
			f.Notify(Notification{Thing: "A", Body: []byte(fmt.Sprint(n + 1)), Header: http.Header{"Mark": {"!"}}, Answered: func(b []byte) { answers = append(answers, string(b)) }})
		}
		f.Delivered()
		if d := cmp.Diff(want, came); d != "" {
			t.Errorf("%s: %s", setting, d)
		}
		if len(answers) != len(want) {
			t.Errorf("%s: the listener's answers came as %q", setting, answers)
		}
		for i, a := range answers {
			if a+"!" != "OK "+want[i] {
				t.Errorf("%s: the listener's answer came as %q", setting, a)
			}
		}
		listener.Close()
		// Nobody listens any more, and nobody is held up by that.
		answers = nil
		f.Notify(Notification{Thing: "A", Answered: func(b []byte) { answers = append(answers, string(b)) }})
		f.Delivered()
		if len(answers) == 0 || answers[0] != "" {
			t.Errorf("%s: nobody answered %q", setting, answers)
		}
		f.Delivered() // at once
	}
}
