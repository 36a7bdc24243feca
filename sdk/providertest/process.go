package providertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"

	"github.com/bulkrunner/runner/sdk/host"
)

// role is in the environment of a test binary that is to be the provider.
const role = "RUNNER_PROVIDERTEST_SERVE"

// Serve is for a TestMain's first line: where the suite has started the test
// binary as the provider it runs main and doesn't return, elsewhere it does
// nothing.
func Serve(main func()) {
	if os.Getenv(role) == "" {
		return
	}
	main()
	os.Exit(0)
}

// A process is the provider, running.
type process struct {
	plugin *goplugin.Client
	client *host.Client
	cmd    *exec.Cmd
	output *record // what it printed after the handshake
	errors *record // standard error
}

// program is the path of what is tested.
func (s *suite) program() (string, error) {
	if s.Binary == "" {
		return os.Executable()
	}
	path, err := filepath.Abs(s.Binary)
	if err != nil {
		return "", err
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return "", errors.New("there is no such program")
	case info.IsDir():
		return "", errors.New("it is a folder, not a program")
	}
	return path, nil
}

// environment is no more than what the runner gives.
func (s *suite) environment() []string {
	env := append([]string{"PLUGIN_UNIX_SOCKET_DIR=" + s.folder}, s.env...)
	if s.Binary == "" {
		env = append(env, role+"=1")
	}
	for _, name := range []string{"PATH", "HOME", "SystemRoot", "TEMP", "TMP"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// shortFolder is where sockets are: their paths may not exceed about 104 bytes,
// and a folder for temporary files may be longer than that.
func shortFolder() string {
	if dir := os.TempDir(); runtime.GOOS == "windows" || len(dir) <= 50 {
		return dir
	}
	return "/tmp"
}

// start starts the program as the runner does.
func (s *suite) start() (*process, error) {
	program, err := s.program()
	if err != nil {
		return nil, err
	}
	if s.folder == "" {
		if s.folder, err = os.MkdirTemp(shortFolder(), "rpt"); err != nil {
			return nil, fmt.Errorf("make a folder for sockets: %w", err)
		}
	}
	cmd := exec.Command(program)
	cmd.Env = s.environment()
	p := &process{cmd: cmd, output: &record{}, errors: &record{}}
	s.printed = append(s.printed, p.output, p.errors)
	p.plugin = goplugin.NewClient(&goplugin.ClientConfig{
		HandshakeConfig:  host.Handshake,
		VersionedPlugins: host.Plugins(),
		Cmd:              cmd,
		AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC},
		AutoMTLS:         true,
		SkipHostEnv:      true,
		StartTimeout:     20 * time.Second,
		Logger:           hclog.NewNullLogger(),
		Stderr:           p.errors,
		SyncStdout:       p.output,
		SyncStderr:       p.errors,
	})
	protocol, err := p.plugin.Client()
	if err == nil {
		var raw any
		if raw, err = protocol.Dispense(host.PluginName); err == nil {
			p.client = raw.(*host.Client)
		}
	}
	if err != nil {
		p.kill()
		return nil, fmt.Errorf("it doesn't start as a provider: %w%s", err, p.errors.quote())
	}
	return p, nil
}

// kill ends the process and waits for it.
func (p *process) kill() { p.plugin.Kill() }

// gone waits for the process to end by itself.
func (p *process) gone(within time.Duration) bool {
	return eventually(within, p.plugin.Exited)
}

// eventually asks until the answer is yes. There is nobody to wait for: what
// is asked is another process's doing.
func eventually(within time.Duration, yes func() bool) bool {
	for end := time.Now().Add(within); ; time.Sleep(5 * time.Millisecond) {
		if yes() {
			return true
		}
		if time.Now().After(end) {
			return false
		}
	}
}

// unary bounds a call that uses no network.
func (s *suite) unary() (context.Context, context.CancelFunc) {
	return context.WithTimeout(s.ctx, 4*s.Timeout)
}

// A record keeps what a process printed, up to a size, and counts all of it.
type record struct {
	mu    sync.Mutex
	text  bytes.Buffer
	total int
}

const recordSize = 1 << 20

func (r *record) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.total += len(b)
	r.text.Write(b[:min(len(b), recordSize-r.text.Len())])
	return len(b), nil
}

func (r *record) size() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.total
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

// quote is the beginning of what was printed, for a message.
func (r *record) quote() string {
	text := r.String()
	if text == "" {
		return ""
	}
	if len(text) > 400 {
		text = text[:400] + "…"
	}
	return fmt.Sprintf("; it printed %q", text)
}
