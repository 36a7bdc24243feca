package fakeprovider

import (
	"errors"
	"os"
	"strings"
	"sync/atomic"

	"github.com/bulkrunner/runner/sdk"
)

// A mood is how executions go wrong, from a certain one on.
type mood struct {
	name  string
	after int64
	flood int // in bytes
	count atomic.Int64
}

// before misbehaves before the request.
func (m *mood) before(token string) error {
	if m.name == "" || m.count.Add(1) <= m.after {
		return nil
	}
	switch m.name {
	case "crash_before_request":
		crash()
	case "hang":
		select {} // whatever the context says
	case "panic":
		panic("the fake provider was told to panic")
	case "flood_stderr":
		m.pour(os.Stderr)
	case "flood_stdout":
		m.pour(os.Stdout)
	case "leak_token":
		return sdk.Refused("leak", "the credential "+token+" was refused")
	}
	return nil
}

// afterwards misbehaves when the request is over.
func (m *mood) afterwards() error {
	if m.name == "" || m.count.Load() <= m.after {
		return nil
	}
	switch m.name {
	case "crash_after_request":
		crash()
	case "false_not_sent":
		return sdk.NotSent(errors.New("told to say so"))
	}
	return nil
}

// crash ends the process the way a crash does: at once, and from a goroutine
// that nobody guards.
func crash() {
	go panic("the fake provider was told to crash")
	select {}
}

// pour prints a flood.
func (m *mood) pour(f *os.File) {
	line := strings.Repeat("noise ", 200) + "\n"
	for range m.flood / len(line) {
		_, _ = f.WriteString(line)
	}
}
