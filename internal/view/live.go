package view

import (
	"os"
	"strings"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"
)

const (
	// redrawEvery is how often a live view looks at what it shows.
	redrawEvery = 200 * time.Millisecond

	// closeWait is how long a view is waited for that has a terminal to give
	// back: one that is stopped (Ctrl-S) or hangs takes nothing.
	closeWait = time.Second
)

// A Live is lines at the bottom of a terminal that are drawn again and again.
// It only ever looks at what it shows: whoever has something to show never
// waits for the terminal, and a terminal that goes away ends the view alone.
//
// It reads no keys of its own, for that would put the terminal into a mode in
// which Ctrl-C is a key: see [Keys].
type Live struct {
	program *tea.Program
	done    chan struct{}
	closing sync.Once
}

// NewLive shows what draw returns, for a width and a height. Draw is called
// from a goroutine of the view's. What it returns is shown as it is: text from
// elsewhere has gone through [Inert].
func NewLive(out *os.File, draw func(width, height int) []string) *Live {
	l := &Live{done: make(chan struct{})}
	l.program = tea.NewProgram(&canvas{draw: draw, width: 80, height: 24}, tea.WithOutput(out), tea.WithInput(nil),
		tea.WithEnvironment(quiet(os.Getenv("TERM"))), tea.WithoutSignalHandler(), tea.WithFPS(10))
	go func() {
		defer close(l.done)
		l.program.Run() // an error is the terminal's, and nobody looks at it any more
	}()
	return l
}

// Alive tells whether somebody can see it.
func (l *Live) Alive() bool {
	select {
	case <-l.done:
		return false
	default:
		return true
	}
}

// Close takes the lines away and gives the terminal back. It may be called
// again.
func (l *Live) Close() {
	l.closing.Do(func() {
		go l.program.Send(closed{})
		select {
		case <-l.done:
		case <-time.After(closeWait):
		}
	})
}

// quiet is an environment in which nothing is asked of the terminal: its
// answers would be typed into the shell when the view is gone.
func quiet(term string) []string {
	for _, asked := range []string{"ghostty", "wezterm", "alacritty", "kitty", "rio"} {
		if strings.Contains(term, asked) {
			term = "xterm-256color" // which they all understand
		}
	}
	return []string{"TERM=" + term, "SSH_TTY="}
}

// A canvas is the program that draws.
type canvas struct {
	draw          func(width, height int) []string
	width, height int
	closed        bool
}

type (
	redraw struct{}
	closed struct{}
)

func again() tea.Cmd {
	return tea.Tick(redrawEvery, func(time.Time) tea.Msg { return redraw{} })
}

func (c *canvas) Init() tea.Cmd { return again() }

func (c *canvas) Update(m tea.Msg) (tea.Model, tea.Cmd) {
	switch m := m.(type) {
	case tea.WindowSizeMsg:
		c.width, c.height = m.Width, m.Height
	case redraw:
		return c, again()
	case closed:
		c.closed = true
		return c, tea.Quit
	}
	return c, nil
}

func (c *canvas) View() tea.View {
	var v tea.View
	v.DisableBracketedPasteMode = true
	if !c.closed {
		v.Content = strings.Join(c.draw(max(c.width, 20), max(c.height, 2)), "\n")
	}
	return v
}
