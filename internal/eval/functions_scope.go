package eval

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

func timestampFunc(now time.Time) function.Function {
	return function.New(&function.Spec{
		Type: function.StaticReturnType(cty.String),
		Impl: func([]cty.Value, cty.Type) (cty.Value, error) { return cty.StringVal(now.Format(time.RFC3339)), nil },
	})
}

// An unsetError names an environment variable that isn't set. The name is no
// secret, where the file doesn't make it of one.
type unsetError struct{ name string }

func (e unsetError) Error() string {
	return fmt.Sprintf("the environment variable %s is not set", e.name)
}

// envFunc gives environment variables, which are where secrets live. Where
// variables may go without a value so may these.
func (s *Scope) envFunc() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "name", Type: cty.String, AllowMarked: true}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			name, marks := args[0].Unmark()
			text, ok := os.LookupEnv(name.AsString())
			if !ok && s.rehearse {
				text, ok = s.makeUp(name.AsString()), true
			}
			switch {
			case !ok && s.unvalued:
				return cty.UnknownVal(cty.String).Mark(Sensitive), nil
			case !ok && len(marks) > 0:
				return cty.NilVal, errors.New("an environment variable is not set")
			case !ok:
				return cty.NilVal, unsetError{name.AsString()}
			}
			v := cty.StringVal(text)
			s.keepSecret(v)
			return v.Mark(Sensitive), nil
		},
	})
}

// sensitiveFunc marks a value. There is no way back: what has become secret by
// mistake is harmless, and what has become public isn't.
var sensitiveFunc = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "value", Type: cty.DynamicPseudoType, AllowNull: true, AllowUnknown: true, AllowDynamicType: true, AllowMarked: true}},
	Type:   func(args []cty.Value) (cty.Type, error) { return args[0].Type(), nil },
	Impl:   func(args []cty.Value, _ cty.Type) (cty.Value, error) { return args[0].Mark(Sensitive), nil },
})

// fileFunc reads text files relative to the folder of the file that names them.
func fileFunc(folder string) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "path", Type: cty.String}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			name := args[0].AsString()
			text, err := readText(folder, name)
			if err != nil {
				return cty.NilVal, function.NewArgError(0, err)
			}
			return cty.StringVal(text), nil
		},
	})
}

func readText(folder, name string) (string, error) {
	file := filepath.FromSlash(name)
	if !filepath.IsAbs(file) {
		file = filepath.Join(filepath.FromSlash(folder), file)
	}
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("there is no file %s beside the file that names it", name)
	case err != nil:
		return "", fmt.Errorf("the file %s can't be read", name)
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("%s is not a file", name)
	}
	f, err := os.Open(file)
	if err != nil {
		return "", fmt.Errorf("the file %s can't be read", name)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxText+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("the file %s can't be read", name)
	case len(b) > maxText:
		return "", fmt.Errorf("the file %s is larger than 1 MiB; what has rows belongs in a list block", name)
	case !utf8.Valid(b):
		return "", fmt.Errorf("the file %s is not UTF-8 text", name)
	}
	return string(b), nil
}
