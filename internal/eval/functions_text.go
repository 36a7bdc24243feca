package eval

import (
	"encoding/base64"
	"errors"
	"net/url"
	"path"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// textFunc makes a function of one string.
func textFunc(f func(string) (string, error)) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "string", Type: cty.String}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			s, err := f(args[0].AsString())
			if err != nil {
				return cty.NilVal, function.NewArgError(0, err)
			}
			return cty.StringVal(s), nil
		},
	})
}

// testFunc makes a question about two strings.
func testFunc(second string, f func(a, b string) bool) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "string", Type: cty.String}, {Name: second, Type: cty.String}},
		Type:   function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			return cty.BoolVal(f(args[0].AsString(), args[1].AsString())), nil
		},
	})
}

var (
	startsWithFunc  = testFunc("prefix", strings.HasPrefix)
	endsWithFunc    = testFunc("suffix", strings.HasSuffix)
	strContainsFunc = testFunc("substring", strings.Contains)

	basenameFunc = textFunc(func(s string) (string, error) { return path.Base(s), nil })
	dirnameFunc  = textFunc(func(s string) (string, error) { return path.Dir(s), nil })

	urlEncodeFunc    = textFunc(func(s string) (string, error) { return url.QueryEscape(s), nil })
	base64EncodeFunc = textFunc(func(s string) (string, error) { return base64.StdEncoding.EncodeToString([]byte(s)), nil })
	urlDecodeFunc    = textFunc(func(s string) (string, error) {
		text, err := url.QueryUnescape(s)
		if err != nil {
			return "", errors.New("the text is not encoded as part of a URL's query")
		}
		if !utf8.ValidString(text) {
			return "", errors.New("what the text stands for is not UTF-8 text")
		}
		return text, nil
	})
	base64DecodeFunc = textFunc(func(s string) (string, error) {
		b, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			return "", errors.New("the text is not Base64")
		}
		if !utf8.Valid(b) {
			return "", errors.New("what the Base64 stands for is not UTF-8 text")
		}
		return string(b), nil
	})
)

// isPattern tells whether replace takes a substring as a pattern, as in
// Terraform.
func isPattern(s string) bool {
	return len(s) > 1 && strings.HasPrefix(s, "/") && strings.HasSuffix(s, "/")
}

var replaceFunc = function.New(&function.Spec{
	Params: []function.Parameter{
		{Name: "string", Type: cty.String}, {Name: "substring", Type: cty.String}, {Name: "replacement", Type: cty.String},
	},
	Type: function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		if old := args[1].AsString(); isPattern(old) {
			return stdlib.RegexReplace(args[0], cty.StringVal(old[1:len(old)-1]), args[2])
		}
		return cty.StringVal(strings.ReplaceAll(args[0].AsString(), args[1].AsString(), args[2].AsString())), nil
	},
})

var timeCmpFunc = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "a", Type: cty.String}, {Name: "b", Type: cty.String}},
	Type:   function.StaticReturnType(cty.Number),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		var t [2]time.Time
		for i, a := range args {
			var ok bool
			if t[i], ok = parseTime(a.AsString()); !ok {
				return cty.NilVal, function.NewArgErrorf(i, "a timestamp such as 2026-11-01T00:00:00Z is required")
			}
		}
		return cty.NumberIntVal(int64(t[0].Compare(t[1]))), nil
	},
})

// parseTime takes RFC 3339 to the letter; time.Parse alone lets a comma and a
// one-digit hour pass.
func parseTime(s string) (time.Time, bool) {
	if len(s) < len("2026-11-01T00:00:00Z") || s[13] != ':' || strings.IndexByte(s, ',') >= 0 {
		return time.Time{}, false
	}
	t, err := time.Parse(time.RFC3339, s)
	return t, err == nil
}

var jsonEncodeFunc = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "value", Type: cty.DynamicPseudoType, AllowNull: true, AllowDynamicType: true}},
	Type:   function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		plain, err := decimalsAsText(args[0])
		if err != nil {
			return cty.NilVal, err
		}
		return stdlib.JSONEncode(plain)
	},
})

// decimalsAsText replaces decimals within a value by their text.
func decimalsAsText(v cty.Value) (cty.Value, error) {
	t := textType(v.Type())
	if t.Equals(v.Type()) {
		return v, nil
	}
	return convert.Convert(v, t)
}

// textType is a type with every decimal in it made a string.
func textType(t cty.Type) cty.Type { return replaced(t, Decimal, cty.String) }
