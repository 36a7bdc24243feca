package eval

import (
	"errors"

	"github.com/cockroachdb/apd/v3"
	"github.com/zclconf/go-cty/cty"
)

// exact computes with far more digits than any amount has, and says when they
// were not enough.
var exact = apd.BaseContext.WithPrecision(250)

var (
	errInexact = errors.New("the result has no exact decimal form; say how to round it: divide(a, b, 2) rounds half to even at two places")
	errLong    = errors.New("the result has more digits than can be computed exactly")
	errZero    = errors.New("division by zero")
)

type decimalOp func(x, y *decimal) (cty.Value, error)

func addDecimals(x, y *decimal) (cty.Value, error)      { return compute(exact.Add, x, y) }
func subtractDecimals(x, y *decimal) (cty.Value, error) { return compute(exact.Sub, x, y) }
func multiplyDecimals(x, y *decimal) (cty.Value, error) { return compute(exact.Mul, x, y) }

func compute(op func(d, x, y *apd.Decimal) (apd.Condition, error), x, y *decimal) (cty.Value, error) {
	var d apd.Decimal
	cond, err := op(&d, &x.val, &y.val)
	if err != nil || cond.Inexact() || cond.Rounded() {
		return cty.NilVal, errLong
	}
	return decimalOf(&d), nil
}

// divideDecimals refuses a quotient that would have to be rounded: where the
// odd cent goes is for the file to say.
func divideDecimals(x, y *decimal) (cty.Value, error) {
	if y.val.IsZero() {
		return cty.NilVal, errZero
	}
	var d apd.Decimal
	cond, err := exact.Quo(&d, &x.val, &y.val)
	if err != nil {
		return cty.NilVal, errLong
	}
	if cond.Inexact() {
		return cty.NilVal, errInexact
	}
	d.Reduce(&d)
	if want := x.val.Exponent - y.val.Exponent; d.Exponent > min(want, 0) {
		exact.Quantize(&d, &d, min(want, 0))
	}
	return decimalOf(&d), nil
}

func remainderDecimals(x, y *decimal) (cty.Value, error) {
	if y.val.IsZero() {
		return cty.NilVal, errZero
	}
	return compute(exact.Rem, x, y)
}

// roundDecimal rounds half to even at so many places.
func roundDecimal(x *apd.Decimal, places int32) (cty.Value, error) {
	c := *exact
	c.Rounding = apd.RoundHalfEven
	var d apd.Decimal
	if _, err := c.Quantize(&d, x, -places); err != nil {
		return cty.NilVal, errLong
	}
	return decimalOf(&d), nil
}

// divideRounded divides and rounds half to even at so many places. Doing it in
// one step with a remainder keeps it from being rounded twice.
func divideRounded(x, y *decimal, places int32) (cty.Value, error) {
	if y.val.IsZero() {
		return cty.NilVal, errZero
	}
	// A quotient that goes on past 250 digits is cut, not rounded, so that
	// what the second rounding sees is on the right side of a half.
	c := *exact
	c.Rounding = apd.RoundDown
	var q apd.Decimal
	cond, err := c.Quo(&q, &x.val, &y.val)
	if err != nil {
		return cty.NilVal, errLong
	}
	if cond.Inexact() {
		q.Coeff.Mul(&q.Coeff, apd.NewBigInt(10))
		q.Coeff.Add(&q.Coeff, apd.NewBigInt(1))
		q.Exponent--
		wide := c
		wide.Precision = 300
		wide.Rounding = apd.RoundHalfEven
		var d apd.Decimal
		if _, err := wide.Quantize(&d, &q, -places); err != nil {
			return cty.NilVal, errLong
		}
		return decimalOf(&d), nil
	}
	return roundDecimal(&q, places)
}
