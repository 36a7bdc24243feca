package cli

import (
	"fmt"

	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/planner"
	"github.com/bulkrunner/runner/internal/runfile"
)

// verifyBelow is the number of items up to which a run that is taken up again
// is held against its digest once more: two seconds. The first apply of a run
// always is.
const verifyBelow = 1_000_000

// verify refuses a run file that was changed after its plan.
func (a *app) verify(path string, run runfile.Run, ops []plan.Operation) error {
	total := int64(0)
	for _, op := range ops {
		total += op.Counts.Total()
	}
	if run.Epoch > 0 && total > verifyBelow {
		return nil
	}
	f, err := runfile.Open(path)
	if err != nil {
		return a.runFileError(path, err)
	}
	defer f.Close()
	if err := planner.Verify(f); err != nil {
		return refusal("Plan was changed", fmt.Sprintf("%s is not as its plan was written: %s. Nothing was sent. Plan again.", path, err))
	}
	return nil
}
