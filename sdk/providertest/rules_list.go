package providertest

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"

	"github.com/bulkrunner/runner/sdk"
)

// manyPages is more pages than any list has that the suite has made up.
const manyPages = 500

// lists hands on every list, filled and read to its end once. Those that can't
// be read break the rule list_pages, not the others.
func (s *suite) lists(v *verdict, do func(l *sdk.ListSchema, all *reading)) {
	if len(s.schema.Lists) == 0 {
		v.skip("the provider has no lists")
	}
	for i := range s.schema.Lists {
		l := &s.schema.Lists[i]
		if all := s.listed[l.Name]; all != nil && s.ctx.Err() == nil {
			v.held++
			do(l, all)
		}
	}
}

// listsToTheirEnd fills the simulator until lists have pages enough to go wrong,
// and reads them.
func listsToTheirEnd(s *suite, v *verdict) {
	s.listed = map[string]*reading{}
	if len(s.schema.Lists) == 0 {
		v.skip("the provider has no lists")
		return
	}
	if !s.offers("generate") {
		v.wrong("the provider has lists, and its simulator no fault generate: a file that takes its items from one can't be rehearsed")
		return
	}
	// All of them are read anew each time: what was made for one may be in
	// another.
	for _, n := range []int{50, 500, 5000} {
		if err := s.turn("generate", strconv.Itoa(n)); err != nil {
			v.wrong("the simulator refuses generate=%d: %s", n, err)
			return
		}
		v.held, v.problems = 0, nil
		enough := true
		for i := range s.schema.Lists {
			l := &s.schema.Lists[i]
			v.held++
			delete(s.listed, l.Name)
			all, ok := s.read(v, l, nil, manyPages)
			switch {
			case !ok:
			case !all.ended():
				v.wrong("list %s: %s", l.Name, all.flaw())
			case len(all.rows) == 0:
				v.wrong("list %s: it is empty, although generate made things", l.Name)
			default:
				s.listed[l.Name] = all
				enough = enough && all.pages >= 3
			}
		}
		if enough {
			return
		}
	}
}

// ended tells whether a list came to its end with every row once, whatever is
// said there.
func (r *reading) ended() bool {
	return r.answer.Outcome == sdk.OutcomeDone && r.twice == "" && !r.circle && !r.endless
}

// wrongly reads every list while something is wrong with lists at the API, and
// holds that the runner wouldn't take what comes for all that there is.
func (s *suite) wrongly(v *verdict, fault, because string) {
	s.lists(v, func(l *sdk.ListSchema, all *reading) {
		if all.pages < 2 {
			v.held--
			v.skip("list %s: its %d rows are on one page", l.Name, len(all.rows))
			return
		}
		s.with(v, "list", fault, func() {
			r, ok := s.read(v, l, nil, all.pages+2)
			switch {
			case !ok:
			case r.endless:
				v.wrong("list %s: under list=%s it goes on for two pages more than it has, and doesn't end", l.Name, fault)
			case r.whole():
				v.wrong("list %s: under list=%s it comes out as all that there is, with %d rows: %s", l.Name, fault, len(r.rows), because)
			}
		})
	})
	s.ifNotOffered(v, "list")
}

func listComplete(s *suite, v *verdict) {
	s.lists(v, func(l *sdk.ListSchema, all *reading) {
		if !all.last.Complete {
			v.wrong("list %s: %s", l.Name, all.flaw())
		}
	})
	s.also(v, "cut", "the API gave two pages of it and no more")
}

func listTotal(s *suite, v *verdict) {
	s.lists(v, func(l *sdk.ListSchema, all *reading) {
		if all.last.Complete && !all.whole() {
			v.wrong("list %s: %s", l.Name, all.flaw())
		}
	})
	s.also(v, "total", "the API counts one more")
}

// also holds a rule under a fault as well, where the simulator has it.
func (s *suite) also(v *verdict, fault, because string) {
	under := &verdict{}
	s.wrongly(under, fault, because)
	v.problems, v.skips = append(v.problems, under.problems...), append(v.skips, under.skips...)
}

func listDrift(s *suite, v *verdict) {
	s.wrongly(v, "drift", "a row went away behind the first page, so that another was stepped over. The API counts fewer rows at the last page than at the first: hold one against the other")
}

func listRepeat(s *suite, v *verdict) {
	s.wrongly(v, "repeat", "a row came on two pages, so that the list moved between them")
}

func listCircle(s *suite, v *verdict) {
	s.wrongly(v, "circle", "the API's pages have no end")
}

// listFilter asks for what has a certain value in a column that a filter is
// named after.
func listFilter(s *suite, v *verdict) {
	s.lists(v, func(l *sdk.ListSchema, all *reading) {
		requests := s.relay.requested()
		_, a, err := s.page(l, json.RawMessage(`{"no_such_filter":"x"}`), "")
		switch {
		case err != nil:
			v.wrong("list %s: %s", l.Name, err)
			return
		case a.Outcome == sdk.OutcomeDone || s.relay.requested() != requests:
			v.wrong("list %s: a filter that it doesn't have isn't refused before anything is asked", l.Name)
		}
		name, value, wanted := narrowing(l, all)
		if name == "" {
			v.skip("list %s: no filter has the name of a column whose values differ", l.Name)
			return
		}
		filter := map[string]any{name: value}
		same := func(r *reading) bool { return slices.Equal(slices.Sorted(slices.Values(r.keys)), wanted) }
		r, ok := s.read(v, l, filter, manyPages)
		switch {
		case !ok:
		case !r.whole():
			v.wrong("list %s: filtered by %s it is not read to its end: %s", l.Name, name, r.flaw())
		case !same(r):
			v.wrong("list %s: filtered by %s it has %d rows, and %d of all have that %s", l.Name, name, len(r.keys), len(wanted), name)
		}
		if !s.offers("list") {
			v.skip("the simulator offers no such fault: list")
			return
		}
		s.with(v, "list", "unfiltered", func() {
			r, ok := s.read(v, l, filter, manyPages)
			if ok && (slices.ContainsFunc(r.rows, func(row json.RawMessage) bool { return column(row, name) != value }) || r.whole() && !same(r)) {
				v.wrong("list %s: the API ignores its filter by %s, and what was not asked for comes as if it had been", l.Name, name)
			}
		})
	})
}

// narrowing finds a filter and a value of it that some rows have and others
// don't, with the keys of those that do.
func narrowing(l *sdk.ListSchema, all *reading) (name, value string, keys []string) {
	for _, a := range l.Filter {
		if string(a.Type) != `"string"` || !slices.ContainsFunc(l.Row, func(c sdk.Attribute) bool { return c.Name == a.Name }) {
			continue
		}
		of := map[string][]string{}
		for i, row := range all.rows {
			of[column(row, a.Name)] = append(of[column(row, a.Name)], all.keys[i])
		}
		for _, value := range slices.Sorted(maps.Keys(of)) {
			if value != "" && len(of[value]) < len(all.rows) && (len(a.OneOf) == 0 || slices.Contains(a.OneOf, value)) {
				return a.Name, value, slices.Sorted(slices.Values(of[value]))
			}
		}
	}
	return "", "", nil
}
