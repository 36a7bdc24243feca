//go:build !torture

package runfile

// everyBit has all bits tried instead of one of each byte.
const everyBit = false
