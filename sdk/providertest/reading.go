package providertest

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/host"
)

// A reading is what came of a list that was read as the runner reads it: page
// by page, to its end or to what makes it worthless.
type reading struct {
	rows  []json.RawMessage
	keys  []string
	pages int

	answer  host.Answer // of the last page
	last    host.Page
	twice   string // a key that came twice
	circle  bool   // a cursor came twice
	endless bool   // there were more pages than were to be read
}

// whole tells whether the runner would take the list for all that there is.
func (r *reading) whole() bool { return r.flaw() == "" }

// flaw is why it wouldn't.
func (r *reading) flaw() string {
	switch {
	case r.answer.Outcome != sdk.OutcomeDone:
		return fmt.Sprintf("page %d comes back as %s", r.pages, said(r.answer))
	case r.twice != "":
		return fmt.Sprintf("a row comes twice: %q", r.twice)
	case r.circle:
		return fmt.Sprintf("the cursor after page %d is one that came before", r.pages)
	case r.endless:
		return fmt.Sprintf("after page %d there is still another", r.pages)
	case !r.last.Complete:
		return strings.TrimSuffix("the last page doesn't say that it is complete: "+r.last.Reason, ": ")
	case r.last.Total != int64(len(r.rows)):
		return fmt.Sprintf("the last page says that there are %d rows, and %d came", r.last.Total, len(r.rows))
	}
	return ""
}

// read reads a list, or as many of its pages as are given. It answers false
// after having said in v what is wrong with its pages for themselves.
func (s *suite) read(v *verdict, l *sdk.ListSchema, filter map[string]any, most int) (*reading, bool) {
	raw, err := json.Marshal(filter)
	if err != nil {
		v.wrong("list %s: write its filter as JSON: %s", l.Name, err)
		return nil, false
	}
	r := &reading{}
	shapes := host.NewShapes(&sdk.OperationSchema{Result: l.Row}) // a row is held like a result
	keys, cursors := map[string]bool{}, map[string]bool{"": true}
	for cursor := ""; ; cursor = r.last.Next {
		page, a, err := s.page(l, raw, cursor)
		if err != nil {
			v.wrong("list %s: %s", l.Name, err)
			s.hangUp()
			return nil, false
		}
		r.pages++
		if r.answer, r.last = a, page; a.Outcome != sdk.OutcomeDone {
			return r, true
		}
		for _, row := range page.Rows {
			held := shapes.Hold(&host.Call{Verb: host.Execute}, host.Answer{Outcome: sdk.OutcomeDone, Result: row})
			key := column(row, l.Key)
			switch {
			case held.Outcome != sdk.OutcomeDone:
				v.wrong("list %s: a row of page %d is not what the schema says: %s", l.Name, r.pages, held.Reason)
				return nil, false
			case key == "":
				v.wrong("list %s: a row of page %d has no %s, which names it", l.Name, r.pages, l.Key)
				return nil, false
			case keys[key]:
				r.twice = key
				return r, true
			}
			keys[key] = true
			r.rows, r.keys = append(r.rows, row), append(r.keys, key)
		}
		switch {
		case page.Next == "":
			return r, true
		case cursors[page.Next]:
			r.circle = true
			return r, true
		case r.pages == most:
			r.endless = true
			return r, true
		}
		cursors[page.Next] = true
	}
}

// page asks for one page, counts it on the wire, and hears what is said.
func (s *suite) page(l *sdk.ListSchema, filter json.RawMessage, cursor string) (host.Page, host.Answer, error) {
	main, err := s.connected()
	if err != nil {
		return host.Page{}, host.Answer{}, err
	}
	end := time.Now().Add(s.Timeout)
	ctx, cancel := s.unary()
	defer cancel()
	before := s.relay.requested()
	page, a, err := main.process.client.List(ctx, host.PageCall{List: l.Name, Filter: filter, Cursor: cursor, Deadline: end, LeaveBefore: end})
	if err != nil {
		return page, a, fmt.Errorf("%w%s", err, main.process.errors.quote())
	}
	what := "a page of the list " + l.Name
	s.heard.add("the code of "+what, a.Code)
	s.heard.add("the reason of "+what, a.Reason)
	s.heard.add("the reason of "+what, page.Reason)
	s.heard.add("the cursor of "+what, page.Next)
	for _, row := range page.Rows {
		s.heard.add("a row of "+what, string(row))
	}
	eventually(100*time.Millisecond, func() bool { return s.relay.requested()-before >= a.Requests })
	s.calls = append(s.calls, seen{what, s.relay.requested() - before})
	return page, a, nil
}

// column is a row's value where that is a text.
func column(row json.RawMessage, name string) (value string) {
	var members map[string]json.RawMessage
	if json.Unmarshal(row, &members) == nil {
		_ = json.Unmarshal(members[name], &value)
	}
	return value
}
