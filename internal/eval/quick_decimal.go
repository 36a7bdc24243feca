package eval

import (
	"math"
	"strconv"
	"strings"
)

// compareDecimalText compares two decimals by their text, both such as
// [plainDecimal] accepts, without making numbers of them.
func compareDecimalText(a, b string) int {
	a, below := strings.CutPrefix(a, "-")
	b, other := strings.CutPrefix(b, "-")
	aWhole, aPart, _ := strings.Cut(a, ".")
	bWhole, bPart, _ := strings.Cut(b, ".")
	aWhole, bWhole = strings.TrimLeft(aWhole, "0"), strings.TrimLeft(bWhole, "0")
	aPart, bPart = strings.TrimRight(aPart, "0"), strings.TrimRight(bPart, "0")
	aZero, bZero := aWhole == "" && aPart == "", bWhole == "" && bPart == ""
	below, other = below && !aZero, other && !bZero
	switch {
	case below && !other:
		return -1
	case other && !below:
		return 1
	}
	c := len(aWhole) - len(bWhole)
	if c == 0 {
		c = strings.Compare(aWhole, bWhole)
	}
	if c == 0 {
		c = strings.Compare(aPart, bPart)
	}
	if c = max(-1, min(1, c)); below {
		return -c
	}
	return c
}

// A short is a decimal of at most 18 digits: units of which so many places are
// behind the mark. To compute with it is a tenth of what a decimal takes.
type short struct {
	units  int64
	places int
}

const shortDigits = 18 // of which every number is less than half of what an int64 holds

// parseShort reports false for what is no decimal, or a longer one.
func parseShort(s string) (x short, ok bool) {
	digits := strings.TrimPrefix(s, "-")
	for i := range len(digits) {
		switch c := digits[i]; {
		case c >= '0' && c <= '9':
			x.units = 10*x.units + int64(c-'0')
		case c == '.' && i > 0 && i < len(digits)-1 && x.places == 0:
			x.places = len(digits) - 1 - i
		default:
			return short{}, false
		}
		if i > shortDigits {
			return short{}, false
		}
	}
	if n := len(digits) - min(x.places, 1); n == 0 || n > shortDigits {
		return short{}, false
	}
	if len(digits) < len(s) {
		x.units = -x.units
	}
	return x, true
}

func (x short) String() string {
	if x.places == 0 {
		return strconv.FormatInt(x.units, 10)
	}
	var room [48]byte
	b := room[:0]
	units := uint64(x.units)
	if x.units < 0 {
		b, units = append(b, '-'), -units
	}
	digits := strconv.AppendUint(room[24:24], units, 10)
	if len(digits) <= x.places {
		b = append(b, '0', '.')
		for range x.places - len(digits) {
			b = append(b, '0')
		}
		return string(append(b, digits...))
	}
	b = append(append(b, digits[:len(digits)-x.places]...), '.')
	return string(append(b, digits[len(digits)-x.places:]...))
}

// to writes x with more places, and reports false where units would come near
// their limit: ten times as many, and the sum of two.
func (x short) to(places int) (short, bool) {
	for x.places < places {
		if x.units > math.MaxInt64/20 || x.units < -math.MaxInt64/20 {
			return x, false
		}
		x.units *= 10
		x.places++
	}
	return x, true
}

func (x short) plus(y short) (short, bool) {
	x, okX := x.to(y.places)
	y, okY := y.to(x.places)
	return short{x.units + y.units, x.places}, okX && okY
}

func (x short) minus(y short) (short, bool) { return x.plus(short{-y.units, y.places}) }

func (x short) times(y short) (short, bool) {
	z := short{x.units * y.units, x.places + y.places}
	return z, z.places <= shortDigits && (x.units == 0 || z.units/x.units == y.units && z.units != math.MinInt64)
}

// calculateShort computes with two texts where both are short. It reports false
// where they aren't, or what comes out may not be.
func calculateShort(a, b string, op func(x, y short) (short, bool)) (string, bool) {
	x, ok := parseShort(a)
	if !ok {
		return "", false
	}
	y, ok := parseShort(b)
	if !ok {
		return "", false
	}
	z, ok := op(x, y)
	if !ok {
		return "", false
	}
	return z.String(), true
}
