package main

import (
	"fmt"
	"net/http"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/apiclient"
)

// decodeAnswer reads an answer down to its DATA. Business errors ride on HTTP
// 200 under a CODE of their own; what statuses other than 200 mean isn't
// documented, so that nothing follows from one, not even from a CODE in it.
// Names count by their case: the API distinguishes its products by it.
func decodeAnswer(r *apiclient.Response) (apiclient.Object, error) {
	if r.Status != http.StatusOK {
		return nil, sdk.Unknown(fmt.Sprintf("http_%d", r.Status),
			fmt.Sprintf("the API answered HTTP %d, of which its documentation says nothing", r.Status))
	}
	envelope, err := r.Object()
	if err != nil {
		return nil, err
	}
	code := envelope.Text("CODE")
	switch {
	case code == "":
		return nil, sdk.Unknown("no_code", "the answer has no result code")
	case code != codeOK:
		return nil, failure(code)
	}
	data, err := apiclient.ParseObject(envelope["DATA"])
	if err != nil {
		return nil, sdk.Unknown("no_data", "the answer says OK and has no data that would confirm it")
	}
	return data, nil
}
