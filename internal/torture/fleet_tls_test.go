//go:build linux

package torture

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bulkrunner/runner/internal/plan"
)

// TestE2TLS: a namespace behind TLS, client certificates and an API key, as
// Temporal's own variables have them. Without them nothing is handed over, and
// the key is told nowhere.
func TestE2TLS(t *testing.T) {
	t.Parallel()
	const key = "key-of-the-namespace"
	on := temporalServer(t)
	j := newJob(t, 25)
	j.plan(t)
	certificate := clientCertificate(t, j)
	var let, refused atomic.Int64
	front := secureFront(t, on, certificate, func(r *http.Request) bool {
		if r.Header.Get("Authorization") != "Bearer "+key {
			refused.Add(1)
			return false
		}
		let.Add(1)
		return true
	})
	must(t, os.WriteFile(j.path("server.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: front.Certificate().Raw}), 0o600))
	through := "temporal://" + front.Listener.Addr().String() + on[strings.LastIndex(on, "/"):]

	plain := j.submit(t, through)
	if code := plain.end(t, patience); code != 1 || !strings.Contains(plain.said.String(), "Nothing was sent") {
		t.Errorf("apply without TLS ended with %d:\n%s", code, plain.said)
	}
	j.env = append(j.env, "TEMPORAL_TLS_SERVER_CA_CERT_PATH="+j.path("server.pem"),
		"TEMPORAL_TLS_CLIENT_CERT_PATH="+j.path("client.pem"), "TEMPORAL_TLS_CLIENT_KEY_PATH="+j.path("client.key"))
	if a := j.submit(t, through); a.end(t, patience) != 1 || refused.Load() == 0 {
		t.Errorf("apply without the key ended with %d after %d refusals:\n%s", a.code, refused.Load(), a.said)
	}
	j.env = append(j.env, "TEMPORAL_API_KEY="+key)
	w := j.worker(t, through)
	a := j.submit(t, through)
	if code := a.end(t, patience); code != 0 {
		t.Errorf("apply ended with %d:\n%s", code, a.said)
	}
	if let.Load() == 0 {
		t.Error("nothing went through the front")
	}
	for _, said := range []string{plain.said.String(), a.said.String(), w.said.String()} {
		if strings.Contains(said, key) {
			t.Errorf("the key is told:\n%s", said)
		}
	}
	v, _ := j.judge(t)
	v.all(t, plan.Succeeded, 25)
}

// secureFront passes on to a server what comes with a certificate and pleases.
func secureFront(t *testing.T, on string, client *x509.Certificate, pleases func(*http.Request) bool) *httptest.Server {
	t.Helper()
	front := newFront(t, on, pleases)
	known := x509.NewCertPool()
	known.AddCert(client)
	front.EnableHTTP2 = true
	front.TLS = &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: known}
	front.StartTLS()
	return front
}

// newFront passes on to a server of Temporal's what pleases, once it is started.
func newFront(t *testing.T, on string, pleases func(*http.Request) bool) *httptest.Server {
	t.Helper()
	address, _, _ := strings.Cut(strings.TrimPrefix(on, "temporal://"), "/")
	plain := new(http.Protocols)
	plain.SetUnencryptedHTTP2(true)
	proxy := &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(&url.URL{Scheme: "http", Host: address}) },
		Transport:     &http.Transport{Protocols: plain},
		FlushInterval: -1,
		ErrorLog:      log.New(io.Discard, "", 0),
	}
	front := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !pleases(r) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	front.Config.ErrorLog = proxy.ErrorLog
	t.Cleanup(front.CloseClientConnections)
	return front
}

// clientCertificate makes one, into client.pem and client.key.
func clientCertificate(t *testing.T, j *job) *x509.Certificate {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	must(t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	must(t, err)
	must(t, os.WriteFile(j.path("client.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	must(t, os.WriteFile(j.path("client.key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), 0o600))
	c, err := x509.ParseCertificate(der)
	must(t, err)
	return c
}
