package apiclient

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"
)

var (
	errEndpoint = errors.New("the endpoint must be a URL such as https://api.example.com, without user, query or fragment")
	errNoTLS    = errors.New("the endpoint must begin with https://: http:// is for this machine alone (127.0.0.1, ::1 or localhost)")
	errAddress  = errors.New("the endpoint's name leads to an address that no API has")
)

// parseEndpoint accepts https URLs, and http URLs of this machine. Its errors
// don't repeat the endpoint, which may hold a password by mistake.
func parseEndpoint(s string) (u *url.URL, loopback bool, err error) {
	u, err = url.Parse(s)
	if err != nil || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.Opaque != "" {
		return nil, false, errEndpoint
	}
	name := u.Hostname()
	loopback = name == "localhost"
	if ip, err := netip.ParseAddr(name); err == nil {
		loopback = ip.Unmap().IsLoopback()
	}
	switch {
	case u.Scheme == "https", u.Scheme == "http" && loopback:
		return u, loopback, nil
	case u.Scheme == "http":
		return nil, false, errNoTLS
	default:
		return nil, false, errEndpoint
	}
}

// newTransport returns a transport whose connections obey flights.
func newTransport(loopback bool, maxInFlight int) *http.Transport {
	// HTTP/2 stays off: its client repeats requests of any method on
	// REFUSED_STREAM, GOAWAY and protocol errors, up to seven times and with
	// sleeps, and one connection for many requests can't tell which of them
	// were written.
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)

	dialer := &net.Dialer{
		Timeout:   10 * time.Second,
		KeepAlive: 15 * time.Second,
		Control: func(_, address string, _ syscall.RawConn) error {
			return allowed(address, loopback)
		},
	}
	t := &http.Transport{
		Protocols: protocols,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := dialer.DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return &conn{Conn: c}, nil
		},
		Proxy:               http.ProxyFromEnvironment,
		TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout: 10 * time.Second,
		// The default of 2 closes a connection after almost every request.
		MaxIdleConns:        maxInFlight,
		MaxIdleConnsPerHost: maxInFlight,
		// Shorter than the shortest common patience of servers (Node's 5 s): a
		// request written to a connection that the server is just closing
		// is one whose outcome nobody knows.
		IdleConnTimeout: 4 * time.Second,
		// Answers are short, and a compressed one has no bounded size.
		DisableCompression:     true,
		MaxResponseHeaderBytes: 64 << 10,
	}
	if loopback {
		t.Proxy = nil
	}
	return t
}

// allowed refuses addresses that an API's name must not lead to: those of the
// machine's own link, where clouds keep their credentials, and for an http://
// endpoint all but this machine.
func allowed(address string, loopback bool) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return errAddress
	}
	ip := ap.Addr().Unmap()
	switch {
	case loopback:
		if !ip.IsLoopback() {
			return errAddress
		}
	case ip.IsLinkLocalUnicast(), ip.IsLinkLocalMulticast(), ip.IsMulticast(), ip.IsUnspecified(), ip == metadataV6:
		return errAddress
	}
	return nil
}

// metadataV6 is where AWS answers for its link-local address over IPv6.
var metadataV6 = netip.MustParseAddr("fd00:ec2::254")

// wellFormed tells whether path and query can be written as they stand.
func wellFormed(path, query string) bool {
	if path != "" && (path[0] != '/' || strings.HasPrefix(path, "//")) {
		return false
	}
	for i := range len(path) {
		if c := path[i]; c <= ' ' || c >= 0x7f || c == '?' || c == '#' {
			return false
		}
	}
	for i := range len(query) {
		if c := query[i]; c <= ' ' || c >= 0x7f || c == '#' {
			return false
		}
	}
	return true
}

func trimSlash(path string) string { return strings.TrimRight(path, "/") }
