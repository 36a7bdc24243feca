package simulator

import (
	"slices"
	"testing"
)

// read reads a list of n rows to its end, or gives up.
func read(t *testing.T, wrong string, n, size int) (rows []int, totals []int, ended bool) {
	t.Helper()
	f := newThings()
	set(t, f, "list="+wrong)
	number := 1
	for range n/size + 4 {
		p := Pages(f.Fate(""), n, number, size)
		for i := p.From; i < p.To; i++ {
			rows = append(rows, i)
		}
		totals = append(totals, p.Total)
		if p.Next == 0 {
			return rows, totals, true
		}
		number = p.Next
	}
	return rows, totals, false
}

func TestPages(t *testing.T) {
	t.Parallel()
	for n := range 30 {
		for size := 1; size <= 31; size++ {
			rows, totals, ended := read(t, "", n, size)
			whole := make([]int, n)
			for i := range whole {
				whole[i] = i
			}
			if !ended || !slices.Equal(rows, whole) || slices.Max(totals) != n || slices.Min(totals) != n || len(totals) != max(1, (n+size-1)/size) {
				t.Fatalf("%d rows by %d: %v, totals %v", n, size, rows, totals)
			}
		}
	}
	// Beyond the end there is nothing.
	if p := Pages(newThings().Fate(""), 7, 9, 3); p.From != p.To || p.Next != 0 || p.Total != 7 {
		t.Errorf("%+v", p)
	}
}

func TestListFaults(t *testing.T) {
	t.Parallel()
	for wrong, c := range map[string]struct {
		rows   []int // of seven by three
		totals []int
		ended  bool
	}{
		"drift":    {[]int{0, 1, 2, 4, 5, 6}, []int{7, 6}, true},
		"repeat":   {[]int{0, 1, 2, 2, 3, 4, 5, 5, 6}, []int{7, 7, 7}, true},
		"total":    {[]int{0, 1, 2, 3, 4, 5, 6}, []int{8, 8, 8}, true},
		"cut":      {[]int{0, 1, 2, 3, 4, 5}, []int{7, 7}, true},
		Unfiltered: {[]int{0, 1, 2, 3, 4, 5, 6}, []int{7, 7, 7}, true},
		Silent:     {[]int{0, 1, 2, 3, 4, 5, 6}, []int{7, 7, 7}, true},
	} {
		rows, totals, ended := read(t, wrong, 7, 3)
		if !slices.Equal(rows, c.rows) || !slices.Equal(totals, c.totals) || ended != c.ended {
			t.Errorf("%s: %v, totals %v, ended %v", wrong, rows, totals, ended)
		}
	}
	rows, totals, ended := read(t, "circle", 7, 3)
	if ended || !slices.Equal(rows[:9], []int{0, 1, 2, 3, 4, 5, 3, 4, 5}) || totals[1] <= 2*3 {
		t.Errorf("circle: %v, totals %v, ended %v", rows, totals, ended)
	}
	// Who goes on by the number of the page meets the same page for ever, and
	// never as many rows as are counted.
	f := newThings()
	set(t, f, "list=circle", "list=cut")
	if p := Pages(f.Fate(""), 7, 3, 3); p.From != p.To || p.Total != 7 {
		t.Errorf("behind the cut: %+v", p)
	}
	set(t, f, "list=circle")
	for number := 2; number < 9; number++ {
		if p := Pages(f.Fate(""), 7, number, 3); p.From != 3 || p.To != 6 || p.Total <= number*3 {
			t.Errorf("page %d in a circle: %+v", number, p)
		}
	}
}
