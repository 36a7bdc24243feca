package rows

import (
	"fmt"
	"testing"
)

func TestDoubts(t *testing.T) {
	t.Parallel()
	of := func(format string, numbers ...int) (keys []string) {
		for _, n := range numbers {
			keys = append(keys, fmt.Sprintf(format, n))
		}
		return keys
	}
	many := []int{11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22}
	for name, test := range map[string]struct {
		keys []string
		want string // the doubt's value
		line int64
	}{
		"none":                     {keys: []string{"A-1", "7", "12345"}},
		"rounded":                  {keys: append([]string{"x"}, of("412345678901%d40", many...)...), want: "4123456789011140", line: 2},
		"rounded, most":            {keys: append(of("412345678901%d40", many...), of("412345678901%d41", many[:9]...)...), want: "4123456789011140", line: 1},
		"rounded, few":             {keys: of("412345678901%d40", many[:9]...)},
		"a tenth ends in zero":     {keys: append(of("412345678901%d40", many...), of("412345678901%d41", many...)...)},
		"seventeen digits":         {keys: of("412345678901%d400", many...), want: "41234567890111400", line: 1},
		"seventeen, one zero":      {keys: of("412345678901%d410", many...)},
		"fifteen digits":           {keys: of("41234567890%d40", many...)},
		"lost zeros":               {keys: []string{"00123", "00124", "x", "125", "88126"}, want: "125", line: 4},
		"lost zeros, first":        {keys: []string{"125", "88126", "00123"}, want: "125", line: 1},
		"all of one length":        {keys: []string{"00123", "88124"}},
		"longer ones":              {keys: []string{"00123", "881246"}},
		"of several lengths":       {keys: []string{"00123", "0124", "7"}},
		"zero alone is no padding": {keys: []string{"0", "1", "12"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := NewKeys()
			defer k.Close()
			for i, key := range test.keys {
				if _, _, err := k.Add(key, Place{"x.csv", int64(i + 1)}); err != nil {
					t.Fatal(err)
				}
			}
			got := k.Doubts()
			if test.want == "" {
				if len(got) > 0 {
					t.Errorf("doubts %v", got[0])
				}
				return
			}
			if len(got) != 1 || got[0].Value != test.want || got[0].Line != test.line || got[0].Source != "x.csv" {
				t.Errorf("got %+v, want %s", got, test.want)
			}
		})
	}
}
