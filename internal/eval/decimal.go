package eval

import (
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"strconv"
	"strings"

	"github.com/cockroachdb/apd/v3"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/bulkrunner/runner/sdk"
)

// Decimal is the type of exact decimal numbers. A value keeps the text it was
// written with, so "1250.00" stays "1250.00", and computes exactly or not at
// all: no amount ever passes through a binary float.
//
// It converts to string (its text) and from string, number literals stand
// beside it by their text, and it converts to number never.
var Decimal cty.Type

type decimal struct {
	text string
	val  apd.Decimal
}

func init() {
	Decimal = cty.CapsuleWithOps("decimal", reflect.TypeFor[decimal](), &cty.CapsuleOps{
		GoString:     func(v any) string { return fmt.Sprintf("eval.decimal(%q)", v.(*decimal).text) },
		TypeGoString: func(reflect.Type) string { return "eval.Decimal" },
		Equals:       func(a, b any) cty.Value { return cty.BoolVal(a.(*decimal).val.Cmp(&b.(*decimal).val) == 0) },
		RawEquals:    func(a, b any) bool { return a.(*decimal).val.Cmp(&b.(*decimal).val) == 0 },
		HashKey: func(v any) string {
			var short apd.Decimal
			short.Reduce(&v.(*decimal).val)
			return short.Text('f')
		},
		ConversionFrom: func(to cty.Type) func(any, cty.Path) (cty.Value, error) {
			if to != cty.String {
				return nil
			}
			return func(v any, _ cty.Path) (cty.Value, error) { return cty.StringVal(v.(*decimal).text), nil }
		},
		ConversionTo: func(from cty.Type) func(cty.Value, cty.Path) (any, error) {
			if from != cty.String && from != cty.Number {
				return nil
			}
			return func(v cty.Value, path cty.Path) (any, error) {
				d, err := toDecimal(v)
				if err != nil {
					return nil, path.NewError(err)
				}
				return d, nil
			}
		},
	})
}

// DecimalVal makes a value of type [Decimal] from its text.
func DecimalVal(text string) (cty.Value, error) {
	d, err := parseDecimal(text)
	if err != nil {
		return cty.NilVal, err
	}
	return cty.CapsuleVal(Decimal, d), nil
}

// DecimalText is the text of a known value of type [Decimal].
func DecimalText(v cty.Value) string { return v.EncapsulatedValue().(*decimal).text }

func parseDecimal(text string) (*decimal, error) {
	if _, err := sdk.ParseDecimal(text); err != nil {
		return nil, errors.New("a decimal number such as 1250.00 is required")
	}
	d := &decimal{text: text}
	if _, _, err := d.val.SetString(text); err != nil {
		return nil, errors.New("a decimal number such as 1250.00 is required")
	}
	return d, nil
}

// A number may be as large as this as a power of two: far beyond what is
// wanted, and near enough that writing it in digits costs nothing. HCL takes
// 1e100000000, and then needs minutes for its text.
const maxExponent = 1100

var errHuge = errors.New("the number is too large or too small to be written in digits")

// numberText is a number in digits, never with an exponent.
func numberText(v cty.Value) (string, error) {
	if err := boundNumber(v); err != nil {
		return "", err
	}
	f := v.AsBigFloat()
	// Text works on all 512 bits of it: 13 µs, where most numbers are small and whole.
	if n, exact := f.Int64(); exact == big.Exact && (n != 0 || !f.Signbit()) {
		return strconv.FormatInt(n, 10), nil
	}
	return f.Text('f', -1), nil
}

// boundNumber refuses numbers whose digits would fill the memory.
func boundNumber(v cty.Value) error {
	f := v.AsBigFloat()
	if f.IsInf() {
		return errHuge
	}
	if e := f.MantExp(nil); e > maxExponent || e < -maxExponent {
		return errHuge
	}
	return nil
}

// toDecimal takes a known, unmarked value that isn't null: a decimal, a text
// that is one, or a number through its digits.
func toDecimal(v cty.Value) (*decimal, error) {
	switch v.Type() {
	case Decimal:
		return v.EncapsulatedValue().(*decimal), nil
	case cty.String:
		return parseDecimal(v.AsString())
	case cty.Number:
		text, err := numberText(v)
		if err != nil {
			return nil, err
		}
		d, err := parseDecimal(text)
		if err != nil {
			return nil, errors.New("the number was computed in binary and has no exact short decimal form; make its parts decimals with todecimal")
		}
		return d, nil
	}
	return nil, fmt.Errorf("a decimal number is required, not %s", v.Type().FriendlyName())
}

// decimalOf gives a computed decimal its text. It may have more digits than a
// provider takes: sums on the way to a result may be long.
func decimalOf(d *apd.Decimal) cty.Value {
	v := &decimal{}
	v.val.Set(d)
	if v.val.Exponent > 0 {
		exact.Quantize(&v.val, &v.val, 0)
	}
	if v.val.IsZero() {
		v.val.Negative = false
	}
	v.text = v.val.Text('f')
	return cty.CapsuleVal(Decimal, v)
}

// plainText makes text of a primitive value as templates do; decimals and
// numbers in digits.
func plainText(v cty.Value) (string, error) {
	if v.Type() == cty.Number {
		return numberText(v)
	}
	s, err := convert.Convert(v, cty.String)
	if err != nil {
		return "", err
	}
	return s.AsString(), nil
}

// minorToMajor writes a whole number of minor units in major units: 1050 with
// exponent 2 is 10.50.
func minorToMajor(minor string, exponent int) (string, error) {
	digits := strings.TrimPrefix(minor, "-")
	sign := minor[:len(minor)-len(digits)]
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return "", fmt.Errorf("%q is not a whole number of minor units", minor)
	}
	if exponent <= 0 {
		return minor, nil
	}
	if len(digits) <= exponent {
		digits = strings.Repeat("0", exponent-len(digits)+1) + digits
	}
	cut := len(digits) - exponent
	return sign + digits[:cut] + "." + digits[cut:], nil
}
