package main

import (
	"fmt"
	"net/http"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/apiclient"
)

// yes tells whether a member says true, which this API writes as a string in
// most answers and as a boolean in some.
func yes(o apiclient.Object, name string) bool {
	return string(o[name]) == `true` || string(o[name]) == `"true"`
}

// codeOK is meta.status.code of what was processed. No table of the others is
// documented.
const codeOK = "00"

// decodeAnswer reads an answer down to one that says in all three places that
// the request was processed: HTTP 200, success, and meta.status.code. Neither
// bodies nor statuses of failures are documented, and nobody says whether they
// ride on 200: nothing follows from one but that the token was refused.
func decodeAnswer(r *apiclient.Response) (apiclient.Object, error) {
	switch r.Status {
	case http.StatusOK:
	case http.StatusUnauthorized:
		return nil, &sdk.Failure{Outcome: sdk.OutcomeUnauthenticated, Code: httpCode(r.Status), Reason: "the API refused the access token"}
	default:
		return nil, sdk.Unknown(httpCode(r.Status), fmt.Sprintf("the API answered HTTP %d, of which its documentation says nothing", r.Status))
	}
	answer, err := r.Object()
	if err != nil {
		return nil, err
	}
	code := answer.Object("meta").Object("status").Text("code")
	switch {
	case !twoDigits(code):
		return nil, sdk.Unknown("no_code", "the answer has no status code of two digits")
	case code != codeOK:
		return nil, sdk.Unknown(code, "the API says that it did not process the request; what that proves isn't documented")
	case !yes(answer, "success"):
		return nil, sdk.Unknown("unsuccessful", "the API says that the request had no success; what that proves isn't documented")
	}
	return answer, nil
}

func twoDigits(s string) bool {
	return len(s) == 2 && s[0] >= '0' && s[0] <= '9' && s[1] >= '0' && s[1] <= '9'
}

func httpCode(status int) string { return fmt.Sprintf("http_%d", status) }
