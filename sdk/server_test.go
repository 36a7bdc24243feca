package sdk

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// What a provider panics with may quote what it was called with.
func TestPanicText(t *testing.T) {
	t.Parallel()
	const card = "4111111111111111"
	for _, r := range []any{card, errors.New(card), fmt.Errorf("of %s", card), struct{ Card string }{card}} {
		if got := panicText(r); strings.Contains(got, card) || !strings.Contains(got, "a value of type") {
			t.Errorf("%T: %s", r, got)
		}
	}
	func() {
		defer func() {
			if got := panicText(recover()); got != "runtime error: index out of range [3] with length 0" {
				t.Error(got)
			}
		}()
		_ = []string{}[len("abc")]
	}()
}
