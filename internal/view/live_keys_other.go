//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package view

import "os"

// Keys are not read here: Ctrl-C and runner control do what they do.
type Keys struct{}

// OpenKeys returns nil.
func OpenKeys(*os.File, func(key byte)) *Keys { return nil }

// Foreground tells whether this process may read the terminal.
func Foreground(*os.File) bool { return true }

// Close does nothing.
func (*Keys) Close() {}
