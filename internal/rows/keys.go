package rows

import (
	"fmt"
	"unicode"
	"unicode/utf8"
)

// MaxKey is the length of a key in bytes.
const MaxKey = 512

// CheckKey says what makes a key unfit to name a row; summary is "" when
// nothing does.
func CheckKey(key string) (summary, detail string) {
	if key == "" {
		return "Missing key", "The row has no key, so nothing could tell it from another or find it again. Fill it in, or remove the row."
	}
	if len(key) > MaxKey {
		return "Key too long", fmt.Sprintf("The key has %d bytes; at most %d are allowed. Choose a column that names a row more briefly.", len(key), MaxKey)
	}
	if i := Invisible(key); i >= 0 {
		r, _ := utf8.DecodeRuneInString(key[i:])
		return "Invisible character in a key", fmt.Sprintf("The key %q holds the character %U, which can't be seen: two keys that look alike would be different. Remove it.", cut(key), r)
	}
	if len(key) > 5 && hasPlus(key) && rounded.MatchString(key) {
		return "Key rounded by Excel", fmt.Sprintf("%q is not a key", cut(key)) + excelHint
	}
	return "", ""
}

// hasPlus tells Excel's 1.23E+15 from a code such as 12E4567.
func hasPlus(s string) bool {
	for i := 1; i < len(s); i++ {
		if s[i] == '+' && (s[i-1] == 'E' || s[i-1] == 'e') {
			return true
		}
	}
	return false
}

// Invisible is the place of the first character that can't be seen or that
// changes how its neighbours are seen, a space at either end among them; -1
// when there is none.
func Invisible(s string) int {
	plain := true
	for i := 0; i < len(s); i++ {
		if s[i] <= ' ' || s[i] >= 0x7F {
			plain = false
			break
		}
	}
	if plain {
		return -1
	}
	for i, r := range s {
		switch {
		case r == ' ':
			if i == 0 || i == len(s)-1 {
				return i
			}
		case !unicode.IsGraphic(r), unicode.Is(unicode.Zs, r), r == utf8.RuneError,
			r == '\u3164', r == '\uFFA0', r == '\u115F', r == '\u1160', r == '\u2800',
			r >= 0xFE00 && r <= 0xFE0F, r >= 0xE0100 && r <= 0xE01EF:
			return i
		}
	}
	return -1
}
