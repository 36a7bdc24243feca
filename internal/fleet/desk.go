package fleet

import (
	"context"
	"sync"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"

	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/runfile"
)

// A desk is the journal of an account's engine: it has the items of the chunks
// that are being carried out, of whatever runs. Each chunk has a slot, whose
// number is its operation's ID for the engine, and an item's ID for the engine
// is its slot's number before its own.
type desk struct {
	mu    sync.Mutex
	next  int64
	slots map[int64]*slot
}

const ownBits = 40 // of an item's ID

func (d *desk) open(s *slot) (id int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.next++
	if d.slots == nil {
		d.slots = make(map[int64]*slot)
	}
	s.number = d.next
	d.slots[d.next] = s
	return d.next
}

func (d *desk) close(s *slot) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.slots, s.number)
}

// hold has the other chunks of a slot's operation stop gently, which a rule has
// stopped: the run's workflow says so too, but later.
func (d *desk) hold(stopped *slot) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range d.slots {
		if s != stopped && s.of == stopped.of {
			s.mu.Lock()
			s.held = true
			s.letGo()
			s.mu.Unlock()
		}
	}
}

// slot finds that of an operation; it may be closed.
func (d *desk) slot(number int64) *slot {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.slots[number]
}

// Commit makes a batch durable, each chunk's part by itself. A part that is
// refused is lost, and so is its chunk for this worker.
func (d *desk) Commit(b runfile.Batch) error {
	parts := make(map[int64]*runfile.Batch)
	part := func(item int64) *runfile.Batch {
		n := item >> ownBits
		if parts[n] == nil {
			parts[n] = &runfile.Batch{}
		}
		return parts[n]
	}
	const own = 1<<ownBits - 1
	for _, c := range b.Changes {
		p := part(c.Item)
		c.Item &= own
		p.Changes = append(p.Changes, c)
	}
	var common runfile.Batch
	for _, r := range b.Requests {
		if r.Item == 0 {
			common.Requests = append(common.Requests, r)
			continue
		}
		p := part(r.Item)
		r.Item &= own
		p.Requests = append(p.Requests, r)
	}
	// What concerns the account as a whole is told to one of the runs that
	// use it just now.
	if common.Events = b.Events; len(common.Events)+len(common.Requests) > 0 {
		if n := d.any(); n > 0 {
			add(part(n<<ownBits), common)
		}
	}
	var wg sync.WaitGroup
	for n, p := range parts {
		if s := d.slot(n); s != nil {
			wg.Go(func() { s.commit(*p) })
		}
	}
	wg.Wait()
	return nil
}

// any is the slot of the chunk that has been here longest, 0 where there is none.
func (d *desk) any() (first int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for n := range d.slots {
		if first == 0 || n < first {
			first = n
		}
	}
	return first
}

func (d *desk) Low() error { return nil }

// page reads items of a slot, as the engine numbers them.
func (d *desk) page(operation, after int64, read func(*sheet, int64) []plan.Item) ([]plan.Item, error) {
	s := d.slot(operation)
	if s == nil {
		return nil, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	page := read(s.sheet, after&(1<<ownBits-1))
	for i := range page {
		page[i].ID |= operation << ownBits
		page[i].Operation = operation
	}
	return page, nil
}

func (d *desk) Planned(operation, after int64, limit int) ([]plan.Item, error) {
	return d.page(operation, after, func(s *sheet, after int64) []plan.Item { return s.in(plan.Planned, after, limit) })
}

func (d *desk) Started(operation, after int64, limit int) ([]plan.Item, error) {
	return d.page(operation, after, func(s *sheet, after int64) []plan.Item { return s.in(plan.Started, after, limit) })
}

func (d *desk) InDoubt(operation, after int64, limit int) ([]plan.Item, error) {
	return d.page(operation, after, func(s *sheet, after int64) []plan.Item { return s.in(plan.InDoubt, after, limit) })
}

// Items and Item are for operations that are fed by another, of which none
// comes here.
func (d *desk) Items(int64, int64, int) ([]plan.Item, error) { return nil, nil }
func (d *desk) Item(id int64) (it plan.Item, err error)      { return it, nil }

func (d *desk) Requests(id int64) (all []plan.Request, err error) {
	s := d.slot(id >> ownBits)
	if s == nil {
		return nil, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return append(all, s.sheet.requests[id&(1<<ownBits-1)]...), nil
}

func (d *desk) Tally(operation int64) (runfile.Tally, error) {
	s := d.slot(operation)
	if s == nil {
		return runfile.Tally{}, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sheet.tally, nil
}

// A slot is a chunk that this worker carries out. What is committed is stored
// by Temporal as the activity's heartbeat, of which the last replaces the one
// before: so each holds all, in parts that are encoded once.
type slot struct {
	number  int64
	of      string // its run and operation
	service workflowservice.WorkflowServiceClient
	convert converter.DataConverter
	ctx     context.Context // of the activity
	request workflowservice.RecordActivityTaskHeartbeatRequest

	mu     sync.Mutex
	sheet  *sheet
	log    runfile.Batch // all that was committed
	parts  []*commonpb.Payload
	lost   bool
	leave  chan struct{} // closed when it is to be let go of
	left   bool
	held   bool // it was asked to be let go of
	beaten time.Time

	beat sync.Mutex // held while a heartbeat is on its way
}

const (
	mostParts = 24
	// mostLog is how long a chunk's journal may become before its items go on
	// in another activity; a message of Temporal's has 2 MB at the most.
	mostLog = 512 << 10

	// lostAfter is how long Temporal waits for a heartbeat before it gives the
	// activity to another worker.
	lostAfter = 10 * time.Second
	beatEvery = lostAfter / 4
	holdEvery = time.Second // it is looked whether a chunk is to be held
)

// commit makes a batch durable, or the slot lost.
func (s *slot) commit(b runfile.Batch) {
	clip(b)
	s.mu.Lock()
	if s.lost {
		s.mu.Unlock()
		return
	}
	err := s.sheet.play(b)
	var part *commonpb.Payload
	if err == nil && len(s.parts) < mostParts {
		part, err = s.convert.ToPayload(b)
	}
	add(&s.log, b)
	if err == nil && part == nil {
		s.parts = nil
		part, err = s.convert.ToPayload(s.log)
	}
	if err != nil { // a mistake of ours; nothing is sent on it
		s.lose()
		s.mu.Unlock()
		return
	}
	s.parts = append(s.parts, part)
	if s.sheet.bytes > mostLog {
		s.letGo()
	}
	s.mu.Unlock()
	s.heartbeat()
}

// keep tells Temporal that the chunk is still being carried out, where nothing
// else has for a while, and looks whether it is to be held.
func (s *slot) keep(holding func(context.Context) bool) {
	for {
		if holding(s.ctx) {
			s.mu.Lock()
			s.held = true
			s.letGo()
			s.mu.Unlock()
		}
		s.mu.Lock()
		wait, lost := beatEvery-time.Since(s.beaten), s.lost
		s.mu.Unlock()
		if lost {
			return
		}
		select {
		case <-s.ctx.Done():
			return
		case <-time.After(min(max(wait, 10*time.Millisecond), holdEvery)):
			if wait <= 0 {
				s.heartbeat()
			}
		}
	}
}

// heartbeat stores what is committed. When it returns, it is stored or the
// slot is lost.
func (s *slot) heartbeat() {
	s.beat.Lock()
	defer s.beat.Unlock()
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		s.mu.Lock()
		if s.lost {
			s.mu.Unlock()
			return
		}
		details := &commonpb.Payloads{Payloads: append([]*commonpb.Payload(nil), s.parts...)}
		s.mu.Unlock()
		ctx, cancel := context.WithTimeout(s.ctx, lostAfter)
		r, err := s.service.RecordActivityTaskHeartbeat(ctx, &workflowservice.RecordActivityTaskHeartbeatRequest{
			Namespace: s.request.Namespace, TaskToken: s.request.TaskToken, Identity: s.request.Identity, Details: details,
		})
		cancel()
		s.mu.Lock()
		switch {
		case err == nil:
			s.beaten = time.Now()
			if r.GetActivityPaused() {
				s.held = true
				s.letGo()
			}
			if r.GetActivityReset() || r.GetCancelRequested() {
				s.lose()
			}
			s.mu.Unlock()
			return
		case refusedForGood(err), s.ctx.Err() != nil:
			s.lose()
			s.mu.Unlock()
			return
		}
		s.mu.Unlock()
		select {
		case <-s.ctx.Done():
		case <-time.After(wait):
		}
	}
}

// refusedForGood tells whether Temporal takes no heartbeat of this activity any
// more: it was given to another worker, or its workflow was ended or reset.
func refusedForGood(err error) bool {
	switch err.(type) {
	case *serviceerror.NotFound, *serviceerror.InvalidArgument, *serviceerror.PermissionDenied, *serviceerror.NamespaceNotFound:
		return true
	}
	return false
}

// lose and letGo are called with the lock held.
func (s *slot) lose() {
	s.lost = true
	s.letGo()
}

func (s *slot) letGo() {
	if !s.left {
		s.left = true
		close(s.leave)
	}
}

func (s *slot) isLost() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lost
}
