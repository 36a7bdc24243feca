package runfile

import (
	"testing"

	"github.com/bulkrunner/runner/internal/plan"
)

func TestAway(t *testing.T) {
	t.Parallel()
	e := func(kind, detail string) plan.Event { return plan.Event{Kind: kind, Detail: detail} }
	events := []plan.Event{e("applied", ""), e(EventHandedOver, "temporal://h:1/n as runner/x/1"), e(EventReceived, "c")}
	if address, away, n := Away(events); address != "temporal://h:1/n" || !away || n != 1 {
		t.Error(address, away, n)
	}
	if _, away, n := Away(append(events, e(EventReturned, ""))); away || n != 2 {
		t.Error(away, n)
	}
	if _, away, n := Away(nil); away || n != 1 {
		t.Error(away, n)
	}
}
