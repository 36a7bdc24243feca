package eval

import "strings"

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
