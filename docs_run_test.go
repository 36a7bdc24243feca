package runner_test

import (
	"bytes"
	"errors"
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

// programs are the runner and its provider, built once.
var programs = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "docs-bin-")
	if err != nil {
		return "", err
	}
	for name, from := range map[string]string{"runner": "./cmd/runner", "runner-provider-payvalida": "./plugins/payvalida"} {
		if out, err := exec.Command("go", "build", "-o", filepath.Join(dir, name), from).CombinedOutput(); err != nil {
			return dir, errors.New(string(out))
		}
	}
	return dir, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if dir, err := programs(); err == nil {
		os.RemoveAll(dir)
	}
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

// documentedPort is where the documents let simulators listen. The tests take
// a free one instead.
const documentedPort = "127.0.0.1:8807"

// A shell carries out the blocks of one document, in their order, in one folder.
type shell struct {
	t    *testing.T
	dir  string
	env  []string
	port string
}

func newShell(t *testing.T) *shell {
	bin := built(t)
	dir := t.TempDir()
	home := filepath.Join(dir, "home")
	work := filepath.Join(dir, "work")
	for _, d := range []string{home, work} {
		if err := os.Mkdir(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().String()
	l.Close()
	s := &shell{t: t, dir: work, port: port}
	for _, kv := range os.Environ() {
		if name, _, _ := strings.Cut(kv, "="); name != "HOME" && name != "PATH" && name != "XDG_STATE_HOME" && !strings.HasPrefix(name, "RUNNER_") {
			s.env = append(s.env, kv)
		}
	}
	// The proxy is nobody: whatever a document says, no real API is reached.
	// The simulators are on this machine, to which no proxy leads.
	s.env = append(s.env, "HTTP_PROXY=http://127.0.0.1:1", "HTTPS_PROXY=http://127.0.0.1:1", "NO_PROXY=127.0.0.1",
		"HOME="+home, "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	return s
}

func (s *shell) command(text string) *exec.Cmd {
	cmd := exec.Command("sh", "-c", strings.ReplaceAll(text, documentedPort, s.port))
	cmd.Dir, cmd.Env = s.dir, s.env
	return cmd
}

// background starts a simulator and waits until it says where it listens.
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
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		in.Close()
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
		if kv, ok := strings.CutPrefix(c.text, "export "); ok {
			s.env = append(s.env, strings.ReplaceAll(kv, documentedPort, s.port))
			continue
		}
		text := c.text
		if options["interrupt"] != "" {
			text = "exec " + text
		}
		cmd := s.command(text)
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		if typed := options["stdin"]; typed != "" {
			cmd.Stdin = strings.NewReader(typed + "\n")
		}
		if err := cmd.Start(); err != nil {
			s.t.Fatal(err)
		}
		if after, err := time.ParseDuration(options["interrupt"]); err == nil {
			defer time.AfterFunc(after, func() { cmd.Process.Signal(os.Interrupt) }).Stop()
		}
		err := cmd.Wait()
		var ended *exec.ExitError
		if err != nil && !errors.As(err, &ended) {
			s.t.Fatal(err)
		}
		want := 0
		if n == len(commands)-1 {
			want, _ = strconv.Atoi(options["exit"])
		}
		got := strings.ReplaceAll(out.String(), s.port, documentedPort)
		if code := cmd.ProcessState.ExitCode(); code != want {
			s.t.Fatalf("%s: %s: exit %d, want %d:\n%s", b.at(), c.text, code, want, got)
		}
		if typed := options["stdin"]; typed != "" { // a terminal would show it
			got = strings.Replace(got, "type that number: ", "type that number: "+typed+"\n", 1)
		}
		if b.language == "console" {
			if problem := differs(c.output, strings.Split(strings.TrimRight(got, "\n"), "\n")); problem != "" {
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
					text := strings.ReplaceAll(b.text, documentedPort, s.port)
					if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
						t.Fatal(err)
					}
				case "background":
					s.background(b)
				case "run":
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

// module makes the folder a Go module that finds the SDK in this checkout and
// everything else where this checkout finds it, so that no network is needed.
func (s *shell) module() {
	root, err := os.Getwd()
	if err != nil {
		s.t.Fatal(err)
	}
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		s.t.Fatal(err)
	}
	sum, err := os.ReadFile("go.sum")
	if err != nil {
		s.t.Fatal(err)
	}
	text := strings.Replace(string(mod), "module "+module, "module example.com/runner-provider-cobros", 1) +
		"\nrequire " + module + " v0.0.0\n\nreplace " + module + " => " + root + "\n"
	for name, content := range map[string]string{"go.mod": text, "go.sum": string(sum)} {
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte(content), 0o600); err != nil {
			s.t.Fatal(err)
		}
	}
	goEnv := func(name string) string {
		out, err := exec.Command("go", "env", name).Output()
		if err != nil {
			s.t.Fatal(err)
		}
		return strings.TrimSpace(string(out))
	}
	// Asked for here, since the shell has another HOME.
	for _, name := range []string{"GOMODCACHE", "GOCACHE"} {
		s.env = append(s.env, name+"="+goEnv(name))
	}
	s.env = append(s.env, "GOPROXY=off", "GOFLAGS=-mod=mod", "GOWORK=off")
}
