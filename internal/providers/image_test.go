//go:build unix

package providers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/bulkrunner/runner/internal/config"
)

func script(t *testing.T, path, says string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte("#!/bin/sh\necho "+says+" \"$0\"\n"), mode); err != nil {
		t.Fatal(err)
	}
}

// TestC9SwappedProgram: a program that is swapped between the check and the start is
// never run, whether another is renamed over it or written into it.
func TestC9SwappedProgram(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("this system runs programs by their path alone")
	}
	t.Parallel()
	dir := t.TempDir()
	program := filepath.Join(dir, "program")
	good, evil := filepath.Join(dir, "good"), filepath.Join(dir, "evil")
	script(t, good, "good", 0o700)
	script(t, evil, "evil", 0o700)
	want, err := Checksum(good)
	if err != nil {
		t.Fatal(err)
	}
	script(t, program, "good", 0o700)

	stop := make(chan struct{})
	var racer sync.WaitGroup
	racer.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			from := good
			if n%4 == 1 {
				from = evil
			}
			content, _ := os.ReadFile(from)
			if n%8 < 4 {
				fresh := filepath.Join(dir, "fresh")
				_ = os.WriteFile(fresh, content, 0o700)
				_ = os.Rename(fresh, program)
			} else {
				_ = os.WriteFile(program, content, 0o700) // into the same file
			}
		}
	})
	starts := swappedStarts
	ran, refused := 0, 0
	for ran < starts && refused < 100*starts {
		i, err := newImage(program)
		if err != nil {
			t.Fatal(err)
		}
		if i.checksum != want {
			refused++
			i.close()
			continue
		}
		p := newProcess(i, nil, nil)
		var out bytes.Buffer
		if err := p.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := out.ReadFrom(p.stdout); err != nil {
			t.Fatal(err)
		}
		if err := p.Wait(context.Background()); err != nil {
			t.Fatalf("%v: %s", err, p.tail)
		}
		if !strings.HasPrefix(out.String(), "good ") {
			t.Fatalf("the bytes that ran are not those that were checked: %q", &out)
		}
		ran++
	}
	close(stop)
	racer.Wait()
	t.Logf("%d ran, %d were refused", ran, refused)
	if ran < starts || refused == 0 {
		t.Errorf("%d ran and %d were refused: there was no race", ran, refused)
	}
}

// TestImageInherits: what is run stands behind what is inherited.
func TestImageInherits(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(program, []byte("#!/bin/sh\ncat <&3\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	fmt.Fprintln(w, "inherited")
	w.Close()
	i, err := newImage(program)
	if err != nil {
		t.Fatal(err)
	}
	p := newProcess(i, []string{"PATH=" + os.Getenv("PATH")}, []*os.File{r})
	if p.cmd.Args[0] != program || p.Name() != program {
		t.Errorf("it calls itself %q and %q", p.cmd.Args[0], p.Name())
	}
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if _, err := out.ReadFrom(p.stdout); err != nil || out.String() != "inherited\n" {
		t.Errorf("%q, %v", &out, err)
	}
	if err := p.Wait(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestImageRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain")
	script(t, plain, "plain", 0o600)
	if _, err := newImage(plain); !errors.Is(err, os.ErrPermission) {
		t.Errorf("a file that may not be executed: %v", err)
	}
	if _, err := newImage(dir); err == nil {
		t.Error("a folder is taken for a program")
	}
	runnable := filepath.Join(dir, "runnable")
	script(t, runnable, "runnable", 0o700)
	locked := "sha256:" + strings.Repeat("0", 64)
	_, err := Start(t.Context(), "fake", Program{Path: runnable, Checksum: locked})
	other, ok := errors.AsType[*ChecksumError](err)
	if !ok {
		t.Fatalf("another program than the locked one: %v", err)
	}
	if found, err := Checksum(runnable); err != nil || other.Found != found || other.Want != locked || other.Path != runnable {
		t.Errorf("%+v, want found %s, %v", other, found, err)
	}
}

func TestFindDoesNotHash(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "p")
	script(t, program, "x", 0o700)
	p, diags := Find(&config.Requirement{Name: "p", Source: program})
	if diags.HasErrors() || p.Path != program || p.Checksum != "" {
		t.Errorf("%+v %v", p, diags)
	}
}

// TestForeignProgram: a program of another machine can't be started, and that
// is said.
func TestForeignProgram(t *testing.T) {
	t.Parallel()
	foreign := filepath.Join(t.TempDir(), "runner-provider-fake")
	if err := os.WriteFile(foreign, []byte("\x7fELF of another machine\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := Start(t.Context(), "fake", Program{Path: foreign})
	if e, ok := errors.AsType[*Error](err); !ok || e.Doing != "start" || !strings.Contains(e.Detail, foreign+" is no program for this machine, which is "+runtime.GOOS+"/"+runtime.GOARCH) {
		t.Errorf("got %v", err)
	}
}
