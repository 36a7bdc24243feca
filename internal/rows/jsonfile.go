package rows

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// What a JSON file may hold beside the sizes that a CSV has.
const maxDepth = 64

// begin finds the array, or that the file is JSON Lines.
func (r *jsonReader) begin(at []string) error {
	c, err := r.peek()
	switch {
	case err == io.EOF:
		return r.refuse(r.line, "Empty list", "The file holds nothing at all. An array without rows is written [].")
	case err != nil:
		return err
	case c == '[' && len(at) == 0:
		r.take()
		return nil
	case c == '[':
		return r.refuse(r.line, "No such place in the document", fmt.Sprintf("The file is an array, and at says %q. Take at out of the list.", strings.Join(at, ".")))
	case c == '{' && len(at) == 0:
		r.lines = true
		return nil
	case c != '{':
		return r.refuse(r.line, "Not JSON", fmt.Sprintf("The file begins with %q. A list of type json is an array of objects, or one object on each line. If the file has columns, its type is csv.", c))
	}
	for depth, name := range at {
		if err := r.enter(at[:depth+1], name); err != nil {
			return err
		}
	}
	c, err = r.peek()
	if err == nil && c != '[' {
		return r.refuse(r.line, "No such place in the document", fmt.Sprintf("What stands at %q begins with %q and is no array. at leads to the array whose elements are the rows: say where that stands.", strings.Join(at, "."), c))
	}
	if err != nil {
		return cutShort(err)
	}
	r.take()
	return nil
}

// enter goes into the object that comes, up to the value of a member.
func (r *jsonReader) enter(path []string, name string) error {
	if c, err := r.peek(); err != nil {
		return cutShort(err)
	} else if c != '{' {
		return r.refuse(r.line, "No such place in the document", fmt.Sprintf("What stands at %q begins with %q and is no object, so that nothing is in it. at leads to the array whose elements are the rows: say where that stands.", strings.Join(path[:len(path)-1], "."), c))
	}
	r.take()
	level := &members{names: make(map[string]bool)}
	r.levels = append(r.levels, level)
	for first := true; ; first = false {
		got, more, err := r.member(level, first)
		if err != nil {
			return err
		}
		if !more {
			return r.refuse(r.line, "No such place in the document", fmt.Sprintf("The document has nothing at %q.%s", strings.Join(path, "."), hint(name, level.columns())))
		}
		if got == name {
			return nil
		}
		if err := r.pass(0); err != nil {
			return err
		}
	}
}

func (m *members) columns() []Column {
	var out []Column
	for _, name := range sortedNames(m.names) {
		out = append(out, Column{Name: name})
	}
	return out
}

// member reads the name of an object's next member, up to its value.
func (r *jsonReader) member(of *members, first bool) (name string, more bool, err error) {
	c, err := r.peek()
	if err != nil {
		return "", false, cutShort(err)
	}
	if c == '}' {
		r.take()
		return "", false, nil
	}
	if !first {
		if c != ',' {
			return "", false, r.unexpected(c)
		}
		r.take()
		if c, err = r.peek(); err != nil {
			return "", false, cutShort(err)
		}
	}
	if c != '"' {
		return "", false, r.unexpected(c)
	}
	raw, err := r.value()
	if err != nil {
		return "", false, err
	}
	p := &parser{s: string(raw)}
	if name, err = p.text(); err != nil {
		return "", false, r.refuse(r.line, "Invalid JSON", fmt.Sprintf("A name on this line can't be read: %s.", err))
	}
	if of.names[name] || len(of.names) == 10*maxColumns {
		return "", false, r.refuse(r.line, "Repeated member", fmt.Sprintf("An object has two members %q, or too many to be looked at. Which of the two is meant would be a guess: take one out.", cut(name)))
	}
	of.names[name] = true
	if c, err = r.peek(); err != nil {
		return "", false, cutShort(err)
	}
	if c != ':' {
		return "", false, r.unexpected(c)
	}
	r.take()
	return name, true, nil
}

// pass reads over a value of any size.
func (r *jsonReader) pass(depth int) error {
	c, err := r.peek()
	switch {
	case err != nil:
		return cutShort(err)
	case depth > maxDepth:
		return r.refuse(r.line, "Invalid JSON", fmt.Sprintf("The document is nested deeper than %d levels.", maxDepth))
	case c == '{':
		r.take()
		level := &members{names: make(map[string]bool)}
		for first := true; ; first = false {
			_, more, err := r.member(level, first)
			if err != nil || !more {
				return err
			}
			if err := r.pass(depth + 1); err != nil {
				return err
			}
		}
	case c == '[':
		r.take()
		for first := true; ; first = false {
			if more, err := r.more(first); err != nil || !more {
				return err
			}
			if err := r.pass(depth + 1); err != nil {
				return err
			}
		}
	}
	raw, err := r.value()
	if err != nil {
		return err
	}
	p := &parser{s: string(raw)}
	if err = p.skip(1); err == nil {
		err = p.end()
	}
	if err != nil {
		return r.refuse(r.line, "Invalid JSON", fmt.Sprintf("A value on this line can't be read: %s.", err))
	}
	return nil
}

// more tells whether an array goes on, and reads what stands before its next
// element.
func (r *jsonReader) more(first bool) (bool, error) {
	c, err := r.peek()
	switch {
	case err != nil:
		return false, cutShort(err)
	case c == ']':
		r.take()
		return false, nil
	case first:
		return true, nil
	case c != ',':
		return false, r.unexpected(c)
	}
	r.take()
	if c, err = r.peek(); err != nil {
		return false, cutShort(err)
	}
	if c == ']' {
		return false, r.unexpected(c)
	}
	return true, nil
}

// element reads the next row as it stands; io.EOF says that there is none, and
// that what stands behind the rows is whole.
func (r *jsonReader) element() (*element, error) {
	if r.lines {
		return r.lineElement()
	}
	more, err := r.more(!r.inside)
	if err != nil {
		return nil, err
	}
	if more {
		r.inside = true
		if _, err := r.peek(); err != nil {
			return nil, cutShort(err)
		}
		line := r.line
		raw, err := r.value()
		return &element{line, string(raw)}, err
	}
	for len(r.levels) > 0 {
		last := len(r.levels) - 1
		for {
			_, more, err := r.member(r.levels[last], false)
			if err != nil {
				return nil, err
			}
			if !more {
				break
			}
			if err := r.pass(0); err != nil {
				return nil, err
			}
		}
		r.levels = r.levels[:last]
	}
	c, err := r.peek()
	if err == nil {
		return nil, r.refuse(r.line, "Invalid JSON", fmt.Sprintf("Behind the document stands %q. A file holds one document, or JSON Lines.", c))
	}
	return nil, err
}

// lineElement reads a line that isn't empty. Empty ones may only be the last.
func (r *jsonReader) lineElement() (*element, error) {
	for blank := int64(0); ; {
		line := r.line
		r.buffer = r.buffer[:0]
		for {
			part, err := r.in.ReadSlice('\n')
			r.buffer = append(r.buffer, part...)
			if len(r.buffer) > maxRecord {
				return nil, r.refuse(line, "Row too long", fmt.Sprintf("The row is longer than %d bytes.", maxRecord))
			}
			if err == nil {
				r.line++
				break
			}
			if err == io.EOF && len(r.buffer) > 0 {
				break
			}
			if err != bufio.ErrBufferFull {
				return nil, err
			}
		}
		r.passed += int64(len(r.buffer))
		r.bytes.consumed = r.passed
		if raw := bytes.TrimSpace(r.buffer); len(raw) == 0 {
			blank = line
		} else if blank > 0 {
			return nil, r.refuse(blank, "Empty line", "A line between the rows is empty, so a row may have been lost. Remove the line, or put the row back.")
		} else {
			return &element{line, string(raw)}, nil
		}
	}
}

// value reads one value as it stands, without looking at more than where it
// ends. It holds until the next one is read.
func (r *jsonReader) value() ([]byte, error) {
	r.buffer = r.buffer[:0]
	start, depth, quoted := r.line, 0, false
	for {
		c, err := r.in.ReadByte()
		if err == io.EOF && depth == 0 && !quoted && len(r.buffer) > 0 {
			return r.buffer, nil
		}
		if err != nil {
			return nil, cutShort(err)
		}
		switch {
		case quoted && c == '\\':
			r.buffer = append(r.buffer, c)
			r.passed++
			if c, err = r.in.ReadByte(); err != nil {
				return nil, cutShort(err)
			}
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
		case depth == 0 && strings.IndexByte(",:]} \t\r\n", c) >= 0:
			r.in.UnreadByte()
			r.bytes.consumed = r.passed
			if len(r.buffer) == 0 {
				return nil, r.unexpected(c)
			}
			return r.buffer, nil
		case c == '}' || c == ']':
			depth--
		}
		if c == '\n' {
			r.line++
		}
		r.passed++
		if r.buffer = append(r.buffer, c); len(r.buffer) > maxRecord {
			return nil, r.refuse(start, "Row too long", fmt.Sprintf("What begins on this line is longer than %d bytes. Where the rows are an array within it, say where, as in at = \"data.orders\".", maxRecord))
		}
		if depth == 0 && !quoted && (c == '"' || c == '}' || c == ']') {
			r.bytes.consumed = r.passed
			return r.buffer, nil
		}
	}
}

// peek is the next byte that isn't space.
func (r *jsonReader) peek() (byte, error) {
	for blank := 0; ; blank++ {
		if blank > maxRecord {
			return 0, r.refuse(r.line, "Too much white space", "Here stands more than 1 MiB of nothing but white space. The file is damaged, or made to be read for ever. Get it again.")
		}
		c, err := r.in.ReadByte()
		if err != nil {
			return 0, err
		}
		switch c {
		case '\n':
			r.line++
		case ' ', '\t', '\r':
		default:
			return c, r.in.UnreadByte()
		}
		r.passed++
		r.bytes.consumed = r.passed
	}
}

// take goes on behind the byte that peek gave.
func (r *jsonReader) take() {
	r.in.ReadByte()
	r.passed++
}

func (r *jsonReader) unexpected(c byte) *Problem {
	return r.refuse(r.line, "Invalid JSON", fmt.Sprintf("Here stands %q where JSON has something else. A comma may be missing, or one too many.", c))
}

// cutShort makes the file's end an error.
func cutShort(err error) error {
	if errors.Is(err, io.EOF) {
		return errCut
	}
	return err
}
