package plan

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
)

// Withhold is a provider's text without what the secret holds, in any form
// that a careless provider or its API may have repeated it in: as it is, in a
// URL, in base64, a card's number in groups.
//
// What is shorter than three characters is not looked for, since it would be
// found by chance, and what is shorter than eight only as a word of its own.
func (s Secret) Withhold(text string) string {
	if len(s) == 0 || text == "" {
		return text
	}
	return s.replace(text, least)
}

// WithholdObject is Withhold for a JSON object. What is shorter than eight
// characters is left in it: others rely on its values, and an amount may look
// like a card's security code.
func (s Secret) WithholdObject(object []byte) []byte {
	if len(s) == 0 || len(object) == 0 || s.replace(string(object), long) == string(object) {
		return object
	}
	d := json.NewDecoder(bytes.NewReader(object))
	d.UseNumber()
	var value map[string]any
	if d.Decode(&value) != nil {
		return nil
	}
	out, err := json.Marshal(s.walk(value))
	if err != nil {
		return nil
	}
	return out
}

const (
	least = 3 // characters of a secret that is looked for
	long  = 8 // characters of one that is looked for within words
)

func (s Secret) walk(value any) any {
	switch v := value.(type) {
	case string:
		return s.replace(v, long)
	case json.Number:
		if text := s.replace(v.String(), long); text != v.String() {
			return text
		}
	case []any:
		for i := range v {
			v[i] = s.walk(v[i])
		}
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, inner := range v {
			out[s.replace(name, long)] = s.walk(inner)
		}
		return out
	}
	return value
}

func (s Secret) replace(text string, shortest int) string {
	for _, value := range texts(s) {
		if len(value) >= shortest {
			text = forms(value).ReplaceAllLiteralString(text, withheld)
		}
	}
	return text
}

// texts are all texts and numbers of a JSON object.
func texts(object []byte) (list []string) {
	d := json.NewDecoder(bytes.NewReader(object))
	d.UseNumber()
	var value map[string]any
	if d.Decode(&value) != nil {
		return nil
	}
	var gather func(any)
	gather = func(value any) {
		switch v := value.(type) {
		case string:
			list = append(list, v)
		case json.Number:
			list = append(list, v.String())
		case []any:
			for _, inner := range v {
				gather(inner)
			}
		case map[string]any:
			for _, inner := range v {
				gather(inner)
			}
		}
	}
	gather(value)
	return list
}

// forms finds a text in all the forms that are withheld.
func forms(value string) *regexp.Regexp {
	quoted, _ := json.Marshal(value) // a string always has a JSON form
	list := []string{value, strings.Trim(string(quoted), `"`), url.QueryEscape(value), url.PathEscape(value)}
	if len(value) >= long {
		list = append(list, base64.RawStdEncoding.EncodeToString([]byte(value)), base64.RawURLEncoding.EncodeToString([]byte(value)))
	}
	for i := range list {
		list[i] = regexp.QuoteMeta(list[i])
	}
	if len(value) >= long && strings.Trim(value, "0123456789") == "" {
		list = append(list, strings.Join(strings.Split(value, ""), `(?:[ .+_-]|%20)?`))
	}
	pattern := "(?:" + strings.Join(list, "|") + ")"
	if len(value) < long {
		pattern = `\b` + pattern + `\b`
	}
	return regexp.MustCompile(pattern)
}
