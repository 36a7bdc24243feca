package view

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// TestLogNeverWaits: who writes to a log goes on at once, whatever its reader
// does, and the reader is told how many lines it missed.
func TestLogNeverWaits(t *testing.T) {
	t.Parallel()
	r, w := io.Pipe()
	l := NewLog(w, slog.LevelInfo, true)
	l.Of("r1")
	const many = 3 * logged
	for i := range many { // nobody reads yet
		l.Info("a line", "n", i)
	}
	read := make(chan []byte)
	go func() {
		all, _ := io.ReadAll(r)
		read <- all
	}()
	l.Close()
	w.Close()
	got, lost := 0, 0
	for _, line := range bytes.Split(bytes.TrimSpace(<-read), []byte("\n")) {
		var o struct {
			Msg, Run, Level string
			Time            time.Time
			Lines           int
		}
		if err := json.Unmarshal(line, &o); err != nil || o.Run != "r1" || o.Time.Location() != time.UTC {
			t.Fatalf("%s: %v", line, err)
		}
		if o.Msg == "lines were dropped" {
			lost += o.Lines
		} else {
			got++
		}
	}
	if got+lost != many || lost == 0 || got < logged {
		t.Errorf("%d of %d lines came, and %d were said to be dropped", got, many, lost)
	}
	l.Info("after its end") // is written nowhere, and nothing happens
}

// TestLogIsText: what others say can't end a line or begin one, nor reach a
// terminal's controls in the text that people read.
func TestLogIsText(t *testing.T) {
	t.Parallel()
	for _, asJSON := range []bool{false, true} {
		var b bytes.Buffer
		l := NewLog(&b, slog.LevelDebug, asJSON)
		l.Info("event", "detail", hostile+"\nlevel=INFO msg=forged")
		l.Close()
		text := strings.TrimSuffix(b.String(), "\n")
		if strings.ContainsAny(text, "\n\x1b\a\r") || !asJSON && strings.ContainsAny(text, "\u009b\u202e\u2066\u2028\u200b") {
			t.Errorf("JSON %v: %q", asJSON, text)
		}
		if asJSON && !json.Valid([]byte(text)) {
			t.Errorf("it is no JSON: %s", text)
		}
	}
}
