// Runner-provider-payme carries out operations on Pay-me's charges: the
// charges and refund API of Alignet, version 1709847567.
//
// Read it in this order: provider.go says what there is; configuration.go,
// token.go, client.go, envelope.go and states.go are how the API is spoken to;
// each operation has its own file; simulator*.go are the API in miniature.
package main

import "github.com/bulkrunner/runner/sdk"

func main() { sdk.Serve(provider) }
