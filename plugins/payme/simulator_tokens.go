package main

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
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
func (s *simulation) issue(f *faults, q request) (int, []byte) {
	c := s.configuration
	if q.broken || q.body.text("action") != "authorize" || q.body.text("grant_type") != "client_credentials" {
		return http.StatusBadRequest, []byte(`{"message":"Bad Request"}`)
	}
	if q.body.text("client_id") != c.ClientID || q.body.text("client_secret") != c.ClientSecret || !sameAudience(q.body.text("audience"), c.Audience) {
		return http.StatusUnauthorized, []byte(`{"action":"authorize","success":"false","authorization":` + status("01") + `}`)
	}
	scope := q.body.text("scope")
	t := &s.tokens
	t.mu.Lock()
	defer t.mu.Unlock()
	t.count++
	token := fmt.Sprintf("simulated.%d.%016x", t.count, mix(uint64(s.now().UnixNano())+uint64(t.count)))
	t.known[token] = issued{scope, s.now().Add(f.tokenLife)}
	b := appendMember([]byte(`{"action":"authorize","success":"true"`), "access_token", token)
	b = append(b, `,"token_type":"Bearer"`...)
	b = appendMember(b, "scope", scope)
	b = appendMember(b, "expires_in", strconv.Itoa(int(f.tokenLife/time.Second)))
	return http.StatusOK, append(append(append(b, `,"authorization":`...), status(codeOK)...), '}')
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
