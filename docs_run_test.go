package runner_test

import (
	"errors"
	"flag"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// programsIn is the folder of the programs, once a test has asked for them.
var programsIn string

// programs are the runner and its providers, built once.
var programs = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "docs-bin-")
	if err != nil {
		return "", err
	}
	programsIn = dir
	from := map[string]string{"runner": "./cmd/runner"}
	mains, err := filepath.Glob("plugins/*/main.go")
	if err != nil {
		return dir, err
	}
	for _, main := range mains {
		folder := filepath.Dir(main)
		from["runner-provider-"+filepath.Base(folder)] = "./" + folder
	}
	for name, from := range from {
		if out, err := exec.Command("go", "build", "-ldflags=-s -w", "-o", filepath.Join(dir, name), from).CombinedOutput(); err != nil {
			return dir, errors.New(string(out))
		}
	}
	return dir, asSQLite(dir)
})

func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "sqlite3" {
		os.Exit(sqlite3(os.Args[1:]))
	}
	flag.Parse()
	if f := flag.Lookup("test.parallel"); f.Value.String() == f.DefValue {
		f.Value.Set("4") // they mostly wait
	}
	code := m.Run()
	os.RemoveAll(programsIn)
	os.Exit(code)
}

func built(t *testing.T) string {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the commands in the documents are a POSIX shell's")
	}
	dir, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// documentedPort is where the documents let simulators listen, and
// temporalPort where Temporal. The tests take free ones instead.
const (
	documentedPort = "127.0.0.1:8807"
	temporalPort   = "7233"
)

// A shell carries out the blocks of one document, in their order, in one folder.
type shell struct {
	t        *testing.T
	dir      string
	env      []string
	port     string
	temporal string
}

// freePort is an address on this machine where nobody listens.
func freePort(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func newShell(t *testing.T) *shell {
	bin := built(t)
	build, err := filepath.Abs("build") // make temporal
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	home := filepath.Join(dir, "home")
	work := filepath.Join(dir, "work")
	for _, d := range []string{home, work} {
		if err := os.Mkdir(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	_, temporal, _ := strings.Cut(freePort(t), ":")
	s := &shell{t: t, dir: work, port: freePort(t), temporal: temporal}
	for _, kv := range os.Environ() {
		if name, _, _ := strings.Cut(kv, "="); name != "HOME" && name != "PATH" && name != "XDG_STATE_HOME" && !strings.HasPrefix(name, "RUNNER_") {
			s.env = append(s.env, kv)
		}
	}
	s.env = append(s.env, checkout(t)...)
	// The proxy is nobody: whatever a document says, no real API is reached.
	// The simulators are on this machine, to which no proxy leads.
	s.env = append(s.env, "HTTP_PROXY=http://127.0.0.1:1", "HTTPS_PROXY=http://127.0.0.1:1", "NO_PROXY=127.0.0.1",
		"HOME="+home, "PATH="+strings.Join([]string{bin, os.Getenv("PATH"), build}, string(os.PathListSeparator)))
	return s
}

// here is what a document says, with the ports that the tests have taken; there
// is the way back. Nobody looks at the pages of Temporal.
func (s *shell) here(text string) string {
	return strings.NewReplacer(documentedPort, s.port, temporalPort, s.temporal, "start-dev ", "start-dev --headless ").Replace(text)
}

func (s *shell) there(text string) string {
	return strings.NewReplacer(s.port, documentedPort, ":"+s.temporal, ":"+temporalPort).Replace(text)
}

func (s *shell) command(text string) *exec.Cmd {
	cmd := exec.Command("sh", "-c", s.here(text))
	cmd.Dir, cmd.Env = s.dir, s.env
	return cmd
}

// background starts a program and waits until it says something: that it serves.
func (s *shell) background(b block) {
	// exec, so that what is stopped is the program and not the shell around it.
	cmd := s.command("exec " + b.commands()[0].text)
	in, err := cmd.StdinPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		in.Close()
		cmd.Process.Signal(os.Interrupt)
		late := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() })
		defer late.Stop()
		cmd.Wait()
	})
	first := make([]byte, 1)
	if _, err := io.ReadFull(out, first); err != nil {
		s.t.Fatalf("%s: it ended without a word", b.at())
	}
	go io.Copy(io.Discard, out)
}

// run carries out the commands of a block and compares what they answer.
func (s *shell) run(b block) {
	options := map[string]string{}
	for _, word := range strings.Fields(b.argument) {
		name, value, _ := strings.Cut(word, "=")
		options[name] = value
	}
	commands := b.commands()
	if len(commands) == 0 {
		s.t.Errorf("%s: it has no command", b.at())
	}
	if folder := options["in"]; folder != "" {
		s.copy(folder)
	}
	for n, c := range commands {
		text := c.text
		if s.remember(b, text) {
			continue
		}
		if options["interrupt"] != "" {
			text = "exec " + text
		}
		cmd := s.command(text)
		person := &person{options: options, interrupt: func() { cmd.Process.Signal(os.Interrupt) }}
		cmd.Stdout, cmd.Stderr = person, person
		err := person.run(cmd)
		var ended *exec.ExitError
		if err != nil && !errors.As(err, &ended) {
			s.t.Fatal(err)
		}
		want := 0
		if n == len(commands)-1 {
			want, _ = strconv.Atoi(options["exit"])
		}
		got := s.there(person.seen.String())
		if code := cmd.ProcessState.ExitCode(); code != want {
			s.t.Fatalf("%s: %s: exit %d, want %d:\n%s", b.at(), c.text, code, want, got)
		}
		if person.typed != "" { // a terminal would show it
			got = strings.Replace(got, "type that number: ", "type that number: "+person.typed+"\n", 1)
		}
		if b.language == "console" {
			if problem := differs(shownOf(c, options["varies"]), withoutProgress(strings.Split(strings.TrimRight(got, "\n"), "\n"))); problem != "" {
				s.t.Errorf("%s: $ %s\n%s\nIt answered:\n%s", b.at(), c.text, problem, got)
			}
		}
	}
}

// copy puts a folder's files beside those that a document wrote.
func (s *shell) copy(folder string) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, e := range entries {
		if !e.Type().IsRegular() {
			continue // what was rehearsed there
		}
		content, err := os.ReadFile(filepath.Join(folder, e.Name()))
		if err != nil {
			s.t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(s.dir, e.Name()), content, 0o600); err != nil {
			s.t.Fatal(err)
		}
	}
}

// differs holds an answer against what a document shows. A … within a line
// stands for anything, and on a line of its own for any number of lines;
// spaces and empty lines don't count.
func differs(want, got []string) string {
	clean := func(lines []string) (out []string) {
		for _, l := range lines {
			if l = strings.Join(strings.Fields(l), " "); l != "" {
				out = append(out, l)
			}
		}
		return out
	}
	want, got = clean(want), clean(got)
	for len(want) > 0 {
		if want[0] == "…" {
			if want = want[1:]; len(want) == 0 {
				return ""
			}
			next := slices.IndexFunc(got, func(l string) bool { return matches(want[0], l) })
			if next < 0 {
				return "Nothing answers to the line: " + want[0]
			}
			got = got[next:]
			continue
		}
		if len(got) == 0 {
			return "Missing is the line: " + want[0]
		}
		if !matches(want[0], got[0]) {
			return "Shown is:  " + want[0] + "\nAnswered:  " + got[0]
		}
		want, got = want[1:], got[1:]
	}
	if len(got) > 0 {
		return "Not shown is the line: " + got[0]
	}
	return ""
}

func matches(want, got string) bool {
	parts := strings.Split(want, "…")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	return regexp.MustCompile("^" + strings.Join(parts, ".*") + "$").MatchString(got)
}

// TestDocsEveryCommandRuns holds every command that a document shows to be
// carried out here, or to say why it can't be.
func TestDocsEveryCommandRuns(t *testing.T) {
	t.Parallel()
	indented := regexp.MustCompile(`(?m)^(?: {4}|\t)(?:\$ |(?:runner|make|go|git|docker) ).*$`)
	for _, doc := range documents(t) {
		blocks, prose := read(t, doc)
		for _, b := range blocks {
			commands := b.language == "sh" || b.language == "console" || b.language == "bash" || b.language == "powershell"
			switch {
			case b.directive == "elsewhere" && b.argument == "":
				t.Errorf("%s: it says elsewhere, and not why", b.at())
			case commands && !slices.Contains([]string{"run", "before", "background", "beside", "elsewhere"}, b.directive):
				t.Errorf("%s: nobody carries it out: write <!-- run --> before it, or <!-- elsewhere: REASON -->", b.at())
			case !commands && b.language == "" && (invocation.MatchString(strings.Split(b.text, "\n")[0]) || strings.HasPrefix(b.text, "sqlite3 ")):
				t.Errorf("%s: its commands stand in a block without a language, which nobody carries out", b.at())
			}
		}
		if strings.Contains(prose, " ```") {
			t.Errorf("%s: a fence that is indented is no block to these tests: begin it at the margin", doc)
		}
		if m := indented.FindString(prose); m != "" {
			t.Errorf("%s: %q is a command that nobody carries out: put it into a block", doc, strings.TrimSpace(m))
		}
	}
}

// TestDocsCommandsAnswerAsShown carries out what the documents let a reader do.
func TestDocsCommandsAnswerAsShown(t *testing.T) {
	t.Parallel()
	ran := 0
	for _, doc := range documents(t) {
		blocks, _ := read(t, doc)
		if !slices.ContainsFunc(blocks, func(b block) bool { return b.directive == "run" }) {
			continue
		}
		ran++
		t.Run(doc, func(t *testing.T) {
			t.Parallel()
			s := newShell(t)
			if slices.ContainsFunc(blocks, func(b block) bool { return strings.HasPrefix(b.text, "temporal ") }) && s.command("command -v temporal").Run() != nil {
				t.Skip("there is no temporal here, so nothing was carried out: make temporal")
			}
			if strings.HasPrefix(doc, "docs/writing-a-provider") {
				s.module()
			}
			for _, b := range blocks {
				switch b.directive {
				case "file":
					path := filepath.Join(s.dir, b.argument)
					if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
						t.Fatal(err)
					}
					if err := os.WriteFile(path, []byte(s.here(b.text)), 0o600); err != nil {
						t.Fatal(err)
					}
				case "background", "beside":
					s.background(b)
				case "run", "before":
					s.run(b)
				}
				if t.Failed() {
					return
				}
			}
		})
	}
	if ran < 2 {
		t.Errorf("only %d documents have commands to carry out", ran)
	}
}
