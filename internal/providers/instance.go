package providers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/host"
)

const (
	startTimeout = 20 * time.Second
	callTimeout  = 20 * time.Second // of a unary call: none of them uses the network
	pageGrace    = 2 * time.Second  // past a page's deadline, for the provider to say so
)

// An Instance is one provider process with one configuration.
type Instance struct {
	Name    string // the provider's
	Program Program
	Schema  *sdk.Schema

	// process changes when a link starts it again. Who asks the process
	// something meanwhile waits until it runs.
	starting sync.RWMutex

	client    *plugin.Client
	process   *process
	dropped   int64 // by the processes before this one
	host      *host.Client
	sockets   *sockets
	inherited []*os.File
	redact    *strings.Replacer
}

// An Error is what a provider process did wrong. It names the provider and
// never shows a secret.
type Error struct {
	Provider string
	Doing    string // what the runner wanted of it
	Detail   string
	Printed  string // the end of what the process printed on standard error
}

func (e *Error) Error() string {
	s := fmt.Sprintf("provider %s: %s: %s", e.Provider, e.Doing, e.Detail)
	if e.Printed != "" {
		s += "\nIt printed:\n    " + strings.ReplaceAll(e.Printed, "\n", "\n    ")
	}
	return s
}

// Start starts the program and asks for its schema. The bytes that it runs are
// those whose checksum it compared. An empty name takes the provider for what
// it says it is. The inherited files stay open in the process for as long as it
// lives.
func Start(ctx context.Context, name string, program Program, inherited ...*os.File) (*Instance, error) {
	i := &Instance{Name: name, Program: program, inherited: inherited, redact: strings.NewReplacer()}
	if err := i.start(ctx); err != nil {
		return nil, err
	}
	return i, nil
}

func (i *Instance) start(ctx context.Context) (err error) {
	if i.sockets, err = newSockets(); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			i.Close()
		}
	}()
	// go-plugin's server takes what the program prints to itself, and sends it
	// here; what goes past it, as a panic's trace, comes through the pipes.
	end, noise := &tail{}, &counter{}
	// The program is read while a key is made.
	read := sync.OnceValues(func() (*image, error) { return newImage(i.Program.Path) })
	go read()
	config, certificate, err := clientTLS()
	if err != nil {
		return i.fail("start", err)
	}
	taken := false
	defer func() {
		if img, _ := read(); img != nil && !taken {
			img.close()
		}
	}()
	i.client = plugin.NewClient(&plugin.ClientConfig{
		SyncStdout:       noise,
		SyncStderr:       end,
		HandshakeConfig:  host.Handshake,
		VersionedPlugins: host.Plugins(),
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		TLSConfig:        config,
		SkipHostEnv:      true,
		StartTimeout:     startTimeout,
		Logger:           hclog.NewNullLogger(),
		UnixSocketConfig: &plugin.UnixSocketConfig{TempDir: i.sockets.path},
		GRPCDialOptions:  host.DialOptions(),
		RunnerFunc: func(_ hclog.Logger, cmd *exec.Cmd, _ string) (runner.Runner, error) {
			img, err := read()
			if err != nil {
				return nil, err
			}
			if want := i.Program.Checksum; want != "" && want != img.checksum {
				return nil, &ChecksumError{Path: i.Program.Path, Want: want, Found: img.checksum}
			}
			i.Program.Checksum, taken = img.checksum, true
			if i.process != nil {
				i.dropped += i.process.dropped()
			}
			i.process = newProcess(img, append(append(environment(), cmd.Env...), certificate), i.inherited)
			i.process.tail, i.process.noise = end, noise
			return i.process, nil
		},
	})
	protocol, err := i.client.Client()
	if err != nil {
		return i.startError(err)
	}
	raw, err := protocol.Dispense(host.PluginName)
	if err != nil {
		return i.fail("connect", err)
	}
	i.host = raw.(*host.Client)

	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if i.Schema, err = i.host.Schema(ctx); err != nil {
		return i.fail("ask for its schema", err)
	}
	if i.Name == "" {
		i.Name = i.Schema.Name
	}
	if i.Schema.Name != i.Name {
		return i.fail("ask for its schema", fmt.Errorf("the program %s is provider %q", i.Program.Path, i.Schema.Name))
	}
	return nil
}

// called is the provider's name, or its program's as long as it has said none.
func (i *Instance) called() string {
	if i.Name == "" {
		return filepath.Base(i.Program.Path)
	}
	return i.Name
}

var protocolMismatch = regexp.MustCompile(`(?i)plugin version: ?([0-9]+)`)

// startError says in the user's words why a program did not become a provider.
func (i *Instance) startError(err error) error {
	if e, ok := errors.AsType[*ChecksumError](err); ok {
		return e
	}
	text := err.Error()
	e := &Error{Provider: i.called(), Doing: "start"}
	switch {
	case protocolMismatch.MatchString(text):
		e.Detail = fmt.Sprintf("it speaks protocol %s, and this runner speaks protocol %d; install a version of it that was made for this runner",
			protocolMismatch.FindStringSubmatch(text)[1], sdk.ProtocolVersion)
	case strings.Contains(text, "Unrecognized remote plugin message"), strings.Contains(text, "plugin exited before"):
		e.Detail = fmt.Sprintf("%s ended or answered without the handshake of a provider; check that it is a provider program for this machine", i.Program.Path)
	case strings.Contains(text, "timeout while waiting"):
		e.Detail = fmt.Sprintf("%s did not answer within %s", i.Program.Path, startTimeout)
	case errors.Is(err, os.ErrPermission):
		e.Detail = fmt.Sprintf("%s may not be executed; to allow it: chmod +x %s", i.Program.Path, i.Program.Path)
	case errors.Is(err, syscall.ENOEXEC):
		e.Detail = fmt.Sprintf("%s is no program for this machine, which is %s/%s; install the one that is", i.Program.Path, runtime.GOOS, runtime.GOARCH)
	default:
		e.Detail = text
	}
	i.client.Kill() // so that all it printed is here
	e.Printed = i.printed()
	return e
}

func (i *Instance) fail(doing string, err error) error {
	if errors.Is(err, host.ErrGone) {
		i.client.Kill() // so that all it printed is here
		err = errors.New("its process ended unexpectedly; if that happens again, tell the provider's makers")
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("no answer within %s", callTimeout)
	}
	return &Error{Provider: i.called(), Doing: doing, Detail: i.redact.Replace(err.Error()), Printed: i.printed()}
}

// printed is the end of the process's standard error if the process is gone;
// while it lives what it prints is its own affair.
func (i *Instance) printed() string {
	if i.process == nil || i.client == nil || !i.client.Exited() {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(i.process.tail.String()), "\n")
	if len(lines) > 12 {
		lines = lines[:12]
	}
	return i.redact.Replace(strings.Join(lines, "\n"))
}

// Configure gives the process its configuration and the values that must
// never be shown. It answers with what the configuration stands for.
func (i *Instance) Configure(ctx context.Context, c host.Configuration, secrets []string) (sdk.Account, error) {
	i.redact = redactor(secrets)
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	account, err := i.host.Configure(ctx, c)
	if err != nil {
		return sdk.Account{}, i.fail("configure", err)
	}
	return account, nil
}

func redactor(secrets []string) *strings.Replacer {
	var pairs []string
	for _, s := range secrets {
		if s == "" {
			continue
		}
		pairs = append(pairs, s, "(sensitive)")
		if quoted, err := json.Marshal(s); err == nil {
			if inner := string(quoted[1 : len(quoted)-1]); inner != s {
				pairs = append(pairs, inner, "(sensitive)")
			}
		}
	}
	return strings.NewReplacer(pairs...)
}

// Check asks for the provider's own judgement of arguments: a problem for
// each item, "" where there is none.
func (i *Instance) Check(ctx context.Context, operation string, arguments []json.RawMessage) ([]string, error) {
	i.starting.RLock()
	defer i.starting.RUnlock()
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	problems, err := i.host.Check(ctx, operation, arguments)
	if err != nil {
		return nil, i.fail("check arguments", err)
	}
	for n, p := range problems {
		problems[n] = i.redact.Replace(p)
	}
	return problems, nil
}

// List asks for one page of a list. It takes until the call's deadline at the
// most; a provider that is silent for longer is an error.
func (i *Instance) List(ctx context.Context, c host.PageCall) (host.Page, host.Answer, error) {
	i.starting.RLock()
	defer i.starting.RUnlock()
	ctx, cancel := context.WithDeadline(ctx, c.Deadline.Add(pageGrace))
	defer cancel()
	page, answer, err := i.host.List(ctx, c)
	if err != nil {
		return host.Page{}, host.Answer{}, i.fail("read a page of a list", err)
	}
	answer.Reason, page.Reason = i.redact.Replace(answer.Reason), i.redact.Replace(page.Reason)
	return page, answer, nil
}

// Simulate starts the provider's simulator in this process, or adds seeds to
// it, and answers with its endpoint.
func (i *Instance) Simulate(ctx context.Context, s host.Simulation) (string, error) {
	i.starting.RLock()
	defer i.starting.RUnlock()
	endpoint, err := i.host.Simulate(ctx, s)
	if err != nil {
		return "", i.fail("simulate", err)
	}
	return endpoint, nil
}

// Dropped is how many bytes the program has printed, on standard output and
// error, that were not kept.
func (i *Instance) Dropped() int64 {
	i.starting.RLock()
	defer i.starting.RUnlock()
	n := i.dropped
	if i.process != nil {
		n += i.process.dropped()
	}
	return n
}

// PID is the process's id, 0 when it isn't running.
func (i *Instance) PID() int {
	if i.process == nil || i.process.cmd.Process == nil {
		return 0
	}
	return i.process.cmd.Process.Pid
}

// Close ends the process and waits until it is gone.
func (i *Instance) Close() {
	if i.client != nil {
		i.client.Kill()
	}
	i.sockets.remove()
}
