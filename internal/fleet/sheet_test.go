package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"filippo.io/age"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/grpc"

	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/runfile"
)

// A service is Temporal as far as heartbeats go.
type service struct {
	workflowservice.WorkflowServiceClient
	mu    sync.Mutex
	err   error // the next answers
	beats []*workflowservice.RecordActivityTaskHeartbeatRequest
}

func (s *service) RecordActivityTaskHeartbeat(_ context.Context, r *workflowservice.RecordActivityTaskHeartbeatRequest, _ ...grpc.CallOption) (*workflowservice.RecordActivityTaskHeartbeatResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return nil, s.err
	}
	s.beats = append(s.beats, r)
	return &workflowservice.RecordActivityTaskHeartbeatResponse{}, nil
}

func testSlot(t *testing.T, s *service, ids ...int64) *slot {
	t.Helper()
	var items []item
	for _, id := range ids {
		items = append(items, item{Item: plan.Item{ID: id, State: plan.Planned, Key: "k"}})
	}
	return &slot{service: s, convert: converter.GetDefaultDataConverter(), ctx: t.Context(), sheet: newSheet(items), leave: make(chan struct{})}
}

func started(ids ...int64) (b runfile.Batch) {
	for _, id := range ids {
		b.Changes = append(b.Changes, plan.Change{Item: id, From: plan.Planned, To: plan.Started, Attempts: -1, At: time.Now(), Deadline: time.Now()})
	}
	return b
}

// Two chunks of different runs may have items of the same IDs; what is
// committed of them is kept apart, and one that is lost doesn't touch the other.
func TestDesk(t *testing.T) {
	t.Parallel()
	var d desk
	here, gone := &service{}, &service{}
	a, b := testSlot(t, here, 7, 8), testSlot(t, gone, 7)
	one, two := d.open(a), d.open(b)
	page, _ := d.Planned(one, 0, 10)
	if len(page) != 2 || page[0].Operation != one {
		t.Fatalf("planned are %+v", page)
	}
	if rest, _ := d.Planned(one, page[0].ID, 10); len(rest) != 1 || rest[0].ID != page[1].ID {
		t.Fatalf("after the first come %+v", rest)
	}
	other, _ := d.Planned(two, 0, 10)
	gone.err = serviceerror.NewNotFound("it has timed out")
	batch := started(page[0].ID, other[0].ID)
	batch.Events = []plan.Event{{Kind: "throttled"}}
	if err := d.Commit(batch); err != nil {
		t.Fatal(err)
	}
	if a.isLost() || !b.isLost() {
		t.Errorf("lost are the first %v and the second %v", a.isLost(), b.isLost())
	}
	if len(here.beats) != 1 || len(a.log.Changes) != 1 || a.log.Changes[0].Item != 7 || len(a.log.Events) != 1 {
		t.Errorf("committed: %d heartbeats, %+v", len(here.beats), a.log)
	}
	select {
	case <-b.leave:
	default:
		t.Error("what is lost isn't let go of")
	}
	if page, _ := d.Started(one, 0, 10); len(page) != 1 {
		t.Errorf("started are %+v", page)
	}
}

// Each heartbeat holds all that was committed, in no more parts than another
// worker looks for.
func TestHeartbeatsHoldAll(t *testing.T) {
	t.Parallel()
	s := &service{}
	var ids []int64
	for id := range int64(100) {
		ids = append(ids, id+1)
	}
	one := testSlot(t, s, ids...)
	for _, id := range ids {
		one.commit(started(id))
	}
	last := s.beats[len(s.beats)-1].GetDetails().GetPayloads()
	n := 0
	for _, p := range last {
		var b runfile.Batch
		if err := converter.GetDefaultDataConverter().FromPayload(p, &b); err != nil {
			t.Fatal(err)
		}
		n += len(b.Changes)
	}
	if n != len(ids) || len(last) > mostParts {
		t.Errorf("the last heartbeat holds %d changes in %d parts", n, len(last))
	}
}

func TestSheetRefuses(t *testing.T) {
	t.Parallel()
	s := newSheet([]item{{Item: plan.Item{ID: 1, State: plan.Planned}}})
	for _, c := range []plan.Change{
		{Item: 2, From: plan.Planned, To: plan.Started},
		{Item: 1, From: plan.Started, To: plan.Succeeded},
		{Item: 1, From: plan.Planned, To: plan.Succeeded},
	} {
		if err := s.play(runfile.Batch{Changes: []plan.Change{c}}); !errors.Is(err, runfile.ErrRefused) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	b := s.suspect("it was reset", time.Now(), time.Now().Add(time.Minute), time.Now())
	if err := s.play(b); err != nil || s.items[0].State != plan.InDoubt || len(s.requests[1]) != 1 {
		t.Errorf("what may have been sent is %+v: %v", s.items[0], err)
	}
}

// What travels holds no secret argument, and nothing readable where there is a key.
func TestTravels(t *testing.T) {
	t.Parallel()
	it := item{Item: plan.Item{ID: 1, Key: "A-1", Secret: plan.Secret(`{"token":"s3cret-value"}`), Arguments: json.RawMessage(`{"id":"A-1"}`)}}
	text, err := json.Marshal(it)
	if err != nil || strings.Contains(string(text), "s3cret") || strings.Contains(string(text), "Secret") {
		t.Errorf("%s, %v", text, err)
	}
	var back item
	if err := json.Unmarshal(text, &back); err != nil || back.Key != "A-1" {
		t.Errorf("%+v, %v", back, err)
	}
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	sealed := converter.NewCodecDataConverter(converter.GetDefaultDataConverter(), sealing{key}, converter.NewZlibCodec(converter.ZlibCodecOptions{}))
	p, err := sealed.ToPayload(it)
	if err != nil || strings.Contains(p.String(), "A-1") {
		t.Errorf("%s, %v", p, err)
	}
	if err := sealed.FromPayload(p, &back); err != nil || back.Key != "A-1" {
		t.Errorf("%+v, %v", back, err)
	}
	other, _ := age.GenerateX25519Identity()
	if err := converter.NewCodecDataConverter(converter.GetDefaultDataConverter(), sealing{other}).FromPayload(p, &back); !errors.Is(err, ErrSealed) {
		t.Errorf("another key: %v", err)
	}
}

func TestAddress(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"temporal://localhost/default":         "temporal://localhost:7233/default",
		"temporal://10.0.0.1:7000/pay":         "temporal://10.0.0.1:7000/pay",
		"temporal://[::1]/pay":                 "temporal://[::1]:7233/pay",
		"temporal://host":                      "",
		"temporal://host/":                     "",
		"temporal://host/a/b":                  "",
		"https://host/a":                       "",
		"host:7233":                            "",
		"temporal://u:s3cret@host/a":           "",
		"temporal://host/a?key=s3cret":         "",
		"temporal:///default":                  "",
		"temporal://u:s3cret@host:bad port/a%": "",
	} {
		a, err := ParseAddress(text)
		if (err == nil) != (want != "") || err == nil && a.String() != want {
			t.Errorf("%s: %s, %v", text, a, err)
		}
		if err != nil && strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", text, err)
		}
	}
}
