package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/bulkrunner/runner/sdk"
)

// An object holds a JSON object's members under their exact names.
//
// A struct would not do: encoding/json matches names without regard to case
// and lets the last of two equal names win, while an answer that names two
// states says nothing.
type object map[string]json.RawMessage

var errNotAnObject = errors.New("not one JSON object")

func decodeObject(b []byte) (object, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errNotAnObject
	}
	o := make(object, 8)
	for d.More() {
		t, err := d.Token()
		name, isName := t.(string)
		if err != nil || !isName {
			return nil, errNotAnObject
		}
		if _, twice := o[name]; twice {
			return nil, fmt.Errorf("a member appears twice")
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, errNotAnObject
		}
		o[name] = value
	}
	if _, err := d.Token(); err != nil {
		return nil, errNotAnObject
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errNotAnObject
	}
	return o, nil
}

// text returns a member that is a string; "" where it is missing or is
// anything else.
func (o object) text(name string) string {
	var s string
	if json.Unmarshal(o[name], &s) != nil {
		return ""
	}
	return s
}

// yes tells whether a member says true, which this API writes as a string in
// most answers and as a boolean in some.
func (o object) yes(name string) bool {
	return string(o[name]) == `true` || string(o[name]) == `"true"`
}

// decimal returns a member that is a number, written as one or as a string.
// Missing gives "".
func (o object) decimal(name string) (sdk.Decimal, error) {
	var d sdk.Decimal
	raw, there := o[name]
	if !there {
		return "", nil
	}
	err := json.Unmarshal(raw, &d)
	return d, err
}

// object returns a member that is an object; an empty one, in which nothing is
// found, where it is missing or null or anything else.
func (o object) object(name string) object {
	inner, err := decodeObject(o[name])
	if err != nil {
		return object{}
	}
	return inner
}

// objects returns a member that is a list of objects, nil where it is null or
// missing.
func (o object) objects(name string) ([]object, error) {
	var raw []json.RawMessage
	if there := o[name]; there == nil {
		return nil, nil
	} else if err := json.Unmarshal(there, &raw); err != nil {
		return nil, errors.New("not a list")
	} else if raw == nil {
		return nil, nil
	}
	list := make([]object, 0, len(raw))
	for _, r := range raw {
		inner, err := decodeObject(r)
		if err != nil {
			return nil, err
		}
		list = append(list, inner)
	}
	return list, nil
}

// codeOK is meta.status.code of what was processed. No table of the others is
// documented.
const codeOK = "00"

// decodeAnswer reads an answer down to one that says in all three places that
// the request was processed: HTTP 200, success, and meta.status.code. Neither
// bodies nor statuses of failures are documented, and nobody says whether they
// ride on 200: nothing follows from one but that the token was refused.
func decodeAnswer(status int, body []byte) (object, error) {
	switch status {
	case http.StatusOK:
	case http.StatusUnauthorized:
		return nil, &sdk.Failure{Outcome: sdk.OutcomeUnauthenticated, Code: httpCode(status), Reason: "the API refused the access token"}
	default:
		return nil, sdk.Unknown(httpCode(status), fmt.Sprintf("the API answered HTTP %d, of which its documentation says nothing", status))
	}
	answer, err := decodeObject(body)
	if err != nil {
		return nil, sdk.Unknown("no_json", "the answer is not the JSON object it should be")
	}
	code := answer.object("meta").object("status").text("code")
	switch {
	case !twoDigits(code):
		return nil, sdk.Unknown("no_code", "the answer has no status code of two digits")
	case code != codeOK:
		return nil, sdk.Unknown(code, "the API says that it did not process the request; what that proves isn't documented")
	case !answer.yes("success"):
		return nil, sdk.Unknown("unsuccessful", "the API says that the request had no success; what that proves isn't documented")
	}
	return answer, nil
}

func twoDigits(s string) bool {
	return len(s) == 2 && s[0] >= '0' && s[0] <= '9' && s[1] >= '0' && s[1] <= '9'
}

func httpCode(status int) string { return fmt.Sprintf("http_%d", status) }
