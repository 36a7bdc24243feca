package eval

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// maxText is the length in bytes of a text that a function gives or a file
// holds.
const maxText = 1 << 20

var errLongText = errors.New("the result is longer than 1 MiB")

var (
	wideVerb = regexp.MustCompile(`%[^a-zA-Z%]*[0-9]{4,}`)
	farAway  = regexp.MustCompile(`[eEpP][+-]?[0-9]{4,}$|^0[xX]`)
)

// bounded puts a function within limits: a few bytes of an operation file, or
// of a row, must not make it fill the memory or compute for minutes.
func bounded(name string, f function.Function) function.Function {
	before := limits[name]
	return function.New(&function.Spec{
		Description: f.Description(),
		Params:      f.Params(),
		VarParam:    f.VarParam(),
		Type:        f.ReturnTypeForValues,
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			for i, a := range args {
				if a.IsMarked() || !a.IsKnown() || a.IsNull() || a.Type() != cty.Number {
					continue
				}
				if err := boundNumber(a); err != nil {
					return cty.NilVal, function.NewArgError(i, err)
				}
			}
			if before != nil {
				if err := before(args); err != nil {
					return cty.NilVal, err
				}
			}
			v, err := f.Call(args)
			if err != nil {
				return cty.NilVal, err
			}
			return v, boundResult(v, name == "jsondecode")
		},
	})
}

func boundResult(v cty.Value, deep bool) error {
	plain, _ := v.Unmark()
	switch {
	case !plain.IsKnown() || plain.IsNull():
		return nil
	case plain.Type() == cty.String && len(plain.AsString()) > maxText:
		return errLongText
	case plain.Type() == cty.Number:
		return boundNumber(plain)
	case !deep || plain.Type().IsPrimitiveType():
		return nil
	}
	return cty.Walk(plain, func(_ cty.Path, v cty.Value) (bool, error) {
		if v.IsKnown() && !v.IsNull() && v.Type() == cty.Number {
			return false, boundNumber(v)
		}
		return true, nil
	})
}

// limits are what must be judged before a function runs, since its result
// would be too large to be judged after.
var limits = map[string]func(args []cty.Value) error{
	"format":     boundFormat,
	"formatlist": boundFormat,
	"replace":    boundReplace,
	"setproduct": boundProduct,
	"indent": func(args []cty.Value) error {
		spaces, text := args[0], args[1]
		if !isText(text) || !spaces.IsKnown() || spaces.IsMarked() || spaces.IsNull() {
			return nil
		}
		n, _ := spaces.AsBigFloat().Float64()
		if n*float64(1+strings.Count(text.AsString(), "\n")) > maxText {
			return errLongText
		}
		return nil
	},
}

func isText(v cty.Value) bool {
	return v.Type() == cty.String && !v.IsMarked() && v.IsKnown() && !v.IsNull()
}

// boundFormat refuses widths of thousands of characters, and numbers in
// strings that format would convert without asking how large they are.
func boundFormat(args []cty.Value) error {
	if isText(args[0]) && wideVerb.MatchString(args[0].AsString()) {
		return function.NewArgErrorf(0, "a width or precision above 999")
	}
	for i, a := range args[1:] {
		plain, _ := a.UnmarkDeep()
		err := cty.Walk(plain, func(_ cty.Path, v cty.Value) (bool, error) {
			if v.IsKnown() && !v.IsNull() {
				if v.Type() == cty.String && len(v.AsString()) < 100 && farAway.MatchString(v.AsString()) && strings.Trim(v.AsString(), "+-.0123456789eEpPxXabcdfABCDF") == "" {
					return false, errHuge
				}
				if v.Type() == cty.Number {
					return false, boundNumber(v)
				}
			}
			return true, nil
		})
		if err != nil {
			return function.NewArgError(i+1, errHuge)
		}
	}
	return nil
}

func boundReplace(args []cty.Value) error {
	for _, a := range args {
		if !isText(a) {
			return nil
		}
	}
	text, old, with := args[0].AsString(), args[1].AsString(), args[2].AsString()
	times := strings.Count(text, old)
	if isPattern(old) {
		times = len(text) + 1
		if len(text) < 1<<10 && len(with) < 1<<8 {
			times = 0
		}
	}
	if len(text)+times*len(with) > maxText*4 {
		return fmt.Errorf("replacing %d times makes the text too long", times)
	}
	return nil
}

func boundProduct(args []cty.Value) error {
	n := 1
	for _, a := range args {
		plain, _ := a.Unmark()
		if !plain.IsKnown() || plain.IsNull() || !plain.CanIterateElements() {
			return nil
		}
		if n *= plain.LengthInt(); n > 1<<16 {
			return errors.New("there are more than 65536 combinations")
		}
	}
	return nil
}
