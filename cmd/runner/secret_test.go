package main

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"os"

	"filippo.io/age"
	"github.com/rogpeppe/go-internal/testscript"
)

// keys makes the keys that keep secret arguments.
func keys(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: keys KEY IDENTITY")
	}
	id, err := age.GenerateX25519Identity()
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(rand.Text()+rand.Text()+"\n"), 0o600))
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(id.String()+"\n"), 0o600))
	ts.Setenv("RECIPIENT", id.Recipient().String())
}

// noted holds what a thing's note says at the API against what it should say.
func noted(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: noted ID NOTE CARD")
	}
	req, err := http.NewRequest(http.MethodGet, simulatorOf(ts).endpoint+"/things/"+args[0]+"/note", nil)
	ts.Check(err)
	req.Header.Set("Authorization", "Bearer t0ken")
	res, err := simulatorClient.Do(req)
	ts.Check(err)
	defer res.Body.Close()
	var got struct{ Note, Card string }
	ts.Check(json.NewDecoder(res.Body).Decode(&got))
	if got.Note != args[1] || got.Card != args[2] {
		ts.Fatalf("the note of %s says %q with the card %q", args[0], got.Note, got.Card)
	}
}
