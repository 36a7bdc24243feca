package eval

import "testing"

func TestFiner(t *testing.T) {
	t.Parallel()
	for amount, want := range map[string]string{
		"1250 COP": "", "1250.5 COP": "", "1250.50 PEN": "", "1250.5000 COP": "", "0.0000000000 USD": "",
		"1.234 COP": "Ambiguous amount", "5.000 COP": "Ambiguous amount", "1250.000 CLP": "Ambiguous amount",
		"1.2345 COP": "Amount finer than its currency", "1250.5 CLP": "Amount finer than its currency", "1250.00 CLP": "",
		"1.234 KWD": "", "1.2345 KWD": "Amount finer than its currency", "1.2345 CLF": "", "1.234 CLF": "",
	} {
		if got := finer(amount[:len(amount)-4], amount[len(amount)-3:]); got.summary != want {
			t.Errorf("%s: %q %s, want %q", amount, got.summary, got.detail, want)
		}
	}
}
