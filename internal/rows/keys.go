package rows

import (
	"fmt"
	"hash/maphash"
	"unicode"
	"unicode/utf8"
)

// Keys finds keys that come twice.
//
// It keeps a 128-bit hash and a place for each row instead of the key, about
// 30 to 55 bytes a row however long the keys are: ten million rows take about half
// a gigabyte. Two different keys are taken for one with a probability below
// 10^-24 at that size.
type Keys struct {
	seeds [2]maphash.Seed
	first map[[2]uint64]int64
}

func NewKeys() *Keys {
	return &Keys{
		seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()},
		first: make(map[[2]uint64]int64),
	}
}

// Add tells whether the key was there before, and where: at which line, or for
// a list without a file as which row.
func (k *Keys) Add(key string, number, line int64) (first int64, repeated bool) {
	h := [2]uint64{maphash.String(k.seeds[0], key), maphash.String(k.seeds[1], key)}
	if first, repeated = k.first[h]; repeated {
		return first, true
	}
	if line == 0 {
		line = number
	}
	k.first[h] = line
	return line, false
}

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
