package providers

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"sync/atomic"
)

// A process is one provider program as go-plugin runs it. It differs from
// go-plugin's own in what a careless or hostile program could do with it: the
// program has no standard input, cannot stall on a full pipe however much it
// prints, is in a process group of its own so that Ctrl-C reaches the runner
// alone, and is killed by the system when the runner dies.
//
// It implements go-plugin's runner.Runner.
type process struct {
	cmd    *exec.Cmd
	image  *image
	stdout io.ReadCloser // the handshake line and nothing after it
	tail   *tail         // the end of what it printed on standard error
	noise  *counter      // what it printed on standard output beside its handshake
	drains sync.WaitGroup
}

// newProcess prepares a program with the environment that go-plugin adds.
// inherited files stay open in the child, where the system lets them. The
// process shows the program's path as its name, whatever is run.
func newProcess(i *image, env []string, inherited []*os.File) *process {
	cmd := exec.Command(i.path)
	cmd.Env = env
	inherit(cmd, inherited)
	i.run(cmd)
	setProcessAttributes(cmd)
	return &process{cmd: cmd, image: i, tail: &tail{}, noise: &counter{}}
}

func (p *process) Start(context.Context) error {
	defer p.image.close()
	out, outWrite, err := os.Pipe()
	if err != nil {
		return err
	}
	errs, errsWrite, err := os.Pipe()
	if err != nil {
		out.Close()
		outWrite.Close()
		return err
	}
	p.cmd.Stdout, p.cmd.Stderr = outWrite, errsWrite
	err = spawn(p.cmd)
	outWrite.Close()
	errsWrite.Close()
	if err != nil {
		out.Close()
		errs.Close()
		if e, ok := errors.AsType[*os.PathError](err); ok && e.Op == "fork/exec" {
			e.Path = p.image.path // and not the descriptor's
		}
		return err
	}

	handshake, line := io.Pipe()
	p.stdout = handshake
	p.drains.Add(2)
	go func() {
		defer p.drains.Done()
		defer out.Close()
		firstLine(line, out, p.noise)
		io.Copy(p.noise, out)
		line.Close()
	}()
	go func() {
		defer p.drains.Done()
		defer errs.Close()
		io.Copy(p.tail, errs)
	}()
	return nil
}

// firstLine copies one line of at most 4 KiB. go-plugin's own scanner ends at
// a longer one and leaves the pipe to fill up.
func firstLine(to *io.PipeWriter, from io.Reader, rest io.Writer) {
	r := bufio.NewReaderSize(from, 4096)
	line, err := r.ReadSlice('\n')
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
		to.CloseWithError(err)
		return
	}
	to.Write(line)
	io.Copy(rest, r)
}

// dropped is how many bytes it has printed that were not kept.
func (p *process) dropped() int64 { return int64(p.noise.Load()) + p.tail.dropped() }

func (p *process) Wait(context.Context) error {
	err := p.cmd.Wait()
	p.drains.Wait()
	return err
}

func (p *process) Kill(context.Context) error {
	if p.cmd.Process == nil {
		return nil
	}
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

func (p *process) Stdout() io.ReadCloser { return p.stdout }

// Stderr is empty: what the program prints there goes to its tail.
func (p *process) Stderr() io.ReadCloser { return io.NopCloser(eof{}) }

func (p *process) Name() string                    { return p.image.path }
func (p *process) Diagnose(context.Context) string { return "" }

// ID is "" for what could not be started: go-plugin asks also then.
func (p *process) ID() string {
	if p.cmd.Process == nil {
		return ""
	}
	return strconv.Itoa(p.cmd.Process.Pid)
}

func (p *process) PluginToHost(network, address string) (string, string, error) {
	return network, address, nil
}

func (p *process) HostToPlugin(network, address string) (string, string, error) {
	return network, address, nil
}

type eof struct{}

func (eof) Read([]byte) (int, error) { return 0, io.EOF }

// A tail keeps the last few kilobytes that are written to it.
type tail struct {
	mu      sync.Mutex
	end     []byte
	written int64
}

const tailSize = 8 << 10

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.written += int64(len(b))
	t.end = append(t.end, b...)
	if len(t.end) > tailSize {
		t.end = append(t.end[:0], t.end[len(t.end)-tailSize:]...)
	}
	return len(b), nil
}

func (t *tail) dropped() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.written - int64(len(t.end))
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.end)
}

// A counter counts what is written to it and keeps nothing.
type counter struct{ atomic.Uint64 }

func (c *counter) Write(b []byte) (int, error) {
	c.Add(uint64(len(b)))
	return len(b), nil
}
