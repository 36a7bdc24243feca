// Package sdk is everything that a provider's author needs: a provider is a
// program that translates one item into one API request, and one answer into
// one [Outcome]. Pace, order, retries, the record and doubt are the runner's.
//
// Read it in this order: [Provider] is the whole program; [Mutation] and
// [Query] are its operations; [Outcome] is what each request comes back with
// and how errors say it ([Refused], [NotNow], [Throttled], [NotSent],
// [Unauthenticated], [Incident], [Fatal]; any other error is [Unknown]);
// [Settled] is how an operation is told to have happened; [Simulator] is the
// API in miniature that rehearsals and tests run against.
//
// A provider keeps no state between calls beyond its connections and its
// access token. It never retries, never sleeps, never writes a file, and never
// writes to standard output, which belongs to the handshake.
package sdk

// ProtocolVersion is the number both ends must share. Within a number the
// protocol only grows.
const ProtocolVersion = 1
