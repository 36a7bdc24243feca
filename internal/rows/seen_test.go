package rows

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

func TestKeys(t *testing.T) {
	t.Parallel()
	for name, most := range map[string]int{"in memory": keysInMemory, "on disk": 1000} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := NewKeys()
			defer k.Close()
			k.most = most
			for i := range int64(10_000) {
				if at, repeated, err := k.Add(fmt.Sprint("A-", i), Place{fmt.Sprint("list-", i/4000), i + 2}); repeated || err != nil {
					t.Fatalf("A-%d is not a repetition of %v: %v", i, at, err)
				}
			}
			if onDisk := len(k.runs) > 0; onDisk != (name == "on disk") {
				t.Errorf("%d runs on disk", len(k.runs))
			}
			for range 5000 {
				i := rand.Int64N(10_000)
				want := Place{fmt.Sprint("list-", i/4000), i + 2}
				if first, repeated, err := k.Add(fmt.Sprint("A-", i), Place{"other", 1}); !repeated || first != want || err != nil {
					t.Fatalf("A-%d: got %v %v %v, want %v", i, first, repeated, err, want)
				}
			}
			if _, repeated, _ := k.Add("A-", Place{"other", 1}); repeated {
				t.Error("A- is not a repetition")
			}
		})
	}
}

// A disk that is gone is an error, and no key that was never seen.
func TestKeysWithoutDisk(t *testing.T) {
	t.Parallel()
	k := NewKeys()
	k.most = 10
	for i := range int64(30) {
		if _, _, err := k.Add(fmt.Sprint(i), Place{"x", i}); err != nil {
			t.Fatal(err)
		}
	}
	k.Close()
	if _, repeated, err := k.Add("3", Place{"x", 31}); err == nil || repeated {
		t.Errorf("got %v %v", repeated, err)
	}
}

// Whatever the order that keys come in, those and only those are repetitions
// that a map would have.
func TestKeysInAnyOrder(t *testing.T) {
	t.Parallel()
	for range 60 {
		k := NewKeys()
		k.most = 1 + rand.IntN(300)
		want := map[string]Place{}
		up, down := 10_000, 10_000
		mixed := rand.IntN(4) // how much is in no order
		for line := range int64(2000) {
			n := 0
			switch c := rand.IntN(1000); {
			case c < mixed*mixed*10:
				n = rand.IntN(20_000)
			case c%5 == 0 && mixed > 0:
				down -= 1 + rand.IntN(3)
				n = down
			default:
				up += 1 + rand.IntN(3)
				n = up
			}
			key, at := fmt.Sprint(n), Place{fmt.Sprint("list-", line/700), line}
			first, there := want[key]
			if !there {
				first = at
				want[key] = at
			}
			if got, repeated, err := k.Add(key, at); got != first || repeated != there || err != nil {
				t.Fatalf("%s at %s: got %v %v %v, want %v %v", key, at, got, repeated, err, first, there)
			}
		}
		k.Close()
	}
}
