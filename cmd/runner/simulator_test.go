package main

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/runfile"
	"github.com/bulkrunner/runner/sdk"
)

// A simulator is a provider's API in a process of its own, so that the runner
// and the provider may die without it.
type simulator struct {
	endpoint string
	stop     func()
}

var simulatorClient = &http.Client{Timeout: 10 * time.Second}

// startSimulator starts program with its faults on and waits for its endpoint.
func startSimulator(program, config string, faults ...string) (*simulator, error) {
	args := []string{"simulate", "--config", config}
	for _, f := range faults {
		args = append(args, "--fault", f)
	}
	cmd := exec.Command(program, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &simulator{stop: func() { stdin.Close(); cmd.Process.Kill(); cmd.Wait() }}
	var says struct{ Endpoint string }
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &says)
	}
	if err != nil {
		s.stop()
		return nil, fmt.Errorf("start %s: %w: %s", program, err, stderr.Bytes())
	}
	s.endpoint = says.Endpoint
	return s, nil
}

func (s *simulator) post(path string, body []byte) error {
	res, err := simulatorClient.Post(s.endpoint+"/_simulator/"+path, "application/json", bytes.NewReader(body))
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if text, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusNoContent {
		return fmt.Errorf("%s: %s %s", path, res.Status, text)
	}
	return nil
}

func (s *simulator) ledger() (l sdk.Ledger, err error) {
	res, err := simulatorClient.Get(s.endpoint + "/_simulator/ledger")
	if err != nil {
		return l, err
	}
	defer res.Body.Close()
	return l, json.NewDecoder(res.Body).Decode(&l)
}

// seeds makes what the simulator is told from a list: an argument for each
// column but is, which is the thing's state.
func seeds(operation string, list io.Reader) ([]byte, error) {
	table, err := csv.NewReader(list).ReadAll()
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	for _, row := range table[1:] {
		arguments := map[string]string{}
		for n, column := range table[0] {
			arguments[column] = row[n]
		}
		state := arguments["is"]
		delete(arguments, "is")
		if err := enc.Encode(map[string]any{"operation": operation, "arguments": arguments, "state": state}); err != nil {
			return nil, err
		}
	}
	return out.Bytes(), nil
}

func simulate(ts *testscript.TestScript, _ bool, args []string) {
	program, err := exec.LookPath("runner-provider-fake")
	ts.Check(err)
	s, err := startSimulator(program, `{"token":"t0ken"}`, args...)
	ts.Check(err)
	ts.Defer(s.stop)
	ts.Setenv("ENDPOINT", s.endpoint)
	ts.Setenv("RUNNER_VAR_endpoint", s.endpoint)
	ts.Setenv("RUNNER_VAR_token", "t0ken")
}

func simulatorOf(ts *testscript.TestScript) *simulator {
	endpoint := ts.Getenv("ENDPOINT")
	if endpoint == "" {
		ts.Fatalf("simulate comes first")
	}
	return &simulator{endpoint: endpoint}
}

func fault(ts *testscript.TestScript, _ bool, args []string) {
	for _, a := range args {
		name, value, _ := strings.Cut(a, "=")
		ts.Check(simulatorOf(ts).post("fault?"+url.Values{"name": {name}, "value": {value}}.Encode(), nil))
	}
}

func number(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	var out strings.Builder
	out.WriteString("id,amount\n")
	for i := range n {
		fmt.Fprintf(&out, "T-%06d,%d.%02d\n", i+1, i%997+1, i%100)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(out.String()), 0o600))
}

func seed(ts *testscript.TestScript, _ bool, args []string) {
	lines, err := seeds("cancel", strings.NewReader(ts.ReadFile(args[0])))
	ts.Check(err)
	ts.Check(simulatorOf(ts).post("seed", lines))
}

func effects(ts *testscript.TestScript, neg bool, args []string) {
	l, err := simulatorOf(ts).ledger()
	ts.Check(err)
	if len(args) == 2 && args[0] == "of" {
		err := agree(l.Effects, ts.MkAbs(args[1]))
		if (err == nil) == neg {
			ts.Fatalf("the API against %s: %v", filepath.Base(args[1]), err)
		}
		return
	}
	want := map[string]int{}
	for _, a := range args {
		key, n, _ := strings.Cut(a, "=")
		want[key], err = strconv.Atoi(n)
		ts.Check(err)
	}
	maps.DeleteFunc(l.Effects, func(_ string, n int) bool { return n == 0 })
	if d := cmp.Diff(want, l.Effects); d != "" {
		ts.Fatalf("effects (-want +got):\n%s", d)
	}
}

// agree holds the API's count of effects against the run file: each item that
// succeeded has had its effect once, one in doubt or an incident may have had
// it once, and no other has.
func agree(effects map[string]int, runFile string) error {
	f, err := runfile.Open(runFile)
	if err != nil {
		return err
	}
	defer f.Close()
	var wrong []string
	left, items := maps.Clone(effects), 0
	for it, err := range f.Items(runfile.Filter{}) {
		if err != nil {
			return err
		}
		items++
		n := left[it.Key]
		delete(left, it.Key)
		switch {
		case it.State == plan.Succeeded && n == 1:
		case (it.State == plan.InDoubt || it.State == plan.Incident) && n <= 1:
		case it.State != plan.Succeeded && n == 0:
		default:
			wrong = append(wrong, fmt.Sprintf("%s is %s and had %d effects", it.Key, it.State, n))
		}
	}
	if items == 0 {
		return fmt.Errorf("the run file holds no items")
	}
	for _, key := range slices.Sorted(maps.Keys(left)) {
		if left[key] > 0 {
			wrong = append(wrong, fmt.Sprintf("%s is no item and had %d effects", key, left[key]))
		}
	}
	if len(wrong) > 0 {
		return fmt.Errorf("%d disagreements: %s", len(wrong), strings.Join(wrong[:min(len(wrong), 5)], "; "))
	}
	return nil
}
