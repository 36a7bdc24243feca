package providers

import (
	"os"
	"runtime"
)

// allowed are the only variables of the runner's environment that a provider
// sees: what a program needs to find its libraries, certificates and proxies,
// and nothing that might be a credential.
var allowed = []string{
	"PATH", "HOME", "TZ", "LANG", "LC_ALL",
	"SSL_CERT_FILE", "SSL_CERT_DIR",
	"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
}

// allowedOnWindows are what no Windows program starts without.
var allowedOnWindows = []string{"SystemRoot", "SystemDrive", "TEMP", "TMP", "USERPROFILE"}

func environment() []string {
	names := allowed
	if runtime.GOOS == "windows" {
		names = append(append([]string(nil), allowed...), allowedOnWindows...)
	}
	var env []string
	for _, name := range names {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}
