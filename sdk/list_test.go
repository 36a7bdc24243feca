package sdk_test

import (
	"context"
	"strings"
	"testing"

	"github.com/bulkrunner/runner/sdk"
)

type pick struct {
	State string `json:"state" doc:"Only in this state."`
}

type found struct {
	ID    string `json:"id" doc:"Its id."`
	State string `json:"state" doc:"Its state."`
}

func listing(change func(*sdk.List[*connection, pick, found])) sdk.Listing[*connection] {
	l := sdk.List[*connection, pick, found]{
		Name: "things", Key: "id",
		Page:    func(*connection, context.Context, pick, string) (p sdk.Page[found], err error) { return },
		Matches: func(p pick, f found) bool { return p.State == f.State },
	}
	change(&l)
	return l
}

func TestListSchema(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		lists []sdk.Listing[*connection]
		says  string // "" is nothing
	}{
		"as it should be": {[]sdk.Listing[*connection]{listing(func(*sdk.List[*connection, pick, found]) {})}, ""},
		"no page":         {[]sdk.Listing[*connection]{listing(func(l *sdk.List[*connection, pick, found]) { l.Page = nil })}, "no Page"},
		"no match":        {[]sdk.Listing[*connection]{listing(func(l *sdk.List[*connection, pick, found]) { l.Matches = nil })}, "no Matches"},
		"no key":          {[]sdk.Listing[*connection]{listing(func(l *sdk.List[*connection, pick, found]) { l.Key = "" })}, "the key"},
		"another key":     {[]sdk.Listing[*connection]{listing(func(l *sdk.List[*connection, pick, found]) { l.Key = "number" })}, "the key"},
		"a bad name":      {[]sdk.Listing[*connection]{listing(func(l *sdk.List[*connection, pick, found]) { l.Name = "Things" })}, "lower_snake_case"},
		"twice": {[]sdk.Listing[*connection]{
			listing(func(*sdk.List[*connection, pick, found]) {}), listing(func(*sdk.List[*connection, pick, found]) {}),
		}, "there twice"},
		"a word of the language": {[]sdk.Listing[*connection]{sdk.List[*connection, struct {
			Key string `json:"key"`
		}, found]{
			Name: "things", Key: "id",
			Page: func(*connection, context.Context, struct {
				Key string `json:"key"`
			}, string) (p sdk.Page[found], err error) {
				return
			},
			Matches: func(struct {
				Key string `json:"key"`
			}, found) bool {
				return true
			},
		}}, "meta-argument"},
		"a secret": {[]sdk.Listing[*connection]{sdk.List[*connection, struct {
			Card string `json:"card" runner:"sensitive"`
		}, found]{
			Name: "things", Key: "id",
			Page: func(*connection, context.Context, struct {
				Card string `json:"card" runner:"sensitive"`
			}, string) (p sdk.Page[found], err error) {
				return
			},
			Matches: func(struct {
				Card string `json:"card" runner:"sensitive"`
			}, found) bool {
				return true
			},
		}}, "sensitive"},
	} {
		p := provider()
		p.Lists = c.lists
		s, err := sdk.SchemaOf(p)
		switch {
		case c.says == "" && err != nil, c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)):
			t.Errorf("%s: %v", name, err)
		case c.says == "":
			if l, ok := s.List("things"); !ok || len(l.Filter) != 1 || len(l.Row) != 2 {
				t.Errorf("%s: %+v", name, l)
			}
		}
	}
}
