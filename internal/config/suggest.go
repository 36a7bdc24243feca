package config

import (
	"sort"
	"strings"

	"github.com/agext/levenshtein"
)

// didYouMean finishes a message about a name that isn't known: with the name
// that was probably meant, else with all there are where they are few. The
// answer begins with a space, or is empty.
func didYouMean(given string, names []string, all string) string {
	if best := nearest(given, names); best != "" {
		return ` Did you mean "` + best + `"?`
	}
	if !strings.HasSuffix(all, " ") {
		return " " + all
	}
	if len(names) == 0 || len(names) > 25 {
		return ""
	}
	return " " + all + enumerate(names, "and") + "."
}

// nearest is the name within two letters of the given one, "" when none is.
func nearest(given string, names []string) string {
	best, distance := "", 3
	if len(given) > 100 || len(names) > 1000 {
		return "" // comparing is quadratic
	}
	for _, name := range names {
		if len(name) > 100 {
			continue
		}
		n := levenshtein.Distance(given, name, nil)
		if n < distance && n < len(name) && n < max(len(given), 2) {
			best, distance = name, n
		}
	}
	return best
}

func enumerate(names []string, and string) string {
	names = append([]string(nil), names...)
	sort.Strings(names)
	if len(names) == 1 {
		return names[0]
	}
	return strings.Join(names[:len(names)-1], ", ") + " " + and + " " + names[len(names)-1]
}

// keys are the names of a map, sorted.
func keys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}
