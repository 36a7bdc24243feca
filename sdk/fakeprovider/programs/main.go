// Programs is each of the programs of package fakeprovider, under its name.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/bulkrunner/runner/sdk/fakeprovider"
)

func main() {
	name := strings.TrimSuffix(filepath.Base(os.Args[0]), ".exe")
	run, ok := fakeprovider.Mains()[name]
	if !ok {
		fmt.Fprintf(os.Stderr, "there is no fake provider called %s\n", name)
		os.Exit(2)
	}
	run()
}
