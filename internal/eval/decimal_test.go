package eval

import (
	"math/big"
	"strings"
	"testing"

	"github.com/bulkrunner/runner/sdk"
)

// expressions are what they give, or what their text is.
var expressions = map[string]string{
	// Decimals compute exactly and keep their places.
	`"${todecimal("0.10") + todecimal("0.20")}"`:           "0.30",
	`"${todecimal("0.1") + 0.2}"`:                          "0.3",
	`"${todecimal("1250.00")}"`:                            "1250.00",
	`"${todecimal("10.00") / 4}"`:                          "2.50",
	`"${todecimal("10.00") / 2}"`:                          "5.00",
	`"${todecimal("100") / 0.5}"`:                          "200",
	`"${todecimal("1.10") * 3}"`:                           "3.30",
	`"${-todecimal("1.10")}"`:                              "-1.10",
	`"${todecimal("7.5") % 2}"`:                            "1.5",
	`"${todecimal("90071992547409930.01") - 0.01}"`:        "90071992547409930.00",
	`todecimal("1.50") == todecimal("1.5") ? "y" : "n"`:    "y",
	`todecimal("1.50") == 1.5 ? "y" : "n"`:                 "y",
	`todecimal("1.50") != 1.5 ? "y" : "n"`:                 "n",
	`todecimal("1.51") > 1.5 ? "y" : "n"`:                  "y",
	`todecimal("0.1") + todecimal("0.2") <= 0.3 ? "y":"n"`: "y",
	`"${divide(10, 3, 2)}"`:                                "3.33",
	`"${divide("0.125", 1, 2)}"`:                           "0.12",
	`"${divide("0.375", 1, 2)}"`:                           "0.38",
	`"${divide("-1", 3, 2)}"`:                              "-0.33",
	`"${divide(2, 3, 0)}"`:                                 "1",
	`"${round("2.345", 2)}"`:                               "2.34",
	`"${round("-0.001", 2)}"`:                              "0.00",
	`"${sum([todecimal("0.1"), 0.2, 5])}"`:                 "5.3",
	`"${sum([1, 2, 3])}"`:                                  "6",
	`"${max(todecimal("0.1"), 0.2)}"`:                      "0.2",
	`"${min(3, todecimal("2.50"), 7)}"`:                    "2.50",
	`"${abs(todecimal("-2.50"))}"`:                         "2.50",
	`"${ceil(todecimal("2.10"))}"`:                         "3",
	`"${floor(todecimal("-2.10"))}"`:                       "-3",
	`"${signum(todecimal("-2.10"))}"`:                      "-1",
	`jsonencode({ a = todecimal("1.10"), b = [1, null] })`: `{"a":"1.10","b":[1,null]}`,
	`format("%s and %d", todecimal("1.10"), 5)`:            "1.10 and 5",

	// Numbers never show an exponent.
	`"${12345678901.25}"`:                  "12345678901.25",
	`"${1e20}"`:                            "100000000000000000000",
	`"${100000000000000000000000 + 0.5}"`:  "100000000000000000000000.5",
	`tostring(0.000000000000000000000001)`: "0.000000000000000000000001",

	// Equality is strict, and null may be asked for.
	`"a" == "a" ? "y" : "n"`:                "y",
	`"a" == null ? "y" : "n"`:               "n",
	`null == null ? "y" : "n"`:              "y",
	`[] == [] ? "y" : "n"`:                  "y",
	`tolist(["a"]) == ["a"] ? "y" : "n"`:    "y",
	`["a"] != tolist(["b"]) ? "y" : "n"`:    "y",
	`contains(["a", "b"], "a") ? "y" : "n"`: "y",
	`contains([], "a") ? "y" : "n"`:         "n",
	`"${index(["a", "b"], "b")}"`:           "1",
	`timecmp("2026-11-01T00:00:00Z", "2026-11-01T01:00:00+01:00") == 0 ? "y" : "n"`: "y",
	`startswith("abc", "ab") && endswith("abc", "bc") ? "y" : "n"`:                  "y",
	`sha256("")`:                   "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	`md5("")`:                      "d41d8cd98f00b204e9800998ecf8427e",
	`sha1("abc")`:                  "a9993e364706816aba3e25717850c26c9cd0d89d",
	`substr(sha512("abc"), 0, 16)`: "ddaf35a193617aba",
	`base64sha256("")`:             "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
	`length(base64sha512("")) == 88 ? "y" : "n"`:                       "y",
	`urldecode("a+b%26c")`:                                             "a b&c",
	`basename("in/2026/a.csv")`:                                        "a.csv",
	`dirname("in/2026/a.csv")`:                                         "in/2026",
	`one(["a"])`:                                                       "a",
	`one(toset(["a"]))`:                                                "a",
	`one([]) == null ? "y" : "n"`:                                      "y",
	`one([for n in ["a", "b"] : n if n == "b"])`:                       "b",
	`jsonencode(transpose({ b = ["x", "y"], a = ["x"] }))`:             `{"x":["a","b"],"y":["b"]}`,
	`jsonencode(transpose({}))`:                                        `{}`,
	`join(",", matchkeys(["i1", "i2", "i3"], ["a", "b", "a"], ["a"]))`: "i1,i3",
	`length(matchkeys(["i1"], ["a"], ["b"])) == 0 ? "y" : "n"`:         "y",
	`urlencode("a b&c")`:                                               "a+b%26c",
	`replace("a1b22", "/[0-9]+/", "-")`:                                "a-b-",
	`replace("a.b", ".", "-")`:                                         "a-b",
	`coalesce(null, "", "x")`:                                          "x",
	`try(parseint("x", 10), "none")`:                                   "none",
	`can(parseint("x", 10)) ? "y" : "n"`:                               "n",
	`can("a" == 5) ? "y" : "n"`:                                        "n",
	`timeadd("2026-11-01T00:00:00Z", "-24h")`:                          "2026-10-31T00:00:00Z",
	`formatdate("DD/MM/YYYY", timestamp())`:                            "20/11/2026",
	`"${length("añb")}${length([1,2])}"`:                               "32",
	`"${alltrue([true, false])}${anytrue([true, false])}"`:             "falsetrue",
}

func TestExpressions(t *testing.T) {
	t.Parallel()
	for expr, want := range expressions {
		t.Run(expr, func(t *testing.T) {
			t.Parallel()
			got, diags := evaluate(t, expr)
			if diags.HasErrors() || !got.IsKnown() || got.IsNull() {
				t.Fatalf("got %#v %s, want %q", got, words(diags), want)
			}
			if text, err := plainText(got); err != nil || text != want {
				t.Errorf("got %q %v, want %q", text, err, want)
			}
		})
	}
}

// What a function makes of a secret is one.
func TestMarksTravel(t *testing.T) {
	t.Parallel()
	for _, expr := range []string{
		`sensitive("x")`, `sensitive(sensitive(null))`, `md5(sensitive("x"))`, `sha1(sensitive("x"))`, `sha512(sensitive("x"))`,
		`base64sha256(sensitive("x"))`, `base64sha512(sensitive("x"))`, `urldecode(sensitive("x"))`,
		`basename(sensitive("x"))`, `dirname(sensitive("x"))`, `one([sensitive("x")])`, `one(sensitive(["x"]))`,
		`transpose({ a = [sensitive("x")] })`, `matchkeys(["v"], [sensitive("x")], ["x"])`,
		`matchkeys([sensitive("v")], ["x"], ["x"])`, `"a ${sensitive("x")}"`, `sensitive({ a = "x" }).a`,
	} {
		t.Run(expr, func(t *testing.T) {
			t.Parallel()
			got, diags := evaluate(t, expr)
			if diags.HasErrors() || !got.ContainsMarked() {
				t.Errorf("got %#v %s, want a sensitive value", got, words(diags))
			}
		})
	}
}

func TestExpressionErrors(t *testing.T) {
	t.Parallel()
	for expr, want := range map[string]string{
		`"5" == 5`:                            "string can never equal number",
		`"true" == true`:                      "can never equal",
		`5 != "5"`:                            "can never equal",
		`["a"] == "a"`:                        "can never equal",
		`todecimal("1") == "1"`:               "can never equal",
		`contains(["5"], 5)`:                  "can never equal",
		`todecimal("10") / 3`:                 "divide(a, b, 2)",
		`todecimal("10") / 0`:                 "division by zero",
		`todecimal("10") % 0`:                 "division by zero",
		`divide(1, 0, 2)`:                     "division by zero",
		`divide(1, 2, -1)`:                    "0 to 30",
		`todecimal("1,5")`:                    "1250.00",
		`todecimal("1e5")`:                    "1250.00",
		`tonumber(todecimal("1.5"))`:          "cannot convert",
		`log(todecimal("1.5"), 2)`:            "number required",
		`todecimal("1") + true`:               "number or a decimal is required",
		`"1e100000000" + 1`:                   "too large",
		`"${abs("1e100000000")}"`:             "too large",
		`"${tonumber("1e100000000")}"`:        "too large",
		`"${jsondecode("[1e100000000]")[0]}"`: "too large",
		`format("%d", "1e100000000")`:         "too large",
		`format("%100000000d", 5)`:            "width",
		`"${pow(10, 100000)}"`:                "",
		`indent(100000000, "a\nb")`:           "1 MiB",
		`length(setproduct(range(1000), range(1000), range(1000)))`: "more than 524288 steps",
		`timecmp("yesterday", timestamp())`:                         "2026-11-01T00:00:00Z",
		`one(["a", "b"])`:                                           "there are 2",
		`one("a")`:                                                  "a list, set or tuple is required",
		`matchkeys(["i"], ["5"], [5])`:                              "can never equal",
		`matchkeys(["i"], [], ["a"])`:                               "one length",
		`urldecode("%zz")`:                                          "not encoded",
		`urldecode("%ff")`:                                          "not UTF-8",
		`transpose({ a = [null] })`:                                 "an element of \"a\" is null",
		`parseint(sensitive("s3cret"), 10)`:                         "sensitive value is involved",
		`nosuch("x")`:                                               "no function",
		`var.nosuch`:                                                "No variable",
		`nosuch.x`:                                                  "nothing named",
		`each.value.x`:                                              "only the operation",
		`live.x`:                                                    "only the conditions of guards",
		`env("RUNNER_TEST_SURELY_NOT_SET")`:                         "set RUNNER_TEST_SURELY_NOT_SET in the environment",
		`file("no-such-file.txt")`:                                  "no file",
		`null + 1`:                                                  "null",
		`lowr("x")`:                                                 `Did you mean "lower"?`,
	} {
		t.Run(expr, func(t *testing.T) {
			t.Parallel()
			cfg := parseLoose(t, expr)
			s, diags := NewScope(cfg, nil, now)
			if diags.HasErrors() {
				t.Fatal(words(diags))
			}
			got, diags := s.Value(cfg.Locals["x"].Expr)
			if !diags.HasErrors() {
				t.Fatalf("got %#v, want an error", got)
			}
			if !strings.Contains(words(diags), want) {
				t.Errorf("got %q, want %q", words(diags), want)
			}
		})
	}
}

func FuzzDecimal(f *testing.F) {
	for _, s := range []string{"0", "-0.00", "1250.00", "007.50", "1e5", "999999999999999999999999999999.999999999999999999999999999999", ".5", "5.", "+1", "1,5", ""} {
		f.Add(s, "0.1")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		x, err := DecimalVal(a)
		if _, bad := sdk.ParseDecimal(a); (err != nil) != (bad != nil) || plainDecimal(a) != (err == nil) {
			t.Fatalf("%q: eval says %v, sdk %v, plainDecimal %v", a, err, bad, plainDecimal(a))
		}
		if err != nil {
			return
		}
		if DecimalText(x) != a {
			t.Fatalf("%q became %q", a, DecimalText(x))
		}
		y, err := DecimalVal(b)
		if err != nil {
			return
		}
		// Held against rational numbers, which are exact by construction.
		ra, _ := new(big.Rat).SetString(a)
		rb, _ := new(big.Rat).SetString(b)
		dx, dy := x.EncapsulatedValue().(*decimal), y.EncapsulatedValue().(*decimal)
		if dx.val.Cmp(&dy.val) != ra.Cmp(rb) || compareDecimalText(a, b) != ra.Cmp(rb) {
			t.Fatalf("%s <=> %s: want %d", a, b, ra.Cmp(rb))
		}
		for name, op := range map[string]struct {
			f    decimalOp
			want *big.Rat
		}{
			"+": {addDecimals, new(big.Rat).Add(ra, rb)},
			"-": {subtractDecimals, new(big.Rat).Sub(ra, rb)},
			"*": {multiplyDecimals, new(big.Rat).Mul(ra, rb)},
		} {
			v, err := op.f(dx, dy)
			if err != nil {
				t.Fatalf("%s %s %s: %v", a, name, b, err)
			}
			got, ok := new(big.Rat).SetString(DecimalText(v))
			if !ok || got.Cmp(op.want) != 0 || strings.ContainsAny(DecimalText(v), "eE+") {
				t.Fatalf("%s %s %s = %s", a, name, b, DecimalText(v))
			}
		}
		if rb.Sign() == 0 {
			return
		}
		quotient := new(big.Rat).Quo(ra, rb)
		if v, err := divideDecimals(dx, dy); err == nil {
			if got, _ := new(big.Rat).SetString(DecimalText(v)); got.Cmp(quotient) != 0 {
				t.Fatalf("%s / %s = %s", a, b, DecimalText(v))
			}
		}
		v, err := divideRounded(dx, dy, 2)
		if err != nil {
			t.Fatalf("divide(%s, %s, 2): %v", a, b, err)
		}
		got, _ := new(big.Rat).SetString(DecimalText(v))
		off := new(big.Rat).Sub(got, quotient)
		if off.Abs(off).Cmp(big.NewRat(1, 200)) > 0 {
			t.Fatalf("divide(%s, %s, 2) = %s", a, b, DecimalText(v))
		}
	})
}
