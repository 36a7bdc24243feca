package apiclient

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/bulkrunner/runner/sdk"
)

// The causes stay in Err for errors.Is. They are never part of a text: a
// url.Error holds the URL, and with it a checksum.

func notSent(code string, err error) error {
	f := sdk.NotSent(err).(*sdk.Failure)
	f.Code = code
	if r, ok := notSentReasons[code]; ok {
		f.Reason = r
	}
	return f
}

var notSentReasons = map[string]string{
	"permit_expired":  "the request could not leave in time and was not sent",
	"dns":             "the API's name could not be resolved; nothing was sent",
	"tls":             "no trusted TLS connection to the API could be made; nothing was sent",
	"connect":         "no connection to the API could be made; nothing was sent",
	"timeout":         "no connection to the API could be made in time; nothing was sent",
	"cancelled":       "the request was cancelled before it was sent",
	"address_refused": "the API's name leads to an address that no API has; nothing was sent",
}

func unknown(code, reason string, err error) error {
	return &sdk.Failure{Outcome: sdk.OutcomeUnknown, Code: code, Reason: reason, Err: err}
}

// malformed is the answer to a request that can't be written. Every attempt
// would end the same way, so it isn't one to be sent later.
func malformed() error {
	return sdk.Refused("malformed_request", "the request could not be formed and was not sent. This is a bug in the provider")
}

// unsent says why a request, of which nothing was written, failed.
func unsent(ctx context.Context, req *http.Request, err error) error {
	switch {
	case is[*net.DNSError](err):
		return notSent("dns", err)
	case errors.Is(err, errAddress):
		return notSent("address_refused", err)
	case is[*tls.CertificateVerificationError](err), is[x509.UnknownAuthorityError](err), is[x509.HostnameError](err),
		is[tls.RecordHeaderError](err), is[tls.AlertError](err):
		return notSent("tls", err)
	case errors.Is(ctx.Err(), context.DeadlineExceeded), isTimeout(err):
		return notSent("timeout", err)
	case errors.Is(err, context.Canceled):
		return notSent("cancelled", err)
	case !is[*net.OpError](err) && !writable(req):
		return malformed()
	default:
		return notSent("connect", err)
	}
}

// broken says what became of a request that was written, at least in part.
func broken(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, errTooLarge):
		return unknown("body_too_large", "the API's answer is larger than what is read of one", err)
	case errors.Is(ctx.Err(), context.DeadlineExceeded), isTimeout(err):
		return unknown("timeout", "the request was sent and no whole answer came in time", err)
	case errors.Is(err, context.Canceled):
		return unknown("cancelled", "the request was sent and then cancelled", err)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return unknown("truncated", "the request was sent and the answer broke off", err)
	case is[*net.OpError](err), errors.Is(err, io.EOF), errors.Is(err, errRepeat):
		return unknown("connection_lost", "the request was sent and the connection was lost before the answer", err)
	default:
		return unknown("no_answer", "the request was sent and no answer that can be read came back", err)
	}
}

func throttled(h http.Header) error {
	after, _ := ParseRetryAfter(h, time.Now())
	return sdk.Throttled(after)
}

// writable tells whether net/http would write the method and headers at all.
func writable(req *http.Request) bool {
	if !httpguts.ValidHeaderFieldName(req.Method) {
		return false
	}
	for name, values := range req.Header {
		if !httpguts.ValidHeaderFieldName(name) {
			return false
		}
		for _, v := range values {
			if !httpguts.ValidHeaderFieldValue(v) {
				return false
			}
		}
	}
	return true
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

func isTimeout(err error) bool {
	e, ok := errors.AsType[net.Error](err)
	return ok && e.Timeout()
}
