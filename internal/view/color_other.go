//go:build !windows

package view

import "os"

// Colors tells whether a terminal shows colours. All do that aren't dumb.
func Colors(*os.File) bool { return os.Getenv("TERM") != "dumb" }
