package plan

import "testing"

var card = Secret(`{"pan":"4051420006041115","cvv":"123","note":"año nuevo","pin":12}`)

func TestWithhold(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                          "",
		"the card has expired":      "the card has expired",
		"card 4051420006041115.":    "card (sensitive).",
		"x4051420006041115y":        "x(sensitive)y",
		"4051 4200 0604 1115":       "(sensitive)",
		"4051-4200-0604-1115":       "(sensitive)",
		"4051%204200%200604%201115": "(sensitive)",
		"NDA1MTQyMDAwNjA0MTExNQ==":  "(sensitive)==",
		"cvv=123":                   "cvv=(sensitive)",
		"order 71234":               "order 71234",
		"pin 12":                    "pin 12",
		"a%C3%B1o+nuevo":            "(sensitive)",
		"feliz año nuevo":           "feliz (sensitive)",
		"405142000604111":           "405142000604111",
	} {
		if got := card.Withhold(text); got != want {
			t.Errorf("%q becomes %q, not %q", text, got, want)
		}
	}
	if got := Secret(nil).Withhold("123"); got != "123" {
		t.Errorf("without a secret it becomes %q", got)
	}
}

func TestWithholdObject(t *testing.T) {
	t.Parallel()
	for object, want := range map[string]string{
		"":                                       "",
		`{"amount": "123", "n": 1.50, "id":"a"}`: `{"amount": "123", "n": 1.50, "id":"a"}`,
		`{"pan":"4051420006041115","n":1.50}`:    `{"n":1.50,"pan":"(sensitive)"}`,
		`{"pan":4051420006041115,"list":["a","card 4051-4200-0604-1115"]}`: `{"list":["a","card (sensitive)"],"pan":"(sensitive)"}`,
		`{"4051420006041115":{"x":null}}`:                                  `{"(sensitive)":{"x":null}}`,
		`4051420006041115`:                                                 ``,
	} {
		if got := string(card.WithholdObject([]byte(object))); got != want {
			t.Errorf("%s becomes %s, not %s", object, got, want)
		}
	}
}
