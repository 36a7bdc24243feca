package fakeprovider

import (
	"fmt"
	"os"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/internal/process"
)

// Main is the main function of the provider fake. It is honest until its
// configuration says otherwise.
func Main() { serve(Provider(), sdk.ProtocolVersion) }

// Mains are programs for a test binary to register under their names:
//
//	runner-provider-fake        the provider
//	runner-provider-crashing    ends at its start, with a word on standard error
//	runner-provider-oldproto    speaks protocol 99
//	runner-provider-unreleased  calls its version "devel"
//	runner-provider-notaplugin  prints what is no handshake
func Mains() map[string]func() {
	return map[string]func(){
		"runner-provider-fake": Main,
		"runner-provider-crashing": func() {
			fmt.Fprintln(os.Stderr, "cannot open shared library libfake.so")
			os.Exit(7)
		},
		"runner-provider-oldproto": func() { serve(Provider(), 99) },
		"runner-provider-unreleased": func() {
			p := Provider()
			p.Name, p.Version = "unreleased", "devel"
			serve(p, sdk.ProtocolVersion)
		},
		"runner-provider-notaplugin": func() { fmt.Println("Welcome to something else!") },
	}
}

func serve(p sdk.Provider[Config, *client], protocol int) {
	if !process.Started() || len(os.Args) > 1 {
		sdk.Serve(p)
	}
	server, err := sdk.NewServer(p)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	process.Serve(protocol, newLiar(server).register, server.Drain)
}
