package card

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
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
			masked := Mask(text)
			plain := strings.NewReplacer(" ", "", "-", "").Replace(masked)
			if masked == text || strings.Contains(plain, number[:7]) || !strings.Contains(plain, number[:6]+"•") {
				t.Errorf("%q becomes %q", text, masked)
			}
		}
		wrong := number[:len(number)-1] + string('0'+(number[len(number)-1]-'0'+1)%10)
		if Mask(wrong) != wrong {
			t.Errorf("%s has a wrong check digit and is taken for a card", wrong)
		}
		if long := number + "00000000"; Mask(long) != long {
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
		if id := forms[i%len(forms)](); Mask(id) != id {
			stopped++
		}
	}
	if stopped > 100 {
		t.Errorf("%d of 10000 order ids are taken for card numbers", stopped)
	}
	t.Logf("%d of 10000 order ids are taken for card numbers", stopped)
}
