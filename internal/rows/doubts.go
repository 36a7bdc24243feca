package rows

import "fmt"

// doubts are signs that a spreadsheet has changed keys: each by itself may be
// right, so they are told and refuse nothing.
type doubts struct {
	long, round int64 // keys of 16 digits and more; of these, with zeros behind the 15 that Excel keeps
	example     doubt // of round

	padded string // a key of digits that begins with a zero
	mixed  bool   // such keys have several lengths, so no length is to be expected
	short  map[int]*doubt
}

type doubt struct {
	key  string
	at   Place
	keys int64
}

// enough is how many round keys are no accident any more.
const enough = 10

func (d *doubts) look(key string, at Place) {
	n := digits(key)
	if n == 0 || n < len(key) || n > 40 {
		return
	}
	if n > 15 {
		d.long++
		for i := 15; ; i++ {
			if i == n {
				if d.round++; d.round == 1 {
					d.example = doubt{key: key, at: at}
				}
				break
			}
			if key[i] != '0' {
				break
			}
		}
	}
	if key[0] == '0' && n > 1 {
		if d.padded != "" && len(d.padded) != n {
			d.mixed = true
		}
		d.padded = key
		return
	}
	s := d.short[n]
	if s == nil {
		if d.short == nil {
			d.short = make(map[int]*doubt)
		}
		s = &doubt{key: key, at: at}
		d.short[n] = s
	}
	s.keys++
}

// Doubts are what is odd about all the keys together.
func (k *Keys) Doubts() (out []*Problem) {
	d := &k.doubts
	tell := func(of doubt, summary, detail string) {
		out = append(out, &Problem{Source: of.at.Source, Line: of.at.Line, Value: of.key, Summary: summary, Detail: detail})
	}
	if d.round >= enough && d.round*2 > d.long {
		tell(d.example, "Keys look rounded", fmt.Sprintf("Of %s of 16 digits and more, %d have nothing but zeros behind the 15 digits that Excel keeps. Compare some of them with their source before you apply.", count(int(d.long), "key"), d.round))
	}
	if d.padded != "" && !d.mixed {
		var short doubt
		for n, s := range d.short {
			if n < len(d.padded) {
				if short.keys == 0 || s.at.Line < short.at.Line {
					short.key, short.at = s.key, s.at
				}
				short.keys += s.keys
			}
		}
		if short.keys > 0 {
			tell(short, "Keys may have lost leading zeros", fmt.Sprintf("%s shorter than those that begin with a zero, such as %s against %s: a spreadsheet takes leading zeros away. Compare some of them with their source before you apply.", are(short.keys), short.key, d.padded))
		}
	}
	return out
}

func are(n int64) string {
	if n == 1 {
		return "1 key is"
	}
	return fmt.Sprintf("%d keys are", n)
}
