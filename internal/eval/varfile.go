package eval

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/bulkrunner/runner/internal/diag"
)

// ReadVarFile reads a variables file: NAME = VALUE a line, in HCL or, where its
// name ends in .json, in HCL's JSON syntax. Values are literals.
func ReadVarFile(path string) (map[string]Given, diag.List) {
	refuse := func(detail string) (map[string]Given, diag.List) {
		return nil, diag.List{{Summary: "Variables file can't be read", Detail: detail}}
	}
	f, err := os.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return refuse(fmt.Sprintf("There is no file %s. --var-file is relative to the folder in which the command runs.", path))
	case err != nil:
		return refuse(fmt.Sprintf("The file %s can't be opened: you may lack the permission.", path))
	}
	defer f.Close()
	src, err := io.ReadAll(io.LimitReader(f, maxText+1))
	if err != nil {
		return refuse(fmt.Sprintf("%s is not a file that can be read.", path))
	}
	if len(src) > maxText {
		return refuse(fmt.Sprintf("%s is larger than 1 MiB. What has rows belongs in a list.", path))
	}
	return parseVars(src, path)
}

func parseVars(src []byte, path string) (map[string]Given, diag.List) {
	if why := boundSource(src); why != "" {
		return nil, diag.List{{Summary: "Variables file can't be read", Detail: fmt.Sprintf("%s: %s.", path, why)}}
	}
	parser := hclparse.NewParser()
	parse := parser.ParseHCL
	if strings.HasSuffix(path, ".json") {
		parse = parser.ParseJSON
	}
	file, hd := parse(src, path)
	if hd.HasErrors() {
		return nil, diag.FromHCL(hd)
	}
	attrs, hd := file.Body.JustAttributes()
	diags := diag.FromHCL(hd)
	out := make(map[string]Given, len(attrs))
	for _, n := range sortedKeys(attrs) {
		a := attrs[n]
		if len(a.Expr.Variables()) > 0 {
			diags = append(diags, diag.Diagnostic{Summary: "Variable's value is not a literal", Detail: fmt.Sprintf("The value of %q must be a plain value: a variables file sees nothing else.", n), Subject: a.Expr.Range().Ptr()})
			continue
		}
		if e, ok := a.Expr.(hclsyntax.Expression); ok {
			rewrite(e)
		}
		v, hd := protect(a.Expr, &hcl.EvalContext{})
		if hd.HasErrors() {
			diags = append(diags, diag.Diagnostic{Summary: "Variable's value is not a literal", Detail: fmt.Sprintf("The value of %q must be a plain value, without functions.", n), Subject: a.Expr.Range().Ptr()})
			continue
		}
		out[n] = Given{Value: v, Origin: path}
	}
	return out, diags
}
