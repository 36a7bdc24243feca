// Package members reads JSON objects member by member, for the answers that
// both ends of the pipe read: to have encoding/json make a map of each takes
// several times as long.
package members

import (
	"encoding/json"
	"iter"
	"unicode/utf8"
)

// Of returns the members of an object in their order, each with its name and
// with its value as it is written. The object must be valid JSON, or nothing at
// all, which has no members.
func Of(object []byte) iter.Seq2[string, []byte] {
	return func(yield func(name string, value []byte) bool) {
		b := Trim(object)
		if len(b) == 0 {
			return
		}
		for b = Trim(b[1:]); b[0] != '}'; {
			n := length(b)
			name, _ := Text(b[:n])
			b = Trim(Trim(b[n:])[1:]) // past the colon
			n = length(b)
			if !yield(name, b[:n:n]) {
				return
			}
			if b = Trim(b[n:]); b[0] == ',' {
				b = Trim(b[1:])
			}
		}
	}
}

// Trim takes the white space away with which b begins.
func Trim(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\n' || b[0] == '\r' || b[0] == '\t') {
		b = b[1:]
	}
	return b
}

// length is how long the value is with which valid JSON begins.
func length(b []byte) int {
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			for i++; b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i
			}
			depth--
		case ',', ':', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return i
			}
			continue
		default:
			continue
		}
		if depth == 0 {
			return i + 1
		}
	}
	return len(b)
}

// Text is what a valid value says that is a string; false of any other.
func Text(value []byte) (s string, ok bool) {
	if len(value) < 2 || value[0] != '"' {
		return "", false
	}
	plain := value[1 : len(value)-1]
	for _, c := range plain {
		if c == '\\' || c >= utf8.RuneSelf {
			return s, json.Unmarshal(value, &s) == nil
		}
	}
	return string(plain), true
}

// Null tells whether a valid value is null.
func Null(value []byte) bool { return string(value) == "null" }
