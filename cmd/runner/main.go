// Runner carries out bulk operations that a file declares. See README.md.
package main

import (
	"os"

	"github.com/bulkrunner/runner/internal/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }
