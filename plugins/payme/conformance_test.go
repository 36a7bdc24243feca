package main

import (
	"testing"

	"github.com/bulkrunner/runner/sdk/providertest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	providertest.Run(t, providertest.Options{})
}
