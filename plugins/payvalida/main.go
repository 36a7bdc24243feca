// Runner-provider-payvalida carries out operations on Payvalida's orders, the
// porders of its API v3.
//
// Read it in this order: provider.go says what there is; configuration.go,
// checksum.go, client.go, envelope.go and codes.go are how the API is spoken
// to; each operation has its own file; simulator*.go are the API in miniature.
package main

import "github.com/bulkrunner/runner/sdk"

func main() { sdk.Serve(provider) }
