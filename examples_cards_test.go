package runner_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/runfile"
)

// What is charged in [cards]: numbers for tests, and a code that no number of
// a run has by chance as a word of its own.
var (
	plantedCards = []string{"4051420006041115", "5454545454545454", "378282246310005"}
	plantedCode  = "9463"
)

// deniedAndLost is the second rehearsal of the example's README.
func deniedAndLost(t *testing.T, bin string) {
	d := newDesk(t, bin, "examples/payme-authorise-charges")
	out, code := d.rehearse(t, "declined=0.1", "lose_answer=0.05", "seed=2")
	if code != 3 || !strings.Contains(out, "Run unsettled: 36 succeeded, 2 failed, 2 in doubt.") || !strings.Contains(out, "The simulator counted 38 effects, 0 of them twice") {
		t.Errorf("exit code %d:\n%s", code, out)
	}
}

// cards charges cards while answers are lost, spoilt and denied, in a rehearsal
// and in a run of its own, and then searches every file and every stream.
func cards(t *testing.T, bin string) {
	d := newDesk(t, bin, "examples/payme-authorise-charges")
	d.env = append(d.env, "RUNNER_VAR_client_secret="+planted)

	list := filepath.Join(d.folder, "orders.csv")
	rows, err := os.ReadFile(list)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	rows = regexp.MustCompile(`(?m),\d{14,16},0328,1{3,4},`).ReplaceAllFunc(rows, func([]byte) []byte {
		n++
		return []byte("," + plantedCards[n%len(plantedCards)] + ",0328," + plantedCode + ",")
	})
	if err := os.WriteFile(list, rows, 0o600); err != nil || n != 40 {
		t.Fatalf("%d cards are planted, %v", n, err)
	}
	file := filepath.Join(d.folder, "authorise.ops.hcl")
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	source = regexp.MustCompile(`(?s)  canary \{.*?\n  \}`).ReplaceAll(source, []byte("  abort { max_failures = 40 }"))
	if err := os.WriteFile(file, source, 0o600); err != nil {
		t.Fatal(err)
	}

	trouble := []string{"declined=0.1", "lose_answer=0.1", "error500_after=0.1", "html=0.1", "truncated=0.1", "unsuccessful=0.1", "token_revoked=0.02"}
	out, code := d.rehearse(t, trouble...)
	printed := []string{out}
	if code != 3 || !strings.Contains(out, "pan, expiry_date, security_code: in no file") || !strings.Contains(out, "in doubt until a person settles it: no read can") {
		t.Errorf("exit code %d:\n%s", code, out)
	}
	sentOnce(t, d.record(t))

	// The same for good, as far as the runner knows.
	endpoint := payme(t, bin)
	for _, fault := range trouble {
		name, value, _ := strings.Cut(fault, "=")
		response, err := http.Post(endpoint+"/_simulator/fault?name="+name+"&value="+value, "", nil)
		if err != nil || response.StatusCode != http.StatusNoContent {
			t.Fatalf("%s: %v", fault, err)
		}
		response.Body.Close()
	}
	source = bytes.Replace(source, []byte("environment   = "), []byte("endpoint = \""+endpoint+"\"\n  environment   = "), 1)
	if err := os.WriteFile(file, source, 0o600); err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte(strings.Repeat("5f", 32)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	d.env = append(d.env, "RUNNER_FINGERPRINT_KEY_FILE="+key)
	for _, step := range []struct {
		code int
		args []string
	}{
		{0, []string{"plan", "--out", "cards.run", "."}},
		{3, []string{"apply", "--auto-approve", "--json", "cards.run"}},
		{0, []string{"show", "cards.run"}},
		{0, []string{"show", "--items", "--json", "cards.run"}},
	} {
		out, code := d.run(t, step.args...)
		if code != step.code {
			t.Fatalf("%s: exit code %d:\n%s", step.args, code, out)
		}
		printed = append(printed, out)
	}
	f, err := runfile.Open(filepath.Join(d.folder, "cards.run"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	doubted := sentOnce(t, f)
	for _, args := range [][]string{
		{"show", "--key", doubted, "cards.run"},
		{"resolve", "cards.run", "--key", doubted, "--as", "succeeded", "--reason", "found in the back office"},
	} {
		out, code := d.run(t, args...)
		if code != 0 {
			t.Errorf("%s: exit code %d:\n%s", args, code, out)
		}
		printed = append(printed, out)
	}

	for _, out := range printed {
		if what := cardIn([]byte(out)); what != "" {
			t.Errorf("%s was printed:\n%s", what, out)
		}
	}
	searched := 0
	for _, place := range d.places {
		err := filepath.WalkDir(place, func(path string, e fs.DirEntry, err error) error {
			if err != nil || !e.Type().IsRegular() {
				return err
			}
			b, err := os.ReadFile(path)
			what := cardIn(b)
			if (path == list) != (what != "") {
				t.Errorf("%s in %s: the search finds %q", filepath.Base(path), place, what)
			}
			searched++
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
	if searched < 6 { // the desk's three files, two run files, the state folder's note
		t.Errorf("%d files were searched", searched)
	}
}

// sentOnce holds every charge whose outcome isn't known to have been sent once
// and left alone, and returns the key of one.
func sentOnce(t *testing.T, f *runfile.File) (doubted string) {
	t.Helper()
	counts := map[plan.State]int{}
	for it, err := range f.Items(runfile.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		counts[it.State]++
		requests, err := f.Requests(it.ID)
		if err != nil {
			t.Fatal(err)
		}
		reached := 0
		for _, r := range requests {
			if r.Verb == "execute" && r.Outcome != "throttled" && r.Outcome != "not_sent" && r.Outcome != "unauthenticated" {
				reached++
			}
		}
		if it.State == plan.InDoubt {
			doubted = it.Key
		}
		if reached != 1 {
			t.Errorf("charge %s is %s after %d requests that reached it", it.Key, it.State, reached)
		}
	}
	if counts[plan.Succeeded] == 0 || counts[plan.Failed] == 0 || counts[plan.InDoubt] == 0 {
		t.Errorf("the run came to %v: nothing was shown", counts)
	}
	return doubted
}

// cardIn finds a planted card in what was written, in any form, and says what
// it found.
func cardIn(b []byte) string {
	for _, pan := range plantedCards {
		forms := []string{pan, pan[:4] + " " + pan[4:8] + " " + pan[8:12] + " " + pan[12:], pan[:4] + "-" + pan[4:8] + "-" + pan[8:12] + "-" + pan[12:], hex.EncodeToString([]byte(pan))}
		for shift := range 3 { // base64 may begin anywhere; what it makes of the number alone are whole groups
			encoded := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", shift) + pan))
			forms = append(forms, encoded[(shift+2)/3*4:(shift+len(pan))/3*4])
		}
		for _, form := range forms {
			if bytes.Contains(b, []byte(form)) {
				return "a card's number"
			}
		}
	}
	if regexp.MustCompile(`(^|[^0-9A-Za-z.])` + plantedCode + `($|[^0-9A-Za-z])`).Match(b) {
		return "a card's code"
	}
	return ""
}
