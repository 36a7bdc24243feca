package eval

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/bulkrunner/runner/internal/rows"
)

// Test numbers that the schemes and their processors publish.
var testCards = []string{
	"4111111111111111", "4012888888881881", "4222222222222", "4000056655665556", "5555555555554444", "5105105105105100", "2223003122003222", "2720990000000007",
	"378282246310005", "371449635398431", "6011111111111117", "6011000990139424", "3056930009020004", "36227206271667", "30569309025904", "38520000023237",
	"3530111333300000", "3566002020360505", "6200000000000005", "6205500000000000004", "6759649826438453", "5018000000000009", "6304000000000000", "6062826786276634",
}

// TestE3CardNumbers: what looks like a card number is found wherever it stands.
func TestE3CardNumbers(t *testing.T) {
	t.Parallel()
	group := func(number, separator string) string {
		var b strings.Builder
		for i, d := range number {
			if i > 0 && i%4 == 0 {
				b.WriteString(separator)
			}
			b.WriteRune(d)
		}
		return b.String()
	}
	for _, number := range testCards {
		for _, text := range []string{number, group(number, " "), group(number, "-"), "card " + number + ".", `{"n":"` + number + `"}`, "x" + number + "y", number + "/" + number, group(number, " ") + " 12/29", number + " 123"} {
			masked := MaskCards(text)
			plain := strings.NewReplacer(" ", "", "-", "").Replace(masked)
			if masked == text || strings.Contains(plain, number[:7]) || !strings.Contains(plain, number[:6]+"•") {
				t.Errorf("%q becomes %q", text, masked)
			}
		}
		wrong := number[:len(number)-1] + string('0'+(number[len(number)-1]-'0'+1)%10)
		if MaskCards(wrong) != wrong {
			t.Errorf("%s has a wrong check digit and is taken for a card", wrong)
		}
		if long := number + "00000000"; MaskCards(long) != long {
			t.Errorf("%s is too long for a card", long)
		}
	}
}

// TestE3OrderIDs: ids as systems make them are not stopped more often than one
// in a hundred times.
func TestE3OrderIDs(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	digits := func(n int) string {
		var b strings.Builder
		for range n {
			b.WriteByte(byte('0' + r.IntN(10)))
		}
		return b.String()
	}
	forms := []func() string{
		func() string { return "A-" + digits(6) },
		func() string { return digits(10) },
		func() string { return digits(12) },
		func() string { return "ORD" + digits(13) },
		func() string { return fmt.Sprintf("2026%02d%02d%s", 1+r.IntN(12), 1+r.IntN(28), digits(6)) },
		func() string { return fmt.Sprintf("17%s", digits(11)) }, // milliseconds
		func() string {
			return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", r.Uint32(), r.IntN(1<<16), r.IntN(1<<16), r.IntN(1<<16), r.Int64N(1<<48))
		},
		func() string { return digits(20) },
		func() string { return digits(18) },
	}
	stopped := 0
	for i := range 10_000 {
		if id := forms[i%len(forms)](); MaskCards(id) != id {
			stopped++
		}
	}
	if stopped > 100 {
		t.Errorf("%d of 10000 order ids are taken for card numbers", stopped)
	}
	t.Logf("%d of 10000 order ids are taken for card numbers", stopped)
}

// A row with a card number in what would be stored is refused, in words that
// don't hold it, but for columns that are said to hold ids.
func TestE3Rows(t *testing.T) {
	t.Parallel()
	const card = "4111111111111111"
	for name, c := range map[string]struct {
		body  string
		row   rows.Row
		stops bool
	}{
		"argument":      {"  order = each.value.order_id\n  tags = { n = each.value.note }", row("A-1", "", "", card, "1", "1", "true"), true},
		"key":           {"  order = \"A\"", row(card, "", "", "", "1", "1", "true"), true},
		"guard":         {"  order = each.value.order_id\n  guard {\n condition = each.value.note == live.state\n }", row("A-1", "", "", card, "1", "1", "true"), true},
		"write-only":    {"  order = each.value.order_id\n  card = each.value.note", row("A-1", "", "", card, "1", "1", "true"), false},
		"last digits":   {"  order = each.value.order_id\n  tags = { n = substr(each.value.note, -4, 4) }", row("A-1", "", "", card, "1", "1", "true"), false},
		"unused":        {"  order = each.value.order_id", row("A-1", "", "", card, "1", "1", "true"), false},
		"said to be id": {"  order = each.value.order_id\n  tags = { n = each.value.status }", row("A-1", card, "", "", "1", "1", "true"), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := scopeOf(t, strings.Replace(head, `key  = "order_id"`, "key  = \"order_id\"\n  columns = { status = id }", 1)+
				"operation \"pay_cancel_order\" \"stale\" {\n  for_each = list.csv.stale\n"+c.body+"\n}\n", nil)
			p, diags := s.Compile(s.cfg.Operations["operation.pay_cancel_order.stale"], columns, cancel)
			if diags.HasErrors() {
				t.Fatal(words(diags))
			}
			_, problems := p.Item(c.row)
			found := false
			for _, problem := range problems {
				found = found || problem.Summary == "Value looks like a card number"
				if text := fmt.Sprintf("%+v %+v", problem.Diagnostic, problem.Row); strings.Contains(text, "411111111") {
					t.Errorf("it says the number: %s", text)
				}
			}
			if found != c.stops {
				t.Errorf("stopped: %v; %v", found, problems)
			}
		})
	}
}

// A number that no row brings is found too, wherever it comes from.
func TestE3Constants(t *testing.T) {
	t.Parallel()
	const card = "4111111111111111"
	for name, c := range map[string]struct {
		body  string
		stops bool
	}{
		"literal":    {"order = \"A\"\n  tags = { n = \"" + card + "\" }", true},
		"grouped":    {"order = \"A\"\n  tags = { n = \"4111 1111 1111 1111\" }", true},
		"variable":   {"order = \"A\"\n  tags = { n = var.number }", true},
		"too long":   {`order = "` + card + `"`, false},
		"write-only": {"order = \"A\"\n  card = var.card", false},
		"other id":   {"order = \"A\"\n  tags = { n = \"4111111111111112\" }", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := scopeOf(t, head+"variable \"number\" { type = string }\nvariable \"card\" {\n  type = string\n  sensitive = true\n}\n"+
				"operation \"pay_cancel_order\" \"stale\" {\n  for_each = list.csv.stale\n  "+c.body+"\n}\n",
				map[string]Given{"number": {Text: card}, "card": {Text: card}, "secret": {Text: "s"}})
			_, diags := s.Compile(s.cfg.Operations["operation.pay_cancel_order.stale"], columns, cancel)
			if found := strings.Contains(words(diags), "looks like a card number"); found != c.stops {
				t.Errorf("stopped: %v; %s", found, words(diags))
			}
			if strings.Contains(words(diags), card) {
				t.Errorf("it says the number: %s", words(diags))
			}
			for _, d := range diags {
				if !d.Secret {
					t.Errorf("%s: the line would be shown", d.Summary)
				}
			}
		})
	}
}
