package apiclient

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"testing"

	"github.com/bulkrunner/runner/sdk"
)

// TestUnanswered holds the codes of requests without a whole answer against
// those that the runner knows as such.
func TestUnanswered(t *testing.T) {
	t.Parallel()
	late, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	seen := map[string]bool{}
	for _, tt := range []struct {
		ctx context.Context
		err error
	}{
		{late, io.EOF}, {t.Context(), os.ErrDeadlineExceeded}, {t.Context(), context.Canceled}, {t.Context(), io.ErrUnexpectedEOF},
		{t.Context(), &net.OpError{Op: "read", Err: errors.New("reset")}}, {t.Context(), errors.New("malformed")},
	} {
		code := sdk.AsFailure(broken(tt.ctx, tt.err)).Code
		seen[code] = true
		if !sdk.Unanswered(code) {
			t.Errorf("%s (%v) counts as answered", code, tt.err)
		}
	}
	if len(seen) != 5 {
		t.Errorf("only %v were seen", seen)
	}
	for _, code := range []string{"", "http_500", "body_too_large"} {
		if sdk.Unanswered(code) {
			t.Errorf("%q counts as unanswered", code)
		}
	}
}
