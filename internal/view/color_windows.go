package view

import (
	"os"

	"golang.org/x/sys/windows"
)

// Colors tells whether a console shows colours, which it has to be told first.
func Colors(f *os.File) bool {
	var mode uint32
	h := windows.Handle(f.Fd())
	return windows.GetConsoleMode(h, &mode) == nil && windows.SetConsoleMode(h, mode|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING) == nil
}
