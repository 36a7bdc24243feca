package rows

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// charmaps are the encodings of one byte a character that a list may declare,
// by their IANA names. Those of East Asia aren't among them: nobody has asked.
var charmaps = map[string]*charmap.Charmap{
	"iso-8859-1": charmap.ISO8859_1, "iso-8859-15": charmap.ISO8859_15,
	"windows-1250": charmap.Windows1250, "windows-1252": charmap.Windows1252,
	"ibm850": charmap.CodePage850, "macintosh": charmap.Macintosh,
}

// Encodings are the words that a list may declare.
func Encodings() []string {
	return slices.Concat([]string{"utf-8", "utf-16", "utf-16le", "utf-16be"}, sortedNames(charmaps))
}

// decode gives a list's text as UTF-8, from what the list declares ("" is
// UTF-8) and what the file's first bytes say. Reading is what they said.
func decode(c *content, declared string) (in io.Reader, reading string, err error) {
	start, err := c.in.Peek(3)
	if err != nil && err != io.EOF {
		return nil, "", c.wrap(err)
	}
	mark := ""
	switch {
	case bytes.HasPrefix(start, []byte("\xEF\xBB\xBF")):
		mark = "utf-8"
		c.in.Discard(3)
	case bytes.HasPrefix(start, []byte{0xFF, 0xFE}):
		mark = "utf-16le"
		c.in.Discard(2)
	case bytes.HasPrefix(start, []byte{0xFE, 0xFF}):
		mark = "utf-16be"
		c.in.Discard(2)
	}
	if mark != "" && declared != "" && !strings.HasPrefix(mark, declared) {
		return nil, "", c.file.refuse("Another encoding", fmt.Sprintf("%s begins with the mark of %s, and the list declares %s. Take encoding out of the list, or name the file that was meant.", c.file.Source, mark, declared))
	}
	encoding := declared
	if mark != "" {
		encoding = mark
	}
	switch encoding {
	case "", "utf-8":
		if mark != "" {
			reading = "byte order mark"
		}
		return c, reading, nil
	case "utf-16":
		return nil, "", c.file.refuse("Encoding without its mark", c.file.Source+" doesn't begin with the mark that tells the two kinds of UTF-16 apart. Declare which it is: encoding = \"utf-16le\", which Windows writes, or \"utf-16be\".")
	case "utf-16le", "utf-16be":
		if mark != "" {
			reading = strings.ToUpper(mark)
		}
		return &wide{file: c.file, in: bufio.NewReader(c), big: encoding == "utf-16be", line: 1}, reading, nil
	}
	n := &narrow{file: c.file, in: c, name: encoding, line: 1}
	for b := range n.runes {
		n.runes[b] = charmaps[encoding].DecodeByte(byte(b))
	}
	return n, "", nil
}

// narrow decodes an encoding of one byte a character.
type narrow struct {
	file  File
	in    io.Reader
	name  string
	runes [256]rune
	line  int64
	raw   [1 << 14]byte
	out   []byte
	rest  []byte
	err   error

	// What has been read is watched for being UTF-8 after all, which a text of
	// this encoding with letters beyond ASCII hardly ever is.
	part    []byte // of a character of UTF-8
	utf8    int64  // the line of the first one of several bytes
	another bool   // some bytes are none
}

func (n *narrow) Read(p []byte) (int, error) {
	for len(n.rest) == 0 {
		if n.err != nil {
			return 0, n.err
		}
		m, err := n.in.Read(n.raw[:])
		n.err = err
		n.out = n.out[:0]
		for _, b := range n.raw[:m] {
			r := n.runes[b]
			// What encodings of this family have at 0x80 to 0x9F is letters and
			// quotes; a control character there says that it is another one.
			if r == utf8.RuneError || r >= 0x80 && r < 0xA0 {
				n.err = n.bad(b)
				break
			}
			n.watch(b)
			if r == '\n' {
				n.line++
			}
			n.out = utf8.AppendRune(n.out, r)
		}
		n.rest = n.out
		if n.err == io.EOF && n.utf8 > 0 && !n.another && len(n.part) == 0 {
			p := n.file.refuse("Another encoding", fmt.Sprintf("The list declares %s, and all that isn't ASCII in the file is UTF-8, from this line on. Take encoding out of the list.", n.name))
			p.Line = n.utf8
			n.err = p
		}
	}
	m := copy(p, n.rest)
	n.rest = n.rest[m:]
	return m, nil
}

func (n *narrow) watch(b byte) {
	if n.another || b < utf8.RuneSelf && len(n.part) == 0 {
		return
	}
	n.part = append(n.part, b)
	if !utf8.FullRune(n.part) {
		return
	}
	if _, size := utf8.DecodeRune(n.part); size != len(n.part) || size == 1 {
		n.another = true
	} else if n.utf8 == 0 {
		n.utf8 = n.line
	}
	n.part = n.part[:0]
}

func (n *narrow) bad(b byte) *Problem {
	likely := " Declare the encoding that the file has, or save it as \"CSV UTF-8\"."
	if n.name == "iso-8859-1" || n.name == "iso-8859-15" {
		if r := charmap.Windows1252.DecodeByte(b); r >= 0xA0 && r != utf8.RuneError {
			likely = fmt.Sprintf(" In Windows-1252 it is %q: declare encoding = \"windows-1252\".", r)
		}
	}
	p := n.file.refuse("Not in the declared encoding", fmt.Sprintf("The line holds the byte 0x%02X, which no character of %s has.%s", b, n.name, likely))
	p.Line = n.line
	return p
}

// wide decodes UTF-16.
type wide struct {
	file File
	in   *bufio.Reader
	big  bool
	line int64
	rest []byte
	room [utf8.UTFMax]byte
	err  error
}

func (w *wide) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		if len(w.rest) == 0 {
			if w.err != nil {
				break
			}
			w.next()
			continue
		}
		m := copy(p[n:], w.rest)
		n, w.rest = n+m, w.rest[m:]
	}
	if n == 0 && len(p) > 0 {
		return 0, w.err
	}
	return n, nil
}

func (w *wide) next() {
	r, ok := w.unit()
	if !ok {
		return
	}
	if utf16.IsSurrogate(r) {
		second, ok := w.unit()
		if !ok && w.err != io.EOF {
			return
		}
		if r = utf16.DecodeRune(r, second); r == unicode.ReplacementChar {
			w.bad("half of a character that is made of two")
			return
		}
	}
	if r == '\n' {
		w.line++
	}
	w.rest = utf8.AppendRune(w.room[:0], r)
}

func (w *wide) unit() (rune, bool) {
	first, err := w.in.ReadByte()
	if err != nil {
		w.err = err
		return 0, false
	}
	second, err := w.in.ReadByte()
	if err == io.EOF {
		w.bad("half of a character, as in a file that was cut short")
		return 0, false
	}
	if err != nil {
		w.err = err
		return 0, false
	}
	if w.big {
		first, second = second, first
	}
	return rune(first) | rune(second)<<8, true
}

func (w *wide) bad(what string) {
	p := w.file.refuse("Not in the declared encoding", "The line holds "+what+": the file is not whole, or it is not UTF-16. Get it again.")
	p.Line = w.line
	w.err = p
}

// letters are those that tell encodings apart in the languages of our lists.
const letters = "áéíóúüñÁÉÍÓÚÜÑàâãçêôõÀÂÃÇÊÔÕ¿¡ºª°€“”‘’–"

// likely guesses the encoding of a line that isn't UTF-8, for a message and for
// nothing else, and shows the word about byte i as it would read.
func likely(line []byte, i int) string {
	best, most, word := "", 0, ""
	for _, name := range []string{"windows-1252", "ibm850", "macintosh"} {
		score := 0
		for _, b := range line {
			if b >= utf8.RuneSelf && strings.ContainsRune(letters, charmaps[name].DecodeByte(b)) {
				score++
			}
		}
		if score > most {
			best, most = name, score
			from, to := i, i
			part := func(b byte) bool {
				return b >= utf8.RuneSelf || b >= '0' && b <= '9' || b >= 'A' && b <= 'Z' || b >= 'a' && b <= 'z'
			}
			for from > 0 && i-from < 20 && part(line[from-1]) {
				from--
			}
			for to < len(line) && to-i < 20 && part(line[to]) {
				to++
			}
			decoded, _ := charmaps[name].NewDecoder().Bytes(line[from:to])
			word = string(decoded)
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" It is probably %s, in which that word is %q: declare encoding = %q, or save it as \"CSV UTF-8\".", best, word, best)
}
