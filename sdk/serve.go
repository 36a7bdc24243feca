package sdk

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/bulkrunner/runner/sdk/internal/process"
)

// Serve is a provider's main function. Started by the runner it answers calls
// until the runner is gone; started by hand it says what it is, or with the
// argument "simulate" runs the provider's simulator alone. It doesn't return.
func Serve[Config, Client any](p Provider[Config, Client]) {
	server, err := NewServer(p)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	switch {
	case len(os.Args) > 1 && os.Args[1] == "simulate":
		os.Exit(server.service.simulateAlone(os.Args[2:], os.Stdin, os.Stdout, os.Stderr))
	case !process.Started():
		greet(os.Stderr, p.Name, p.Version, p.Simulator != nil)
		os.Exit(1)
	}
	process.Serve(ProtocolVersion, server.Register, server.Drain)
}

func greet(w io.Writer, name, version string, simulates bool) {
	fmt.Fprintf(w, "This is the provider %s %s of runner. It is started by runner, not by hand:\nname it in an operation file, under required_providers.\n", name, version)
	if simulates {
		fmt.Fprintf(w, "\nTo run its simulator alone:\n\n    %s simulate\n", filepath.Base(os.Args[0]))
	}
}
