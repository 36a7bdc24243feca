package rows

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"unicode/utf8"
)

// A verifier passes a text file's bytes on as long as they are what they must
// be: UTF-8 without NUL, lines ended by LF or CR LF, the last one too. It hands
// over what stands before a fault and then the fault, and counts the digest of
// all that it read, byte order mark included.
type verifier struct {
	source string
	in     io.Reader
	sum    hash.Hash
	fault  *Problem

	line     int64 // of the next byte
	passed   int64 // bytes handed over
	consumed int64 // of these, bytes of rows that are complete; its owner keeps it
	started  bool
	buffer   []byte
	ready    []byte // verified, and not handed over yet
	last     byte
	rest     []byte // the beginning of a character, or a CR, that the next read completes
	ended    bool
}

func newVerifier(source string, in io.Reader) *verifier {
	return &verifier{source: source, in: in, sum: sha256.New(), line: 1, buffer: make([]byte, 1<<16)}
}

// digest is known once the file has been read to its end.
func (v *verifier) digest() string {
	if !v.ended || len(v.ready) > 0 {
		return ""
	}
	return "sha256:" + hex.EncodeToString(v.sum.Sum(nil))
}

func (v *verifier) Read(p []byte) (int, error) {
	for len(v.ready) == 0 {
		switch {
		case v.fault != nil:
			return 0, v.fault
		case v.ended:
			return 0, io.EOF
		case v.passed-v.consumed > maxRecord+1<<16:
			return 0, v.refuse("Row too long", fmt.Sprintf("A row that ends near this line is longer than %d bytes. A double quote before it probably opens a value and is never closed.", maxRecord))
		}
		if err := v.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, v.ready)
	v.ready = v.ready[n:]
	v.passed += int64(n)
	return n, nil
}

// fill reads ahead into the verifier's own buffer: what a read hands over may
// be less than what can only be judged together.
func (v *verifier) fill() error {
	n := copy(v.buffer, v.rest)
	v.rest = v.rest[:0]
	m, err := v.in.Read(v.buffer[n:])
	v.sum.Write(v.buffer[n : n+m])
	if err != nil && err != io.EOF {
		if at := (*fs.PathError)(nil); errors.As(err, &at) {
			err = at.Err // the path is the machine's; people know the source
		}
		return fmt.Errorf("read %s: %w", v.source, err)
	}
	v.ready = v.verify(v.buffer[:n+m], err == io.EOF)
	return nil
}

// verify returns what of b may be handed over, and notes the fault behind it.
func (v *verifier) verify(b []byte, end bool) []byte {
	if !v.started {
		if len(b) < 4 && !end {
			v.rest = append(v.rest, b...)
			return nil
		}
		v.started = true
		if bytes.HasPrefix(b, []byte{0xFF, 0xFE}) || bytes.HasPrefix(b, []byte{0xFE, 0xFF}) {
			v.refuse("Not UTF-8", "The file is UTF-16, which Excel calls \"Unicode text\". Save it as \"CSV UTF-8\".")
			return nil
		}
		b = bytes.TrimPrefix(b, []byte("\uFEFF"))
	}
	keep := 0
	if !end {
		keep = incomplete(b)
	}
	// A CR at the end is judged with what follows, and judges what precedes.
	bad := -1
	if keep == 1 && b[len(b)-1] == '\r' {
		bad = badByte(b)
	} else {
		bad = badByte(b[:len(b)-keep])
	}
	v.rest = append(v.rest, b[len(b)-keep:]...)
	b = b[:len(b)-keep]
	if i := bad; i >= 0 {
		v.line += int64(bytes.Count(b[:i], []byte{'\n'}))
		switch {
		case b[i] == 0:
			v.refuse("NUL byte in the list", "The line holds a NUL byte: the file is UTF-16 without its mark, or it is damaged. Save it as \"CSV UTF-8\".")
		case b[i] == '\r':
			v.refuse("Unusual line end", "The line ends in a carriage return alone, as old Macs wrote it, or holds one. Save the file with line ends LF or CR LF.")
		default:
			v.refuse("Not UTF-8", fmt.Sprintf("The line holds the byte 0x%02X, which is not UTF-8: the file is probably Latin-1 or Windows-1252. Save it as \"CSV UTF-8\".", b[i]))
		}
		return b[:i]
	}
	v.line += int64(bytes.Count(b, []byte{'\n'}))
	if len(b) > 0 {
		v.last = b[len(b)-1]
	}
	switch {
	case !end:
	case v.last != 0 && v.last != '\n':
		v.refuse("Last line without its end", "The last line has no line end, as in a file that was cut short: its last value may be a smaller amount than it was. Get the file again whole; if it is complete, add a line end to its last line.")
	default:
		v.ended = true
	}
	return b
}

func (v *verifier) refuse(summary, detail string) error {
	v.fault = &Problem{Source: v.source, Line: v.line, Summary: summary, Detail: detail, Fatal: true}
	return v.fault
}

// badByte is the place of the first byte that a list must not hold, or -1.
func badByte(b []byte) int {
	first := -1
	if !utf8.Valid(b) {
		for i := 0; i < len(b); {
			r, size := utf8.DecodeRune(b[i:])
			if r == utf8.RuneError && size == 1 {
				first = i
				break
			}
			i += size
		}
		b = b[:first]
	}
	if i := bytes.IndexByte(b, 0); i >= 0 {
		first, b = i, b[:i]
	}
	for from := 0; ; {
		i := bytes.IndexByte(b[from:], '\r')
		if i < 0 {
			return first
		}
		from += i + 1
		if from < len(b) && b[from] != '\n' {
			return from - 1
		}
	}
}

// incomplete is how many bytes at the end of b can only be judged together
// with what follows.
func incomplete(b []byte) int {
	if len(b) > 0 && b[len(b)-1] == '\r' {
		return 1
	}
	for i := 1; i <= min(3, len(b)); i++ {
		if c := b[len(b)-i]; utf8.RuneStart(c) {
			if c >= utf8.RuneSelf && !utf8.FullRune(b[len(b)-i:]) {
				return i
			}
			return 0
		}
	}
	return 0
}
