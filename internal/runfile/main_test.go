package runfile

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"go.uber.org/goleak"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/bulkrunner/runner/internal/plan"
)

// The test binary is also the processes that the tests kill: roleVariable says
// which, and the arguments are the role's.
const roleVariable = "RUNFILE_TEST_ROLE"

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		if err := roles[role](os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

var roles = map[string]func(args []string) error{
	// linger lives until its standard input ends, with whatever it inherited.
	"linger": func([]string) error {
		_, err := io.Copy(io.Discard, os.Stdin)
		return err
	},

	// apply settles item after item, and says so when it is on the disk.
	"apply": func(args []string) error {
		runtime.LockOSThread() // strace counts system calls by thread
		j, err := Acquire(args[0])
		if err != nil {
			return err
		}
		if _, err := j.Begin(time.Now()); err != nil {
			return err
		}
		for {
			items, err := j.Planned(1, 0, 1)
			if err != nil || len(items) == 0 {
				return err
			}
			id := items[0].ID
			for _, c := range []plan.Change{change(id, plan.Planned, plan.Started), change(id, plan.Started, plan.Succeeded)} {
				if err := j.Commit(Batch{Changes: []plan.Change{c}, Requests: []plan.Request{{Item: id, Verb: "read"}}}); err != nil {
					return err
				}
				if _, err := fmt.Printf("%d %s\n", id, c.To); err != nil {
					return err
				}
			}
		}
	},

	// read holds on to a transaction of another program's, until its standard
	// input ends.
	"read": func(args []string) error {
		c, err := sqlite.OpenConn(args[0], sqlite.OpenReadOnly)
		if err != nil {
			return err
		}
		defer c.Close()
		for _, sql := range []string{"BEGIN", "SELECT count(*) FROM events"} {
			if err := sqlitex.ExecuteTransient(c, sql, nil); err != nil {
				return err
			}
		}
		fmt.Println("reading")
		_, err = io.Copy(io.Discard, os.Stdin)
		return err
	},

	// hold takes a run, hands the lock on to a child, and waits to be killed.
	"hold": func(args []string) error {
		j, err := Acquire(args[0])
		if err != nil {
			return err
		}
		child := as("linger")
		child.Stdin = os.Stdin
		child.ExtraFiles = []*os.File{j.LockFile()}
		if err := child.Start(); err != nil {
			return err
		}
		fmt.Println("held")
		return child.Wait()
	},
}

// as is a command that runs the test binary in a role.
func as(role string, args ...string) *exec.Cmd {
	c := exec.Command(os.Args[0], args...)
	c.Env = append(os.Environ(), roleVariable+"="+role)
	c.Stderr = os.Stderr
	return c
}

// lines are what a command prints, until its output ends.
func lines(t *testing.T, c *exec.Cmd) <-chan string {
	t.Helper()
	out, err := c.StdoutPipe()
	must(t, err)
	must(t, c.Start())
	all := make(chan string)
	go func() {
		defer close(all)
		for s := bufio.NewScanner(out); s.Scan(); {
			all <- s.Text()
		}
	}()
	return all
}
