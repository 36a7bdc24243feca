// Runner-provider-pagos360 carries out operations on the debit requests and
// adhesions of Pagos360, in Argentina.
//
// Read it in this order: provider.go says what there is; configuration.go,
// client.go, envelope.go, codes.go and wire.go are how the API is spoken to;
// each operation has its own file; list.go is how pages become a list;
// simulator*.go are the API in miniature.
package main

import "github.com/bulkrunner/runner/sdk"

func main() { sdk.Serve(provider) }
