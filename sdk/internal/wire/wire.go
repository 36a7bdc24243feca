// Package wire is what both ends of the pipe between runner and provider must
// agree on beside the messages.
package wire

import "strings"

// The cookie that the runner puts into a provider's environment. It is no
// secret: it tells a provider that was started by hand from one that wasn't.
const (
	CookieKey   = "RUNNER_PROVIDER"
	CookieValue = "runner.provider.v1"
)

// Plugin is the name under which go-plugin knows the service.
const Plugin = "provider"

// MaxMessage bounds a message in either direction.
const MaxMessage = 16 << 20

// MaxArguments bounds the arguments of a call: with all that is around them
// they still fit a message.
const MaxArguments = MaxMessage - 64<<10

// Frame is the size that a frame of calls or answers does not pass, unless it
// holds a single one.
const Frame = 1 << 20

// Window is how much may be on its way in either direction. It is fixed: gRPC
// else measures the pipe with pings, beside frames that hold a few answers.
const Window = 1 << 20

// Texts that travel with an answer are bounded at both ends.
const (
	MaxCode   = 200
	MaxReason = 4 << 10
)

// Clip makes s valid UTF-8 of at most n bytes.
func Clip(s string, n int) string {
	if len(s) > n {
		s = s[:n]
	}
	return strings.ToValidUTF8(s, "")
}
