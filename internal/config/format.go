package config

import (
	"strings"

	"github.com/hashicorp/hcl/v2/hclwrite"

	"github.com/bulkrunner/runner/internal/diag"
)

// HasLayout tells by its name whether a file is one that [Format] is for.
func HasLayout(name string) bool {
	return strings.HasSuffix(name, suffix) || strings.HasSuffix(name, ".opsvars.hcl")
}

// Format gives a file in HCL's own syntax its canonical layout: nothing but
// the spaces within its lines is another. A file with a syntax error is
// refused, since nobody knows what it means.
func Format(src Source) ([]byte, diag.List) {
	d := newDecoder(newConfig(nil))
	if d.syntax(src) == nil {
		return nil, masked(d.report())
	}
	return hclwrite.Format(src.Bytes), nil
}
