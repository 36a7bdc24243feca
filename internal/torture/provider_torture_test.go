//go:build linux && torture

package torture

import "testing"

// TestC5 with a gigabyte: see TestC5Floods.
func TestC5Gigabyte(t *testing.T) {
	t.Parallel()
	floods(t, 24, 42, 2)
}
