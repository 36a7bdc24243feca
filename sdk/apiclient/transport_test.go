package apiclient

import (
	"strings"
	"testing"
)

func TestEndpoint(t *testing.T) {
	t.Parallel()
	tests := map[string]bool{
		"https://api.example.com":            true,
		"https://api.example.com:8443/v1/":   true,
		"http://127.0.0.1:8080":              true,
		"http://127.9.9.9":                   true,
		"http://[::1]:8080/base":             true,
		"http://localhost:80":                true,
		"http://api.example.com":             false,
		"http://localhost.example.com":       false,
		"http://127.0.0.1.example.com":       false,
		"http://10.0.0.1":                    false,
		"https://user:pw@api.example.com":    false,
		"https://api.example.com?x=1":        false,
		"https://api.example.com#x":          false,
		"https://":                           false,
		"ftp://api.example.com":              false,
		"api.example.com":                    false,
		"":                                   false,
		"https://pw-in-a-broken-url\x7f.com": false,
	}
	for endpoint, ok := range tests {
		_, err := New(Options{Endpoint: endpoint})
		if (err == nil) != ok {
			t.Errorf("%q: %v", endpoint, err)
		}
		if err != nil && strings.Contains(err.Error(), "pw") {
			t.Errorf("the error repeats the endpoint: %v", err)
		}
	}
}

func TestAllowed(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ remote, loopback bool }{
		"203.0.113.7:443":            {true, false},
		"10.0.0.1:443":               {true, false},
		"[2001:db8::1]:443":          {true, false},
		"127.0.0.1:443":              {true, true},
		"[::1]:443":                  {true, true},
		"[::ffff:127.0.0.1]:443":     {true, true},
		"169.254.169.254:80":         {false, false},
		"[::ffff:169.254.169.254]:1": {false, false},
		"[fe80::1%eth0]:443":         {false, false},
		"[fd00:ec2::254]:80":         {false, false},
		"0.0.0.0:443":                {false, false},
		"224.0.0.1:443":              {false, false},
		"nonsense":                   {false, false},
	}
	for address, want := range tests {
		if got := allowed(address, false) == nil; got != want.remote {
			t.Errorf("%s for a remote endpoint: %v", address, got)
		}
		if got := allowed(address, true) == nil; got != want.loopback {
			t.Errorf("%s for a loopback endpoint: %v", address, got)
		}
	}
}
