package providers

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/gohcl"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/bulkrunner/runner/internal/config"
	"github.com/bulkrunner/runner/internal/diag"
)

// LockFile is the name of the lock file, in the folder where the runner works.
const LockFile = "runner.lock.hcl"

// A Lock is which programs may be run as providers.
type Lock struct {
	Providers map[string]Locked // by name
}

// Locked is one provider of a lock file.
type Locked struct {
	Version   string
	Platforms map[string]string // checksum of the program for each platform, such as linux/amd64
}

// Platform is this one, as lock files name it.
func Platform() string { return runtime.GOOS + "/" + runtime.GOARCH }

// Checksum is what the provider's program must have here, "" if the lock says
// nothing of it.
func (l *Lock) Checksum(name string) string { return l.Providers[name].Platforms[Platform()] }

const longestLock = 64 << 10

var (
	lockedName     = regexp.MustCompile(`^[a-z][a-z0-9_-]*$`)
	lockedVersion  = regexp.MustCompile(`^[0-9A-Za-z.+-]+$`)
	lockedPlatform = regexp.MustCompile(`^[a-z0-9]+/[a-z0-9]+$`)
	lockedChecksum = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)
)

// ReadLock reads a lock file. It is nil where there is none.
func ReadLock(path string) (*Lock, diag.List) {
	text, err := config.ReadFile(path) // which waits for no pipe, and ends
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	damaged := func(detail string, at *hcl.Range) diag.List {
		return diag.List{{
			Summary: "Unreadable lock file",
			Detail:  fmt.Sprintf("%s can't be used: %s. Take it from version control again, or remove it and make a new one with runner init.", path, detail),
			Subject: at,
		}}
	}
	if err != nil {
		return nil, damaged(strings.TrimPrefix(err.Error(), "open "+path+": "), nil)
	}
	if len(text) > longestLock {
		return nil, damaged("it is longer than 64 KiB", nil)
	}
	file, diags := hclsyntax.ParseConfig(text, path, hcl.InitialPos)
	var content struct {
		Providers []struct {
			Name      string            `hcl:"name,label"`
			Version   string            `hcl:"version"`
			Platforms map[string]string `hcl:"platforms"`
		} `hcl:"provider,block"`
	}
	if !diags.HasErrors() {
		diags = gohcl.DecodeBody(file.Body, nil, &content)
	}
	if diags.HasErrors() {
		return nil, damaged("it is not as runner init writes it", diags[0].Subject)
	}
	l := &Lock{Providers: make(map[string]Locked)}
	for _, p := range content.Providers {
		if _, twice := l.Providers[p.Name]; twice {
			return nil, damaged(fmt.Sprintf("the provider %q is in it twice", p.Name), nil)
		}
		if !lockedName.MatchString(p.Name) || !lockedVersion.MatchString(p.Version) {
			return nil, damaged("a provider's name or version is not as runner init writes it", nil)
		}
		for platform, sum := range p.Platforms {
			if !lockedPlatform.MatchString(platform) || !lockedChecksum.MatchString(sum) {
				return nil, damaged(fmt.Sprintf("the checksum of provider %q for %q is not as runner init writes it", p.Name, platform), nil)
			}
		}
		l.Providers[p.Name] = Locked{Version: p.Version, Platforms: p.Platforms}
	}
	return l, nil
}

// String is the lock file's text: the same for the same lock.
func (l *Lock) String() string {
	var b strings.Builder
	b.WriteString("# Which programs may be run as providers. Written by runner init; keep it in\n# version control. Nothing else is started in this folder.\n")
	for _, name := range slices.Sorted(maps.Keys(l.Providers)) {
		p := l.Providers[name]
		fmt.Fprintf(&b, "\nprovider %q {\n  version = %q\n  platforms = {\n", name, p.Version)
		for _, platform := range slices.Sorted(maps.Keys(p.Platforms)) {
			fmt.Fprintf(&b, "    %q = %q\n", platform, p.Platforms[platform])
		}
		b.WriteString("  }\n}\n")
	}
	return b.String()
}

// Write puts the lock in the place of the file at path, whole or not at all.
func (l *Lock) Write(path string) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".runner-lock-*")
	if err != nil {
		return fmt.Errorf("write lock file: %w", err)
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
			err = fmt.Errorf("write lock file: %w", err)
		}
	}()
	_, err = f.WriteString(l.String())
	if err == nil {
		err = f.Chmod(0o644) // it holds no secret, and colleagues read it
	}
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	return err
}
