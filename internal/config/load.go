package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"syscall"

	"github.com/bulkrunner/runner/internal/card"
	"github.com/bulkrunner/runner/internal/diag"
	"github.com/hashicorp/hcl/v2"
)

const (
	suffix     = ".ops.hcl"
	jsonSuffix = ".ops.hcl.json"

	// MaxFile is the most bytes that an operation file may have.
	MaxFile = 1 << 20

	maxTotal = 8 << 20 // bytes of all of them: a run file keeps every one
)

// IsOperationFile tells operation files by their names.
func IsOperationFile(name string) bool {
	return strings.HasSuffix(name, suffix) || strings.HasSuffix(name, jsonSuffix)
}

// Load reads the operation files that paths name. A path is an operation file,
// or a folder, which stands for all operation files directly in it whose names
// don't begin with a full stop (editors leave such files behind). A file that
// two paths name is read once.
//
// The configuration is never nil; it may only be used when the list has no
// errors.
func Load(paths []string) (*Config, diag.List) {
	l := loader{}
	for _, path := range paths {
		l.path(path)
	}
	if l.diags.HasErrors() {
		return newConfig(nil), masked(l.diags)
	}
	cfg, diags := Parse(l.sources)
	if !diags.HasErrors() {
		diags = append(diags, cfg.cards()...)
	}
	return cfg, masked(append(l.diags, limited(diags)...))
}

type loader struct {
	sources []Source
	read    []fs.FileInfo
	total   int
	diags   diag.List
}

func (l *loader) refuse(summary, detail string, subject *hcl.Range) {
	l.diags = append(l.diags, diag.Diagnostic{Summary: summary, Detail: detail, Subject: subject})
}

func (l *loader) path(path string) {
	name := filepath.ToSlash(path)
	info, err := os.Stat(path)
	switch {
	case path == "":
		l.refuse("Missing path", `An empty path was given. Give an operation file, or a folder that holds some; "." is the current folder.`, nil)
	case errors.Is(err, fs.ErrNotExist):
		l.refuse("No such file or folder", fmt.Sprintf("%q does not exist. Check the path; it is taken from the current folder, or from the one that --chdir names.", name), nil)
	case err != nil:
		l.unreadable(name, err)
	case info.IsDir() && !IsOperationFile(info.Name()):
		l.folder(path)
	case !info.IsDir() && info.Mode().IsRegular() && !IsOperationFile(name):
		l.refuse("Not an operation file", fmt.Sprintf("%q is not an operation file: their names end in %s or %s. Rename it if it is one.", name, suffix, jsonSuffix), nil)
	default:
		l.file(path)
	}
}

func (l *loader) folder(path string) {
	name := filepath.ToSlash(path)
	entries, err := os.ReadDir(path)
	if err != nil {
		l.unreadable(name, err)
		return
	}
	found := false
	for _, e := range entries {
		if IsOperationFile(e.Name()) && !strings.HasPrefix(e.Name(), ".") {
			found = true
			l.file(filepath.Join(path, e.Name()))
		}
	}
	if !found {
		l.refuse("No operation files", fmt.Sprintf("The folder %q has no operation files directly in it: their names end in %s or %s. Folders below it are not searched; name them too if they are meant.", name, suffix, jsonSuffix), nil)
	}
}

func (l *loader) file(path string) {
	name := filepath.ToSlash(path)
	if shown := card.Mask(name); shown != name {
		l.refuse("Name looks like a card number", fmt.Sprintf("The run file keeps the names of operation files, and %q has what looks like a card number in it. Give the file or its folder another name.", shown), nil)
		return
	}
	info, err := os.Stat(path)
	if err != nil {
		l.unreadable(name, err)
		return
	}
	if !info.Mode().IsRegular() {
		l.refuse("Not a regular file", fmt.Sprintf("%q is %s. Only regular files are read, so that the run file can keep what was read and apply can look at it again.", name, kind(info.Mode())), nil)
		return
	}
	for _, other := range l.read {
		if os.SameFile(info, other) {
			return
		}
	}
	b, err := ReadFile(path)
	if err != nil {
		l.unreadable(name, err)
		return
	}
	if len(b) > MaxFile {
		refusal := tooLarge(name)
		l.diags = append(l.diags, refusal)
		return
	}
	if l.total += len(b); l.total > maxTotal {
		l.refuse("Operation files are too large together", fmt.Sprintf("With %q the operation files pass 8 MiB, the most that one run keeps. Give fewer files; rows belong in a list's file.", name), fileStart(name))
		return
	}
	l.read = append(l.read, info)
	l.sources = append(l.sources, Source{Name: name, Bytes: b})
}

// ReadFile reads at most one byte more than an operation file may have. It
// opens without blocking and asks again what it has opened: a path that was a
// file a moment ago may be a pipe that nobody writes to.
func ReadFile(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("it is %s", kind(info.Mode()))
	}
	return io.ReadAll(io.LimitReader(f, MaxFile+1))
}

func (l *loader) unreadable(name string, err error) {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err // the path is named already
	}
	l.refuse("Unreadable file", fmt.Sprintf("%q can't be read: %s. Check that it exists and that you may read it.", name, err), nil)
}

func tooLarge(name string) diag.Diagnostic {
	return diag.Diagnostic{
		Summary: "File is too large",
		Detail:  fmt.Sprintf("%q is larger than 1 MiB, the most that such a file may have. Rows belong in a list's file, which may have any size.", name),
		Subject: fileStart(name),
	}
}

// fileStart is where a message about a file as a whole points.
func fileStart(name string) *hcl.Range {
	return &hcl.Range{Filename: name, Start: hcl.InitialPos, End: hcl.InitialPos}
}

func kind(m fs.FileMode) string {
	switch {
	case m.IsDir():
		return "a folder"
	case m&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case m&fs.ModeSocket != 0:
		return "a socket"
	case m&fs.ModeDevice != 0:
		return "a device"
	}
	return "no regular file"
}

func newConfig(sources []Source) *Config {
	sources = append([]Source(nil), sources...)
	sort.SliceStable(sources, func(i, j int) bool { return sources[i].Name < sources[j].Name })
	return &Config{
		Sources:    sources,
		Runner:     Runner{RequiredProviders: map[string]*Requirement{}},
		Variables:  map[string]*Variable{},
		Locals:     map[string]*Local{},
		Providers:  map[string]*Provider{},
		Lists:      map[string]*List{},
		Operations: map[string]*Operation{},
	}
}
