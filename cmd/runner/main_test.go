package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/bulkrunner/runner/internal/cli"
	"github.com/bulkrunner/runner/sdk/fakeprovider"
)

var update = flag.Bool("update", false, "rewrite what the scripts and golden plans compare with")

// The test binary is the runner, and the fake providers are built beside it.
// The scripts are the specification of the command line.
func TestMain(m *testing.M) {
	testscript.Main(tests{m}, map[string]func(){
		"runner": func() {
			if v := os.Getenv("TEST_RUNNER_VERSION"); v != "" {
				cli.Version = v // as a build that isn't a release calls itself
			}
			os.Exit(runner(os.Args[1:]))
		},
	})
}

// tests are all of them, and take away what they built.
type tests struct{ *testing.M }

func (t tests) Run() int {
	defer func() { os.RemoveAll(builtPayvalida) }()
	flag.Parse()
	if f := flag.Lookup("test.parallel"); f.Value.String() == f.DefValue {
		f.Value.Set("6") // they mostly wait
	}
	self, err := exec.LookPath("runner")
	if err == nil {
		err = fakeprovider.Build(filepath.Dir(self))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return t.M.Run()
}

// TestScripts runs the scripts. Beside testscript's own commands they have
//
//	exits CODE COMMAND [ARG…]   runs a command that ends with this exit code
//	mask                        copies stdout and stderr to *.masked, without what differs from run to run
//	simulate [FAULT=VALUE…]     starts the fake provider's API, for var.endpoint and var.token
//	fault FAULT=VALUE…          turns the API's switches
//	number N FILE               writes a list of N rows: id, amount
//	database FILE SQL           makes an SQLite file of the SQL in another file
//	seed FILE                   makes the things of a list (columns id, is, amount, currency) at the API
//	effects [ID=N…]             holds what has happened at the API against this, and nothing else
//	[!] effects of RUNFILE      … against the run file: each succeeded item once, or in doubt
//	start NAME COMMAND [ARG…]   starts a command in the background; its streams go to NAME.stdout, NAME.stderr
//	interrupt NAME, kill9 NAME  sends it SIGINT, SIGKILL
//	await effects N             waits until the API has had that many effects
//	await NAME CODE             waits until it ends with this exit code
//	noted ID NOTE CARD          holds what a thing's note says at the API against this
//	keys KEY IDENTITY           makes a key of fingerprints and a private key of age, for the files' names, and
//	                            sets $RECIPIENT
//	[!] within PATTERN FILE…    searches files and folders, whole, for a pattern
//	[!] event RUNFILE PATTERN   holds an event to have happened to the run: its kind, ": ", its detail
//	away RUNFILE ADDRESS        makes a run one that was handed over to a namespace of Temporal
//	paced RUNFILE N PATTERN     holds the requests after that event, until the next of its kind, to have kept N a second
//	[!] posted FILE [ARG…]      carries out the command that Markdown of a plan names, with these arguments
//	collect [hangs]             starts a collector of OpenTelemetry and sets $COLLECTOR to its address
//	[!] collected PATTERN|reset holds the lines of what it got against a pattern, or forgets it
//	everyline FILE PATTERN      holds every line against a pattern
//	[!] logged FILE             holds the lines of a log against their schema
//	jsonlines FILE KEY=VALUE…   holds the objects with these values to be there, and every line to be JSON
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: *update,
		Setup:         setUp,
		Cmds:          commands,
	})
}

var commands = map[string]func(*testscript.TestScript, bool, []string){
	"exits":     exits,
	"mask":      mask,
	"simulate":  simulate,
	"fault":     fault,
	"number":    number,
	"database":  databaseCommand,
	"seed":      seed,
	"effects":   effects,
	"start":     start,
	"interrupt": interrupt,
	"kill9":     kill9,
	"await":     await,
	"noted":     noted,
	"keys":      keys,
	"within":    within,
	"event":     event,
	"away":      away,
	"paced":     paced,
	"posted":    posted,
	"collect":   collect,
	"collected": collected,
	"everyline": everyLine,
	"logged":    logged,
	"jsonlines": jsonLines,
}

func setUp(e *testscript.Env) error {
	// Sockets live in a short folder: their paths may not exceed about 104
	// bytes, and a script's own folder is longer.
	dir, err := os.MkdirTemp("", "r")
	if err != nil {
		return err
	}
	e.Defer(func() { os.RemoveAll(dir) })
	e.Setenv("XDG_RUNTIME_DIR", dir)
	e.Setenv("XDG_STATE_HOME", e.WorkDir+"/state")
	e.Setenv("HOME", e.WorkDir)
	e.Setenv(schemasEnv, schemas())
	e.Values[jobsKey{}] = map[string]*job{}
	e.Values[collectorKey{}] = new(*collector)
	return nil
}
