package runner_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"zombiezen.com/go/sqlite"
)

// goEnv are the variables of Go's that a shell with another HOME needs, so that
// it finds the modules and what is built already, and asks no network.
var goEnv = sync.OnceValues(func() (env []string, err error) {
	for name, more := range map[string]string{"GOMODCACHE": "", "GOCACHE": "", "GOFLAGS": " -buildvcs=false"} {
		out, err := exec.Command("go", "env", name).Output()
		if err != nil {
			return nil, err
		}
		env = append(env, name+"="+strings.TrimSpace(string(out))+more)
	}
	return append(env, "GOPROXY=off", "GOWORK=off"), nil
})

// checkout lets a shell build, and clone what the documents say from here.
func checkout(t *testing.T) []string {
	t.Helper()
	env, err := goEnv()
	if err != nil {
		t.Fatal(err)
	}
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	return append([]string{"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=url." + root + ".insteadOf", "GIT_CONFIG_VALUE_0=https://" + module, "CHECKOUT=" + root}, env...)
}

// remember carries out what changes the shell itself, which is another one for
// each command: export and cd.
func (s *shell) remember(b block, text string) bool {
	word, rest, _ := strings.Cut(text, " ")
	switch word {
	case "export":
		name, _, _ := strings.Cut(rest, "=")
		value, err := s.command(text + `; printf %s "$` + name + `"`).Output()
		if err != nil {
			s.t.Fatalf("%s: %s: %v", b.at(), text, err)
		}
		s.env = append(s.env, name+"="+string(value))
	case "cd":
		s.dir = filepath.Join(s.dir, filepath.FromSlash(rest))
	default:
		return false
	}
	return true
}

// A person sits before a command: sees what it prints, and types.
type person struct {
	options   map[string]string
	interrupt func()

	mu     sync.Mutex
	seen   bytes.Buffer
	typed  string
	stdin  io.WriteCloser
	pushed bool // Ctrl-C
}

var asked = regexp.MustCompile(`([\d,]+) items? will be executed\. To go on, type that number: `)

// run carries out the command with the person before it.
func (p *person) run(cmd *exec.Cmd) error {
	_, confirms := p.options["confirm"]
	if p.typed = p.options["stdin"]; p.typed != "" {
		cmd.Stdin = strings.NewReader(p.typed + "\n")
	} else if confirms {
		stdin, err := cmd.StdinPipe()
		if err != nil {
			return err
		}
		p.stdin = stdin
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	return cmd.Wait()
}

func (p *person) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen.Write(b)
	if m := asked.FindSubmatch(p.seen.Bytes()); m != nil && p.stdin != nil {
		p.typed = strings.ReplaceAll(string(m[1]), ",", "")
		io.WriteString(p.stdin, p.typed+"\n")
		p.stdin.Close()
		p.stdin = nil
	}
	if at := p.options["interrupt"]; at != "" && !p.pushed && regexp.MustCompile(at).Match(p.seen.Bytes()) {
		p.pushed = true
		p.interrupt()
	}
	return len(b), nil
}

// shownOf is what a document shows below a command, less the ^C that a terminal
// writes, and with a … for each text that varies from run to run.
func shownOf(c command, varies string) (lines []string) {
	for _, line := range c.output {
		for text := range strings.SplitSeq(varies, "|") {
			if text != "" {
				line = strings.ReplaceAll(line, text, "…")
			}
		}
		if line != "^C" {
			lines = append(lines, line)
		}
	}
	return lines
}

var progress = regexp.MustCompile(`^(?:\S+  [\d,]+/[\d,]+  .*requests/s.*|planning \S+: .* rows.*)$`)

// withoutProgress leaves out the lines that a terminal has while a command
// runs, and not any more when it is over.
func withoutProgress(lines []string) []string {
	return slices.DeleteFunc(lines, progress.MatchString)
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
	s.env = append(s.env, "GOFLAGS=-mod=mod "+os.Getenv("GOFLAGS"))
}

// asSQLite puts a sqlite3 into a folder that is this test, so that what the
// documents ask of a run file is asked wherever the tests run.
func asSQLite(dir string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	return os.Symlink(self, filepath.Join(dir, "sqlite3"))
}

// sqlite3 answers a query as that program does: sqlite3 -readonly FILE SQL.
func sqlite3(args []string) int {
	err := func() error {
		if len(args) != 3 || args[0] != "-readonly" {
			return errors.New("it knows only: sqlite3 -readonly FILE SQL")
		}
		conn, err := sqlite.OpenConn(args[1], sqlite.OpenReadOnly)
		if err != nil {
			return err
		}
		defer conn.Close()
		stmt, err := conn.Prepare(strings.TrimRight(strings.TrimSpace(args[2]), ";"))
		if err != nil {
			return err
		}
		for {
			row, err := stmt.Step()
			if err != nil || !row {
				return err
			}
			var columns []string
			for i := range stmt.ColumnCount() {
				columns = append(columns, stmt.ColumnText(i))
			}
			fmt.Println(strings.Join(columns, "|"))
		}
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, "sqlite3:", err)
		return 1
	}
	return 0
}
