package simulator

// List is a switch for an API that has lists whose pages are numbered: what is
// wrong with them. [Pages] has the faults that are about pages; the others are
// for the API in miniature to have.
var List = Word("list", "What is wrong with lists. Read page by page: drift (a row goes away behind the first page, so that another is stepped over), repeat (a row comes again on the next page), circle (they have no end), total (one row too many is counted), cut (there are no more than two pages). And: unfiltered (filters are ignored), silent (nothing says how many rows there are, or whether there is more).",
	"", "drift", "repeat", "circle", "total", "cut", Unfiltered, Silent)

// What [List] says that isn't about pages.
const (
	Unfiltered = "unfiltered"
	Silent     = "silent"
)

// A Page is the part of a list that one page shows.
type Page struct {
	From, To int // rows[From:To] are on it
	Total    int // how many rows there are, as the API counts
	Next     int // the number of the next page; 0 on the last one
}

// Pages cuts a list of n rows into pages of the size, as [List] is set, and
// returns the one with the number, which counts from 1.
func Pages(f *Fate, n, number, size int) Page {
	wrong, total, shift := List.In(f), n, 0
	if number > 1 && wrong == "drift" {
		total, shift = n-1, 1
	}
	if wrong == "total" {
		total++
	}
	if wrong == "circle" {
		total, number = n+number*size, min(number, 2)
	}
	from, to := min(n, (number-1)*size+shift), min(n, number*size+shift)
	p := Page{From: from, To: to, Total: total}
	if to < n {
		p.Next = number + 1
	}
	switch {
	case wrong == "repeat" && number > 1 && from < to:
		p.From--
	case wrong == "circle":
		p.Next = 2
	case wrong == "cut" && number >= 2:
		p.Next = 0
		if number > 2 {
			p.From, p.To = n, n
		}
	}
	return p
}
