package rows

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// A verifier passes a text file's bytes on as long as they are what they must
// be: UTF-8 without NUL, lines ended by LF or CR LF, the last one too. It hands
// over what stands before a fault and then the fault.
type verifier struct {
	source  string
	in      io.Reader
	endless bool // the last line need not have its end
	fault   *Problem

	line     int64 // of the next byte
	passed   int64 // bytes handed over
	consumed int64 // of these, bytes of rows that are complete; its owner keeps it
	buffer   []byte
	ready    []byte // verified, and not handed over yet
	last     byte
	rest     []byte // the beginning of a character, or a CR, that the next read completes
	ended    bool

	empty    []int64 // the lines that have nothing in them, if noting; its owner takes them off
	noting   bool
	previous byte // the last byte but for a CR, when noting
}

func newVerifier(source string, in io.Reader) *verifier {
	return &verifier{source: source, in: in, line: 1, buffer: make([]byte, 1<<16), previous: '\n'}
}

func (v *verifier) Read(p []byte) (int, error) {
	for len(v.ready) == 0 {
		switch {
		case v.fault != nil:
			return 0, v.fault
		case v.ended:
			return 0, io.EOF
		case v.passed-v.consumed > maxRecord+1<<16:
			return 0, v.refuse("Row too long", v.tooLong("A row that ends near this line")+" A double quote before it probably opens a value and is never closed.")
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
	v.ready = v.verify(v.buffer[:n+m], err == io.EOF)
	if v.fault != nil || err == nil || err == io.EOF {
		return nil
	}
	if !errors.As(err, &v.fault) {
		return err
	}
	return nil
}

// verify returns what of b may be handed over, and notes the fault behind it.
func (v *verifier) verify(b []byte, end bool) []byte {
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
		// What a character begins after is no line end, though it isn't whole yet.
		if n := len(b) - keep; bad < 0 && keep > 0 && n > 0 && b[n-1] == '\r' {
			bad = n - 1
		}
	}
	v.rest = append(v.rest, b[len(b)-keep:]...)
	b = b[:len(b)-keep]
	if i := bad; i >= 0 {
		v.line += int64(bytes.Count(b[:i], []byte{'\n'}))
		switch {
		case b[i] == 0:
			v.refuse("NUL byte in the list", "The line holds a NUL byte: "+nul(b, i)+".")
		case b[i] == '\r':
			v.refuse("Unusual line end", "The line ends in a carriage return alone, as old Macs wrote it, or holds one. Save the file with line ends LF or CR LF.")
		case end && !utf8.FullRune(b[i:]):
			v.refuse("Last line without its end", "The file ends in the middle of a character: it was cut short. Get it again whole.")
		default:
			line := b[bytes.LastIndexByte(b[:i], '\n')+1:]
			at := i - (len(b) - len(line))
			if end := bytes.IndexByte(line, '\n'); end >= 0 {
				line = line[:end]
			}
			v.refuse("Not UTF-8", fmt.Sprintf("The line holds the byte 0x%02X, which is not UTF-8.%s", b[i], likely(line, at)))
		}
		return b[:i]
	}
	if v.noting {
		v.note(b)
	}
	v.line += int64(bytes.Count(b, []byte{'\n'}))
	if len(b) > 0 {
		v.last = b[len(b)-1]
	}
	switch {
	case !end:
	case v.last != 0 && v.last != '\n' && !v.endless:
		v.refuse("Last line without its end", "The last line has no line end, as in a file that was cut short: its last value may be a smaller amount than it was. Get the file again whole. If it is complete, add a line end to its last line, or say final_newline = \"optional\" in the list.")
	default:
		v.ended = true
	}
	return b
}

// tooLong says so of a row. Comments above it count as part of it, since a
// quote that was opened may make them one.
func (v *verifier) tooLong(what string) string {
	if v.noting {
		return fmt.Sprintf("%s, with the comments above it, is longer than %d bytes. If these are so many, take them out.", what, maxRecord)
	}
	return fmt.Sprintf("%s is longer than %d bytes.", what, maxRecord)
}

func (v *verifier) refuse(summary, detail string) error {
	v.fault = &Problem{Source: v.source, Line: v.line, Summary: summary, Detail: detail, Fatal: true}
	return v.fault
}

// note keeps the numbers of empty lines.
func (v *verifier) note(b []byte) {
	line := v.line
	for _, c := range b {
		switch c {
		case '\r':
			continue
		case '\n':
			if v.previous == '\n' {
				v.empty = append(v.empty, line)
			}
			line++
		}
		v.previous = c
	}
}

// nul says what a NUL byte at i probably means: UTF-16 has one beside each of
// our letters.
func nul(b []byte, i int) string {
	for name, beside := range map[string]int{"utf-16le": i - 1, "utf-16be": i + 1} {
		if beside >= 0 && beside+2 < len(b) && b[beside] != 0 && (i+2 >= len(b) || b[i+2] == 0) && b[beside+2] != 0 && (name == "utf-16le") == (i%2 == 1) {
			return "the file is probably UTF-16 without its mark. Declare encoding = \"" + name + "\", or save it as \"CSV UTF-8\""
		}
	}
	return "the file is damaged, or no text at all. Get it again"
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
