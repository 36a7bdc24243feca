//go:build unix

package rows

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// A server is a real database of the machine's, started for one test on
// loopback by a user without rights, with its data in a folder that goes with
// it.
type server struct {
	folder string
	port   int
	as     *syscall.Credential
}

// newServer skips the test where the program isn't installed.
func newServer(t *testing.T, program, account string) (s *server, path string) {
	t.Helper()
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + program)
	if p, err := exec.LookPath(program); err == nil {
		found = append(found, p)
	}
	if len(found) == 0 {
		t.Skipf("%s is not installed: nothing was held against a real server", program)
	}
	slices.Sort(found)
	// The folder of t.TempDir lies in one that other users may not enter.
	folder, err := os.MkdirTemp("", "rows")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	s = &server{folder: folder}
	if os.Getuid() == 0 { // which these programs refuse
		u, err := user.Lookup(account)
		if err != nil {
			t.Skipf("there is no user %s to start the server as", account)
		}
		uid, _ := strconv.ParseUint(u.Uid, 10, 32)
		gid, _ := strconv.ParseUint(u.Gid, 10, 32)
		s.as = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		if err := os.Chown(folder, int(uid), int(gid)); err != nil {
			t.Fatal(err)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.port = l.Addr().(*net.TCPAddr).Port
	l.Close()
	return s, found[len(found)-1]
}

func (s *server) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(program, args...)
	cmd.Dir = s.folder
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.folder, "TMPDIR=" + s.folder, "LC_ALL=C"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.as}
	return cmd
}

func (s *server) run(t *testing.T, program string, args ...string) {
	t.Helper()
	if out, err := s.command(program, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", filepath.Base(program), err, out)
	}
}

// write leaves a file that the server may read.
func (s *server) write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(s.folder, name)
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// start runs the server until the test ends, and waits for its first answer.
func (s *server) start(t *testing.T, ready func() error, program string, args ...string) {
	t.Helper()
	cmd := s.command(program, args...)
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		cmd.Wait()
		close(done)
	}()
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			cmd.Process.Kill()
			<-done
		}
	})
	for end := time.Now().Add(60 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		err := ready()
		if err == nil {
			return
		}
		select {
		case <-done:
			t.Fatalf("the server ended:\n%s", out.String())
		default:
		}
		if time.Now().After(end) {
			t.Fatalf("the server doesn't answer: %v", err)
		}
	}
}

// postgresServer starts PostgreSQL and carries out statements.
func postgresServer(t *testing.T, statements ...string) (dsn string) {
	t.Helper()
	s, initdb := newServer(t, "initdb", "postgres")
	password := s.write(t, "password", serverPassword+"\n")
	s.run(t, initdb, "-D", "data", "-U", serverUser, "--auth=scram-sha-256", "--pwfile="+password, "-N", "-E", "UTF8", "--locale=C")
	dsn = fmt.Sprintf("postgres://%s:%s@127.0.0.1:%d/%%s?sslmode=disable", serverUser, serverPassword, s.port)
	var conn *pgconn.PgConn
	connect := func(database string) error {
		c, err := pgconn.Connect(context.Background(), fmt.Sprintf(dsn, database))
		conn = c
		return err
	}
	s.start(t, func() error { return connect("postgres") }, filepath.Join(filepath.Dir(initdb), "postgres"),
		"-D", "data", "-h", "127.0.0.1", "-p", strconv.Itoa(s.port), "-k", s.folder, "-F")
	carry := func(statement string) {
		t.Helper()
		if _, err := conn.Exec(context.Background(), statement).ReadAll(); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	carry("CREATE DATABASE " + serverDatabase)
	conn.Close(context.Background())
	if err := connect(serverDatabase); err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	for _, statement := range statements {
		carry(statement)
	}
	return fmt.Sprintf(dsn, serverDatabase)
}

// mariadbServer starts MariaDB and carries out statements.
func mariadbServer(t *testing.T, statements ...string) (dsn string) {
	t.Helper()
	s, install := newServer(t, "mariadb-install-db", "mysql")
	daemon, err := exec.LookPath("mariadbd")
	if err != nil {
		if daemon, err = exec.LookPath("/usr/sbin/mariadbd"); err != nil {
			t.Skip("mariadbd is not installed")
		}
	}
	s.run(t, install, "--no-defaults", "--datadir="+s.folder+"/data", "--auth-root-authentication-method=normal", "--skip-test-db")
	first := s.write(t, "first.sql", fmt.Sprintf("CREATE DATABASE %s CHARACTER SET utf8mb4;\nCREATE USER '%s'@'%%' IDENTIFIED BY '%s';\nGRANT ALL ON %s.* TO '%s'@'%%';\n",
		serverDatabase, serverUser, serverPassword, serverDatabase, serverUser))
	dsn = fmt.Sprintf("%s:%s@tcp(127.0.0.1:%d)/%s", serverUser, serverPassword, s.port, serverDatabase)
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	s.start(t, func() error {
		if c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", s.port)); err != nil {
			return err
		} else {
			c.Close()
		}
		return db.Ping()
	}, daemon, "--no-defaults", "--datadir="+s.folder+"/data", "--socket="+s.folder+"/s", "--port="+strconv.Itoa(s.port),
		"--bind-address=127.0.0.1", "--pid-file="+s.folder+"/pid", "--skip-name-resolve", "--init-file="+first, "--innodb-flush-log-at-trx-commit=0")
	for _, statement := range statements {
		if _, err := db.Exec(statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	return dsn
}
