package providertest

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/host"
)

// secrets are the values that were planted where something is sensitive.
type secrets struct {
	values []string
	search []*regexp.Regexp
}

// add plants a value. Very short ones would be found by chance: they aren't
// looked for, and others that are short only as whole words.
func (p *secrets) add(value string) {
	if len(value) < 3 || slices.Contains(p.values, value) {
		return
	}
	p.values = append(p.values, value)
	quoted, _ := json.Marshal(value)
	forms := []string{value, strings.Trim(string(quoted), `"`), url.QueryEscape(value), url.PathEscape(value), base64.StdEncoding.EncodeToString([]byte(value))}
	slices.Sort(forms)
	var alternatives []string
	for _, f := range slices.Compact(forms) {
		alternatives = append(alternatives, regexp.QuoteMeta(f))
	}
	pattern := "(?:" + strings.Join(alternatives, "|") + ")"
	if len(value) < 8 {
		pattern = `(?:^|[^0-9A-Za-z])` + pattern + `(?:$|[^0-9A-Za-z])`
	}
	p.search = append(p.search, regexp.MustCompile(pattern))
}

// in tells whether a text holds a planted value in any form.
func (p *secrets) in(text string) bool {
	return slices.ContainsFunc(p.search, func(re *regexp.Regexp) bool { return re.MatchString(text) })
}

// hearsay is all that the provider said over the pipe.
type hearsay struct {
	from  []string
	texts []string
}

func (h *hearsay) add(from, text string) {
	if text != "" {
		h.from, h.texts = append(h.from, from), append(h.texts, text)
	}
}

// answer notes an answer, without what the schema itself calls sensitive: the
// runner knows to keep that to itself.
func (h *hearsay) answer(what string, op *sdk.OperationSchema, a host.Answer) {
	h.add("the code of "+what, a.Code)
	h.add("the reason of "+what, a.Reason)
	h.add("the live state of "+what, shown(op.Live, a.Live))
	h.add("the result of "+what, shown(op.Result, a.Result))
}

// shown is a JSON object without its sensitive attributes.
func shown(attributes []sdk.Attribute, object []byte) string {
	var members map[string]json.RawMessage
	if json.Unmarshal(object, &members) != nil {
		return string(object)
	}
	for _, a := range attributes {
		if a.Sensitive {
			delete(members, a.Name)
		}
	}
	text, _ := json.Marshal(members)
	return string(text)
}
