package process

import (
	"os"
	"time"
)

// parent is who started the process, noted before anything else runs.
var parent = os.Getppid()

// watchParent ends the process when the runner is gone, however it went. A
// provider that lives on after kill -9 goes on sending, while the next apply
// reads "not cancelled" and sends again.
//
// Nothing is finished first: whoever would have recorded the outcome is gone,
// and what was in flight is in doubt either way.
func watchParent() {
	died := make(chan struct{}, 1)
	notifyParentDeath(died)
	go func() {
		poll := time.NewTicker(500 * time.Millisecond)
		defer poll.Stop()
		for {
			if parentGone() {
				os.Exit(1) // without a word: nobody reads, and a full pipe would hold it up
			}
			select {
			case <-died:
			case <-poll.C:
			}
		}
	}()
}
