package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/bulkrunner/runner/sdk/simulator"
)

// Tokens are those that a simulation has given out.
type tokens struct {
	mu    sync.Mutex
	count int
	known map[string]issued
}

type issued struct {
	scope string
	ends  time.Time
}

// issue answers POST /token. Its status lies under authorization; success and
// expires_in are strings. What a refusal looks like isn't documented.
func (s *simulation) issue(f *simulator.Fate, q request, now time.Time) simulator.Answer {
	c := s.configuration
	if q.broken || q.body.Text("action") != "authorize" || q.body.Text("grant_type") != "client_credentials" {
		return message(http.StatusBadRequest, "Bad Request")
	}
	if q.body.Text("client_id") != c.ClientID || q.body.Text("client_secret") != c.ClientSecret || !sameAudience(q.body.Text("audience"), c.Audience) {
		return simulator.Answer{Status: tokenStatus.In(f), Body: []byte(`{"action":"authorize","success":"false","authorization":` + status("01") + `}`)}
	}
	scope := q.body.Text("scope")
	t := &s.tokens
	t.mu.Lock()
	defer t.mu.Unlock()
	t.count++
	token, life := fmt.Sprintf("simulated.%d.%016x", t.count, rand.Uint64()), tokenLife.In(f)
	t.known[token] = issued{scope, now.Add(life)}
	b := simulator.AppendMember([]byte(`{"action":"authorize","success":"true"`), "access_token", token)
	b = append(b, `,"token_type":"Bearer"`...)
	b = simulator.AppendMember(b, "scope", scope)
	b = simulator.AppendMember(b, "expires_in", strconv.Itoa(int(life/time.Second)))
	return simulator.Answer{Status: http.StatusOK, Body: append(append(append(b, `,"authorization":`...), status(codeOK)...), '}')}
}

// sameAudience lets the final slash be there or not, as Alignet's page and its
// plugin differ in it.
func sameAudience(given, right string) bool {
	return strings.TrimSuffix(given, "/") == strings.TrimSuffix(right, "/")
}

// scope is what a token allows, and whether it is good.
func (t *tokens) scope(token string, now time.Time) (string, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	i, known := t.known[token]
	return i.scope, known && now.Before(i.ends)
}

func (t *tokens) revoke(token string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.known, token)
}

// status is the object that holds an answer's code.
func status(code string) string {
	text := "Se proceso correctamente la peticion"
	if code != codeOK {
		text = "Ocurrio un problema durante el proceso"
	}
	return `{"meta":{"status":{"code":"` + code + `","message_ilgn":[{"locale":"es_PE","value":"` + text + `"}]}}}`
}
