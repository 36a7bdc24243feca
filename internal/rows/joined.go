package rows

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// Files is a list in one file, or in all whose names match a pattern, in the
// order of these names. A file that is really called so is no pattern.
type Files struct {
	Source string // as shown: the name or the pattern
	Path   string // to open
	Of     func(File) List
}

func (l Files) Open(ctx context.Context) (Reader, error) {
	one := File{l.Source, l.Path}
	if _, err := os.Lstat(l.Path); err == nil || !strings.ContainsAny(l.Source, "*?[") {
		return l.Of(one).Open(ctx)
	}
	found, err := matches(l.Path)
	switch {
	case errors.Is(err, errManyNames):
		return nil, one.refuse("Pattern matches too much", fmt.Sprintf("To find the files of %s more than %d names would have to be looked at. Name the folder that they are in.", l.Source, maxNames))
	case err != nil && !errors.Is(err, filepath.ErrBadPattern):
		if at := (*fs.PathError)(nil); errors.As(err, &at) {
			err = at.Err
		}
		return nil, one.refuse("List can't be read", fmt.Sprintf("A folder in which files of %s may be can't be read: %s. Give yourself the right to read it, or name the folders that are meant.", l.Source, err))
	case err != nil:
		return nil, one.refuse("Invalid pattern", fmt.Sprintf("%q is not a pattern: a bracket in it is not closed. * stands for any characters of a name, ? for one, [ab] for one of these.", l.Source))
	case len(found) == 0:
		return nil, one.refuse("List not found", fmt.Sprintf("No file matches %s. Paths are relative to the file that says them.", l.Source))
	}
	slices.Sort(found)
	joined := joined{Source: l.Source}
	for _, path := range found {
		joined.Parts = append(joined.Parts, l.Of(File{l.shown(path), path}))
	}
	return joined.Open(ctx)
}

// maxNames is how many names a pattern may be held against.
const maxNames = 100_000

var errManyNames = errors.New("too many names")

// matches is [filepath.Glob] with an end: a pattern such as /*/*/*/*.csv may
// take it through the whole machine.
func matches(pattern string) ([]string, error) {
	if _, err := filepath.Match(pattern, ""); err != nil {
		return nil, err
	}
	root := ""
	if filepath.IsAbs(pattern) {
		root = filepath.VolumeName(pattern) + string(filepath.Separator)
		pattern = pattern[len(root):]
	}
	found, looked := []string{root}, 0
	for _, part := range strings.Split(filepath.Clean(pattern), string(filepath.Separator)) {
		var next []string
		for _, folder := range found {
			if !strings.ContainsAny(part, "*?[") {
				path := filepath.Join(folder, part)
				switch _, err := os.Lstat(path); {
				case err == nil:
					next = append(next, path)
				case !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR):
					return nil, err
				}
				continue
			}
			names, err := namesIn(folder, maxNames-looked)
			if err != nil {
				return nil, err
			}
			looked += len(names)
			for _, name := range names {
				if ok, _ := filepath.Match(part, name); ok {
					next = append(next, filepath.Join(folder, name))
				}
			}
		}
		found = next
	}
	return found, nil
}

// namesIn are the names in a folder; none where there is no such folder.
func namesIn(folder string, most int) ([]string, error) {
	if folder == "" {
		folder = "."
	}
	info, err := os.Stat(folder)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && !info.IsDir():
		return nil, nil
	case err != nil:
		return nil, err
	}
	d, err := os.Open(folder)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	names, err := d.Readdirnames(most + 1)
	if len(names) > most {
		return nil, errManyNames
	}
	if err == io.EOF { // it is empty
		err = nil
	}
	return names, err
}

// shown is the name of a file that matches, as one who wrote the pattern knows
// it: with the same steps up at its beginning, and as many names behind them.
func (l Files) shown(path string) string {
	up := ""
	names := strings.Split(l.Source, "/")
	for len(names) > 1 && (names[0] == ".." || names[0] == ".") {
		up, names = up+names[0]+"/", names[1:]
	}
	parts := strings.Split(filepath.ToSlash(path), "/")
	return up + strings.Join(parts[max(0, len(parts)-len(names)):], "/")
}

// A joined is several lists one after another as one. All have the columns of
// the first.
type joined struct {
	Source string // of all of them: the pattern
	Parts  []List
}

func (j joined) Open(ctx context.Context) (Reader, error) {
	first, err := j.Parts[0].Open(ctx)
	if err != nil {
		return nil, err
	}
	return &joinedReader{ctx: ctx, joined: j, part: first, columns: first.Columns()}, nil
}

type joinedReader struct {
	joined
	ctx     context.Context
	part    Reader // being read
	columns []Column

	number   int64
	digests  strings.Builder
	readings []string
	done     error
}

func (r *joinedReader) Columns() []Column { return r.columns }
func (r *joinedReader) Source() string    { return r.joined.Source }

func (r *joinedReader) Next() (Row, error) {
	for r.done == nil {
		row, err := r.part.Next()
		var bad *Problem
		if err != nil && (!errors.As(err, &bad) || bad.Fatal) {
			if err != io.EOF {
				return Row{}, err
			}
			r.done = r.next()
			continue
		}
		r.number++
		row.Number = r.number
		return row, err
	}
	return Row{}, r.done
}

// next goes on to the next part; io.EOF says that there is none.
func (r *joinedReader) next() error {
	fmt.Fprintf(&r.digests, "%s  %s\n", r.part.Digest(), r.part.Source())
	if s := r.part.Reading(); s != "" && !slices.Contains(r.readings, s) {
		r.readings = append(r.readings, s)
	}
	last := r.part.Source()
	if r.Parts = r.Parts[1:]; len(r.Parts) == 0 {
		return io.EOF
	}
	part := r.Parts[0]
	if shaped, ok := part.(interface{ like([]Column) List }); ok {
		part = shaped.like(r.columns)
	}
	next, err := part.Open(r.ctx)
	if err != nil {
		return err
	}
	r.part.Close()
	r.part = next
	if is := r.part.Columns(); !slices.Equal(is, r.columns) {
		return &Problem{Source: r.part.Source(), Line: 1, Fatal: true, Summary: "Files with different headers",
			Detail: fmt.Sprintf("%s has the columns %s, and %s has %s. The files of one list must have the same, in the same order.", r.part.Source(), columnNames(is), last, columnNames(r.columns))}
	}
	return nil
}

func columnNames(columns []Column) string {
	names := make([]string, 0, len(columns))
	for _, c := range columns {
		names = append(names, c.Name)
	}
	if len(names) > 20 {
		names = append(names[:20], "…")
	}
	return strings.Join(names, ", ")
}

func (r *joinedReader) Close() error { return r.part.Close() }

// Digest is over what sha256sum would print of the files.
func (r *joinedReader) Digest() string {
	if r.done != io.EOF {
		return ""
	}
	sum := sha256.Sum256([]byte(r.digests.String()))
	return "sha256:" + hex.EncodeToString(sum[:])
}

func (r *joinedReader) Reading() string {
	return strings.Join(slices.Insert(slices.Clone(r.readings), 0, count(strings.Count(r.digests.String(), "\n"), "file")), ", ")
}
