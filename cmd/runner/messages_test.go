package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMessages prints what the runner has to say, whole, so that somebody who
// changes a message reads it as its reader will. The messages of
// internal/config alone are in internal/view/testdata/gallery.
func TestMessages(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{Dir: "testdata/messages", UpdateScripts: *update, Setup: setUp, Cmds: commands})
}
