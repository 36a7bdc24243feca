package rows

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// Rows that are read ahead are those of the list, with what is wrong with some
// of them in their places, also when the buffers come round again.
func TestAhead(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("id,amount\n")
	for n := range 3000 {
		amount := fmt.Sprintf("%d.50", n)
		switch {
		case n%97 == 0:
			amount = "much"
		case n%101 == 0:
			amount += ",one more"
		case n%500 == 0:
			amount = "1" + strings.Repeat("0", 70_000)
		}
		fmt.Fprintf(&b, "%05d,%s\n", n, amount)
	}
	for name, end := range map[string]string{"whole": "", "cut": "99999,\"open\n", "empty": "\n00001,2\n"} {
		path := filepath.Join(t.TempDir(), "list.csv")
		if err := os.WriteFile(path, []byte(b.String()+end), 0o600); err != nil {
			t.Fatal(err)
		}
		list := CSV{File: File{"list.csv", path}, Columns: map[string]Type{"amount": Decimal}}
		direct, err := list.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ahead, err := Ahead(t.Context(), list)
		if err != nil {
			t.Fatal(err)
		}
		for {
			want, wrong := direct.Next()
			got, err := ahead.Next()
			if fmt.Sprint(wrong) != fmt.Sprint(err) || want.Number != got.Number || want.Line != got.Line || want.Source != got.Source || !slices.Equal(want.Text, got.Text) || (want.Text == nil) != (got.Text == nil) {
				t.Fatalf("%s: %v (%v), not %v (%v)", name, got, err, want, wrong)
			}
			if ends(wrong) {
				if _, again := ahead.Next(); fmt.Sprint(again) != fmt.Sprint(wrong) {
					t.Errorf("%s: then %v", name, again)
				}
				break
			}
		}
		if ahead.Digest() != direct.Digest() || ahead.Reading() != direct.Reading() || ahead.Source() != direct.Source() {
			t.Errorf("%s: %s, %q", name, ahead.Digest(), ahead.Reading())
		}
		if err := errors.Join(direct.Close(), ahead.Close()); err != nil {
			t.Error(err)
		}
	}
}

// endless is a list that waits for its next row until its context ends.
type endless struct {
	Reader
	ctx    context.Context
	closed bool
}

func (e *endless) Open(ctx context.Context) (Reader, error) { e.ctx = ctx; return e, nil }
func (e *endless) Next() (Row, error) {
	<-e.ctx.Done()
	return Row{}, context.Cause(e.ctx)
}
func (e *endless) Close() error { e.closed = true; return nil }

// A list that waits is closed at once, and by then nobody reads it; where its
// context ends, whoever waits for a row is told why.
func TestAheadClosed(t *testing.T) {
	t.Parallel()
	why := errors.New("no time")
	ctx, cancel := context.WithCancelCause(t.Context())
	list := &endless{}
	r, err := Ahead(ctx, list)
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(10*time.Millisecond, func() { cancel(why) })
	if _, err := r.Next(); err != why {
		t.Errorf("the row is %v", err)
	}
	for range 2 {
		list = &endless{}
		if r, err = Ahead(t.Context(), list); err != nil {
			t.Fatal(err)
		}
		if err := r.Close(); err != nil || !list.closed {
			t.Errorf("close: %v, %v", err, list.closed)
		}
	}
	if _, err := Ahead(t.Context(), failingList{}); err != io.ErrUnexpectedEOF {
		t.Errorf("open: %v", err)
	}
}

type failingList struct{}

func (failingList) Open(context.Context) (Reader, error) { return nil, io.ErrUnexpectedEOF }
