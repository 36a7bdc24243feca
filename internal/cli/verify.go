package cli

import (
	"errors"
	"fmt"

	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/planner"
	"github.com/bulkrunner/runner/internal/runfile"
)

// verifyAlways is the number of items up to which a run is held against its
// digest at each apply: half a second. Of a larger one it isn't when it is taken
// up again, nor when nobody can have changed the file since it was planned here:
// then the rows' checksums must do.
const verifyAlways = 100_000

// verify refuses a run file that was changed after its plan. Who demands a
// digest has it computed, whatever it costs.
func (a *app) verify(path string, j *runfile.Journal, run runfile.Run, ops []plan.Operation, demanded string) error {
	total := int64(0)
	for _, op := range ops {
		total += op.Counts.Total()
	}
	if total > verifyAlways && demanded == "" && (run.Epoch > 0 || j.Untouched(run.ID)) {
		return nil
	}
	f, err := runfile.Open(path)
	if err != nil {
		return a.runFileError(path, err)
	}
	defer f.Close()
	if err := planner.Verify(f); errors.Is(err, runfile.ErrCorrupt) {
		return a.runFileError(path, err)
	} else if err != nil {
		return refusal("Plan was changed", fmt.Sprintf("%s is not as its plan was written: %s. Nothing was sent. Plan again.", path, err))
	}
	return nil
}
