// Package apiclient is the HTTP client that knows what was sent.
//
// [Client.Do] makes one request: exactly one on the wire, or none. When it
// fails, its error already says which of the two it was: [sdk.NotSent] where no
// byte was handed to the connection, [sdk.Unknown] where some may have been. No
// error of this package holds a URL, a header or a body.
//
// Three things that net/http does on its own are made impossible here, because
// each turns one payment into two or sends it where it doesn't belong: a
// request that is repeated on another connection, a redirect that is followed,
// and a request that leaves long after it was meant to. What enforces it is
// not a setting but the connection itself, see [flight].
package apiclient
