package view

import (
	"bytes"
	"encoding/json"
	"iter"
	"strings"
)

// objectMembers are the members of a JSON object, in their order: names and
// values as they are written. The values are parts of the object. What isn't an
// object has none.
//
// It takes the object to be well-formed, as those of a run file are, whose
// checksums hold; of any other it gives some of the members and never panics.
func objectMembers(object []byte) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		i := space(object, 0)
		if i >= len(object) || object[i] != '{' {
			return
		}
		for i++; ; i++ {
			i = space(object, i)
			if i >= len(object) || object[i] != '"' {
				return
			}
			end := text(object, i)
			name := unquote(object[i:end])
			i = space(object, end)
			if i >= len(object) || object[i] != ':' {
				return
			}
			i = space(object, i+1)
			end = value(object, i)
			if !yield(name, object[i:end]) {
				return
			}
			i = space(object, end)
			if i >= len(object) || object[i] != ',' {
				return
			}
		}
	}
}

func space(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// text is where a string ends that begins at i.
func text(b []byte, i int) int {
	for i++; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(b)
}

// value is where a value ends that begins at i.
func value(b []byte, i int) int {
	depth := 0
	for i < len(b) {
		switch b[i] {
		case '"':
			if i = text(b, i); depth == 0 {
				return i
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth < 0 {
				return i
			}
			if depth == 0 {
				return i + 1
			}
		case ',', ' ', '\n', '\t', '\r':
			if depth == 0 {
				return i
			}
		}
		i++
	}
	return len(b)
}

// unquote is the text of a JSON string.
func unquote(b []byte) string {
	if len(b) >= 2 && bytes.IndexByte(b, '\\') < 0 {
		return string(b[1 : len(b)-1])
	}
	var s string
	if json.Unmarshal(b, &s) != nil {
		return ""
	}
	return s
}

// quote appends a text as a JSON string. What isn't plain to look at is
// escaped, so that the line is inert wherever it is shown.
func quote(b []byte, s string) []byte {
	if strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' }) < 0 {
		b = append(b, '"')
		b = append(b, s...)
		return append(b, '"')
	}
	quoted, _ := json.Marshal(s) // a string always has a JSON form
	return inertJSON(b, quoted)
}

// inertJSON appends JSON with what Inert would not show as it is escaped within
// its strings, where alone it can stand.
func inertJSON(b, text []byte) []byte {
	plain := true
	for _, c := range text {
		if c < ' ' || c > '~' {
			plain = false
			break
		}
	}
	if plain {
		return append(b, text...)
	}
	for _, r := range string(text) {
		switch {
		case r == '\n' || r == '\r' || r == '\t': // between values: one line is one item
			b = append(b, ' ')
		case visible(r):
			b = append(b, string(r)...)
		case r > 0xffff:
			r -= 0x10000
			b = appendEscape(appendEscape(b, 0xd800+r>>10), 0xdc00+r&0x3ff)
		default:
			b = appendEscape(b, r)
		}
	}
	return b
}

func appendEscape(b []byte, r rune) []byte {
	const hex = "0123456789abcdef"
	return append(b, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
}
