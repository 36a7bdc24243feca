package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/apiclient"
)

// Codes of failures: the API has none of its own, so they are statuses.
const (
	codeInvalid   = "http_400"
	codeForbidden = "http_403"
	codeMissing   = "http_404"
)

// failure says what a status other than success means for its request.
//
// No body of an error is documented. Clients in public code read three shapes
// of 400, and one that has none of them isn't believed; nor is a 404 that
// isn't the API's own, such as a gateway's page. The API's texts are left out:
// what they may repeat of the request is its affair. The names of the fields
// that it found fault with are told.
func failure(status int, body []byte) error {
	code := fmt.Sprintf("http_%d", status)
	if status == http.StatusUnauthorized {
		return sdk.Unauthenticated(nil)
	}
	data, err := apiclient.ParseObject(body)
	if err == nil {
		switch status {
		case http.StatusBadRequest:
			if fields, ok := faults400(data); ok {
				return sdk.Refused(code, refused(fields))
			}
		case http.StatusForbidden:
			return sdk.Refused(code, "the API key may not do this: look at the account's permissions")
		case http.StatusNotFound:
			return sdk.Refused(code, "the API knows nothing of that id, here and for this key")
		}
	}
	return sdk.Unknown(code, fmt.Sprintf("the API answered HTTP %d in a form that nothing is documented of", status))
}

func refused(fields []string) string {
	if len(fields) == 0 {
		return "the API found fault with the request and names no field"
	}
	return "the API found fault with " + strings.Join(fields, ", ")
}

// faults400 reads the three shapes that a refusal is known to come in, and
// names the fields that have an error:
//
//	{"children":{"amount":{"errors":["…"]},"description":[]}}
//	{"errors":{"children":{…}}}
//	{"error":{"message":"…"}}
func faults400(data apiclient.Object) (fields []string, ok bool) {
	if inner, err := apiclient.ParseObject(data["errors"]); err == nil {
		data = inner
	}
	if children, err := apiclient.ParseObject(data["children"]); err == nil {
		for name, raw := range children {
			child, err := apiclient.ParseObject(raw) // a field without error is an empty array
			if _, faulty := child["errors"]; err == nil && faulty && plainName(name) {
				fields = append(fields, name)
			}
		}
		slices.Sort(fields)
		return fields, true
	}
	inner, err := apiclient.ParseObject(data["error"])
	return nil, err == nil && inner.Text("message") != ""
}

// plainName tells whether a name is one that may be shown.
func plainName(s string) bool {
	return len(s) <= 50 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz_") == ""
}
