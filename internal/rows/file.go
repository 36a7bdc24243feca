package rows

import (
	"bufio"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/klauspost/compress/zstd"

	"github.com/bulkrunner/runner/internal/aside"
	"github.com/bulkrunner/runner/internal/card"
)

// A File is where the bytes of a list are.
type File struct {
	Source string // as shown to the user
	Path   string // to open
}

// Stdin is the path that stands for standard input. It can be read only once.
const Stdin = "-"

// maxWindow bounds the memory that a zstd file may ask for.
const maxWindow = 64 << 20

// A content is a file's bytes, uncompressed, while they are read. It counts
// the digest of the file as it is stored, so that sha256sum gives the same.
type content struct {
	file   File
	in     *bufio.Reader // uncompressed
	raw    io.Reader     // the file, through sum
	close  []func() error
	packed string // how it is compressed: "gzip", "zstd", ""
	sum    hash.Hash
	adding *aside.Writer // to sum
	read   int64         // bytes of the file
	given  int64         // bytes of what it holds
	ended  bool
}

// A compressed file that is to be believed holds rows, each with a key of its
// own, and gets no smaller than this.
const (
	maxRatio   = 200
	judgeRatio = 16 << 20 // bytes, before which it doesn't matter
)

// open opens a list's file, and looks at its first bytes to tell whether it is
// compressed.
func (f File) open(ctx context.Context) (*content, error) {
	c := &content{file: f, sum: sha256.New()}
	var in io.Reader
	if f.Path == Stdin {
		if info, err := os.Stdin.Stat(); err == nil && info.Mode()&fs.ModeCharDevice != 0 {
			return nil, f.refuse("Nothing on standard input", "The list is read from standard input, which is a terminal or nothing. Give it a file or another command's output: runner plan … < orders.csv.")
		}
		in = &interruptible{ctx: ctx, in: os.Stdin}
	} else {
		file, err := openRegular(f)
		if err != nil {
			return nil, err
		}
		in = file
		c.close = append(c.close, file.Close)
	}
	c.adding = aside.NewWriter(c.sum)
	c.close = append(c.close, c.adding.Close)
	c.raw = io.TeeReader(in, (*counted)(c))
	if err := c.unpack(); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

var magics = map[string]string{"gzip": "\x1f\x8b", "zstd": "\x28\xb5\x2f\xfd"}

// unpack tells compression by the first bytes, and holds the file's name to it.
func (c *content) unpack() error {
	in := bufio.NewReaderSize(c.raw, 1<<16)
	c.in = in
	start, err := in.Peek(4)
	if err != nil && err != io.EOF {
		return c.wrap(err)
	}
	for kind, magic := range magics {
		if strings.HasPrefix(string(start), magic) {
			c.packed = kind
		}
	}
	for suffix, kind := range map[string]string{".gz": "gzip", ".zst": "zstd"} {
		if strings.HasSuffix(strings.ToLower(c.file.Path), suffix) && c.packed != kind {
			return c.file.refuse("Not compressed", fmt.Sprintf("%s is named as a %s file and is none: it doesn't begin as one. Get it again, or give it the name of what it is.", c.file.Source, kind))
		}
	}
	switch c.packed {
	case "gzip":
		z, err := gzip.NewReader(in)
		if err != nil {
			return c.wrap(err)
		}
		c.in = bufio.NewReaderSize(z, 1<<16)
	case "zstd":
		z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderLowmem(true))
		if err != nil {
			return c.wrap(err)
		}
		c.close = append(c.close, func() error { z.Close(); return nil })
		c.in = bufio.NewReaderSize(z, 1<<16)
	}
	return nil
}

// counted notes what is read of the file.
type counted content

func (c *counted) Write(p []byte) (int, error) {
	c.read += int64(len(p))
	return c.adding.Write(p)
}

// Read ends only when the file has been read to its end, too.
func (c *content) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	c.given += int64(n)
	if c.packed != "" && c.given > judgeRatio && c.given/maxRatio > c.read {
		return 0, c.file.refuse("Unpacks without end", fmt.Sprintf("%s holds more than %d times of its own size, as no list of rows does that have keys of their own. Unpack it, and look at what it is.", c.file.Source, maxRatio))
	}
	if err == nil {
		return n, nil
	}
	if err == io.EOF {
		if _, err = io.Copy(io.Discard, c.raw); err == nil {
			c.ended = true
			return n, io.EOF
		}
	}
	return n, c.wrap(err)
}

// wrap makes an error one that names the list as people know it.
func (c *content) wrap(err error) error {
	if c.packed != "" {
		if at := (*fs.PathError)(nil); !errors.As(err, &at) && !errors.Is(err, context.Canceled) {
			return c.file.refuse("Damaged compression", fmt.Sprintf("%s can't be unpacked as %s: it was cut short or is damaged (%s). Get it again whole.", c.file.Source, c.packed, err))
		}
	}
	if at := (*fs.PathError)(nil); errors.As(err, &at) {
		err = at.Err // the path is the machine's; people know the source
	}
	return fmt.Errorf("read %s: %w", c.file.Source, err)
}

// digest is known once the file has been read to its end. Nothing is read
// after it.
func (c *content) digest() string {
	if !c.ended || c.adding.Close() != nil {
		return ""
	}
	return "sha256:" + hex.EncodeToString(c.sum.Sum(nil))
}

func (c *content) Close() error {
	var err error
	for _, f := range slices.Backward(c.close) {
		err = errors.Join(err, f())
	}
	return err
}

func (f File) refuse(summary, detail string) *Problem {
	return &Problem{Source: f.Source, Summary: summary, Detail: detail, Fatal: true}
}

// openRegular opens a list's file. Pipes and devices are refused: a list is
// read more than once, and its digest must still mean something afterwards.
func openRegular(f File) (*os.File, error) {
	if f.Path == Stdin {
		return nil, f.refuse("Not from standard input", "A list of this type can't be read from standard input, since it isn't read from its beginning to its end. Save it in a file and name that.")
	}
	if card.First(f.Source) != "" {
		return nil, f.refuse("Name looks like a card number", "The run file keeps the names of lists, and "+card.Mask(f.Source)+" has what looks like a card number in it. Give the file or its folder another name.")
	}
	info, err := os.Stat(f.Path)
	if err == nil {
		switch mode := info.Mode(); {
		case mode.IsDir():
			return nil, f.refuse("List is a folder", f.Source+" is a folder. Name the file in it, or all its files by a pattern such as "+filepath.ToSlash(filepath.Join(f.Source, "*.csv"))+".")
		case mode&fs.ModeNamedPipe != 0:
			return nil, f.refuse("List is a pipe", f.Source+" is a named pipe, which can be read only once. Save its content in a file and name that, or say path = \"-\" and give it on standard input.")
		case !mode.IsRegular():
			return nil, f.refuse("List is not a file", f.Source+" is a device or a socket. Save its content in a file and name that.")
		}
	}
	var file *os.File
	if err == nil {
		// Should it have become a pipe meanwhile, this doesn't wait for a writer.
		file, err = os.OpenFile(f.Path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	}
	if err == nil {
		if info, err = file.Stat(); err == nil && !info.Mode().IsRegular() {
			file.Close()
			return nil, f.refuse("List is not a file", f.Source+" is no file any more. Save its content in a file and name that.")
		}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, f.refuse("List not found", "There is no file "+f.Source+". Paths are relative to the file that says them.")
	case errors.Is(err, fs.ErrPermission):
		return nil, f.refuse("List can't be read", "You have no permission to read "+f.Source+". Ask its owner, or give yourself the right to read it.")
	case err != nil:
		if at := (*fs.PathError)(nil); errors.As(err, &at) {
			err = at.Err
		}
		return nil, f.refuse("List can't be read", fmt.Sprintf("%s can't be opened: %s.", f.Source, err))
	}
	return file, nil
}

// interruptible reads from where a read may wait for ever: a terminal, a pipe
// whose writer has stopped. When its context ends it ends, and leaves a
// goroutine waiting that nothing else could wake.
type interruptible struct {
	ctx    context.Context
	in     io.Reader
	chunks chan chunk
	rest   []byte
	err    error
}

type chunk struct {
	bytes []byte
	err   error
}

func (r *interruptible) Read(p []byte) (int, error) {
	if r.chunks == nil {
		r.chunks = make(chan chunk, 1)
		go func() {
			for {
				b := make([]byte, 1<<16)
				n, err := r.in.Read(b)
				select {
				case r.chunks <- chunk{b[:n], err}:
				case <-r.ctx.Done():
					return
				}
				if err != nil {
					return
				}
			}
		}()
	}
	for len(r.rest) == 0 {
		if r.err != nil {
			return 0, r.err
		}
		select {
		case c := <-r.chunks:
			r.rest, r.err = c.bytes, c.err
		case <-r.ctx.Done():
			r.err = context.Cause(r.ctx)
		}
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

func sortedNames[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for n := range m {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}
