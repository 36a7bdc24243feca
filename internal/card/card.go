// Package card finds card numbers in text. No file may hold one in the clear
// (PCI DSS 4.0.1, 3.5.1), and one that stands in an ordinary column would be in
// the run file, in reports and in messages.
package card

import (
	"iter"
	"strings"
)

const (
	leastCard, mostCard = 13, 19 // digits
	shownFirst          = 6      // of a number in a message, as on a receipt: PCI DSS 3.4.1
	shownLast           = 4
)

// A cardRange is numbers that a scheme gives out: those that begin with a
// prefix from first to last, by how many digits they have.
type cardRange struct {
	first, last, digits int // digits of the prefix
	least, most         int // digits of the number
}

// The ranges of ISO/IEC 7812 that schemes give out.
var cardRanges = []cardRange{
	{4, 4, 1, 13, 19},       // Visa
	{51, 55, 2, 16, 16},     // Mastercard
	{2221, 2720, 4, 16, 16}, // Mastercard
	{34, 34, 2, 15, 15},     // American Express
	{37, 37, 2, 15, 15},     // American Express
	{300, 305, 3, 14, 19},   // Diners Club
	{3095, 3095, 4, 14, 19}, // Diners Club
	{36, 36, 2, 14, 19},     // Diners Club
	{38, 39, 2, 14, 19},     // Diners Club
	{3528, 3589, 4, 16, 19}, // JCB
	{6011, 6011, 4, 16, 19}, // Discover
	{644, 649, 3, 16, 19},   // Discover
	{65, 65, 2, 16, 19},     // Discover, Elo
	{62, 62, 2, 16, 19},     // UnionPay
	{50, 50, 2, 13, 19},     // Maestro, Elo
	{56, 58, 2, 13, 19},     // Maestro
	{6304, 6304, 4, 13, 19}, // Maestro
	{67, 67, 2, 13, 19},     // Maestro
	{6042, 6042, 4, 16, 16}, // Cabal
	{5896, 5896, 4, 16, 16}, // Cabal
	{589562, 589562, 6, 16, 16},
	{501105, 501105, 6, 16, 16}, // Argencard
	{6062, 6062, 4, 13, 19},     // Hipercard
}

// Mask writes what looks like a card number so that it tells no more than
// a receipt does.
func Mask(text string) string {
	var out strings.Builder
	from := 0
	for start, end := range All(text) {
		out.WriteString(text[from:start])
		out.WriteString(mask(text[start:end]))
		from = end
	}
	if from == 0 {
		return text
	}
	out.WriteString(text[from:])
	return out.String()
}

func mask(number string) string {
	digits := make([]byte, 0, mostCard)
	for i := range len(number) {
		if isDigit(number[i]) {
			digits = append(digits, number[i])
		}
	}
	return string(digits[:shownFirst]) + strings.Repeat("•", len(digits)-shownFirst-shownLast) + string(digits[len(digits)-shownLast:])
}

// All finds what looks like a card number: digits, alone or in groups with
// one space or hyphen between them, that a scheme could have given out and
// whose check digit is right. Digits that run on are none.
func All(text string) iter.Seq2[int, int] {
	return func(yield func(start, end int) bool) {
		for i := 0; i < len(text); {
			if !isDigit(text[i]) {
				i++
				continue
			}
			end := cardAt(text, i)
			if end > 0 && !yield(i, end) {
				return
			}
			if end == 0 {
				end = groupEnd(text, i)
			}
			i = end
		}
	}
}

// cardAt is the end of the longest card number that begins with the group of
// digits at i, 0 where none does.
func cardAt(text string, i int) (found int) {
	first, digits := i, 0
	for {
		end := groupEnd(text, i)
		if digits += end - i; digits > mostCard {
			return found
		}
		if digits >= leastCard && isCard(text[first:end]) {
			found = end
		}
		if end+1 >= len(text) || text[end] != ' ' && text[end] != '-' || !isDigit(text[end+1]) {
			return found
		}
		i = end + 1
	}
}

func groupEnd(text string, i int) int {
	for i < len(text) && isDigit(text[i]) {
		i++
	}
	return i
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isCard(text string) bool {
	digits := make([]byte, 0, mostCard)
	for i := range len(text) {
		if isDigit(text[i]) {
			if len(digits) == mostCard {
				return false
			}
			digits = append(digits, text[i]-'0')
		}
	}
	if len(digits) < leastCard || !luhn(digits) {
		return false
	}
	for _, r := range cardRanges {
		prefix := 0
		for _, d := range digits[:r.digits] {
			prefix = prefix*10 + int(d)
		}
		if prefix >= r.first && prefix <= r.last && len(digits) >= r.least && len(digits) <= r.most {
			return true
		}
	}
	return false
}

func luhn(digits []byte) bool {
	sum := 0
	for i, d := range digits {
		n := int(d)
		if (len(digits)-i)%2 == 0 {
			if n *= 2; n > 9 {
				n -= 9
			}
		}
		sum += n
	}
	return sum%10 == 0
}

// First is the first number in a text that looks like a card's, masked; ""
// where there is none.
func First(text string) string {
	for start, end := range All(text) {
		return mask(text[start:end])
	}
	return ""
}

// Possible tells at less cost than [First] that a text holds none.
func Possible(text []byte) bool {
	n := 0
	for _, c := range text {
		if isDigit(c) {
			n++
		}
	}
	return n >= leastCard
}
