package providers

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"strings"
	"testing"
)

// A provider lets in who has the key that was made for it, and nobody else;
// and the runner speaks to whose certificate came in the handshake.
func TestClientTLS(t *testing.T) {
	t.Parallel()
	ours, variable, err := clientTLS()
	if err != nil {
		t.Fatal(err)
	}
	another, _, err := clientTLS()
	if err != nil {
		t.Fatal(err)
	}
	clients := x509.NewCertPool()
	if pem, ok := strings.CutPrefix(variable, "PLUGIN_CLIENT_CERT="); !ok || !clients.AppendCertsFromPEM([]byte(pem)) {
		t.Fatalf("no certificate in %q", variable)
	}
	its, _, err := clientTLS() // a provider's is of the same kind
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(its.Certificates[0].Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	server := &tls.Config{Certificates: its.Certificates, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: clients, MinVersion: tls.VersionTLS12}
	for name, c := range map[string]struct {
		config *tls.Config
		trusts bool
		in     bool
	}{
		"ours":           {ours, true, true},
		"another's":      {another, true, false},
		"none":           {&tls.Config{ServerName: "localhost"}, true, false},
		"before it came": {ours, false, false},
	} {
		config := c.config.Clone()
		if config.RootCAs = x509.NewCertPool(); c.trusts {
			config.RootCAs.AddCert(leaf)
		}
		near, far := net.Pipe()
		accepted := make(chan error, 1)
		go func() {
			defer far.Close()
			accepted <- tls.Server(far, server).Handshake()
		}()
		said := tls.Client(near, config).Handshake()
		near.Close()
		if err := <-accepted; (err == nil && said == nil) != c.in {
			t.Errorf("%s: the server says %v, the client %v", name, err, said)
		}
	}
}
