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
// and lets the last of two equal names win, while this API distinguishes its
// products by the case of their keys, and an answer that says CODE twice says
// nothing.
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

// decodeAnswer reads an answer down to its DATA. Business errors ride on HTTP
// 200 under a CODE of their own; what statuses other than 200 mean isn't
// documented, so that nothing follows from one, not even from a CODE in it.
func decodeAnswer(status int, body []byte) (object, error) {
	if status != http.StatusOK {
		return nil, sdk.Unknown(fmt.Sprintf("http_%d", status),
			fmt.Sprintf("the API answered HTTP %d, of which its documentation says nothing", status))
	}
	envelope, err := decodeObject(body)
	if err != nil {
		return nil, sdk.Unknown("no_json", "the answer is not the JSON object it should be")
	}
	code := envelope.text("CODE")
	switch {
	case code == "":
		return nil, sdk.Unknown("no_code", "the answer has no result code")
	case code != codeOK:
		return nil, failure(code)
	}
	data, err := decodeObject(envelope["DATA"])
	if err != nil {
		return nil, sdk.Unknown("no_data", "the answer says OK and has no data that would confirm it")
	}
	return data, nil
}
