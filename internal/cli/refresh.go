package cli

import (
	"errors"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bulkrunner/runner/internal/planner"
)

// refreshFlag adds --refresh: of which items a plan reads the live state.
func refreshFlag(cmd *cobra.Command, to *planner.Refresh, usage string) {
	*to = planner.RefreshAll
	cmd.Flags().Var((*refreshValue)(to), "refresh", usage+": `true`, false or sample=N, of N items of each operation")
	cmd.Flags().Lookup("refresh").NoOptDefVal = "true"
}

type refreshValue planner.Refresh

func (v *refreshValue) Type() string { return "true" }

func (v *refreshValue) String() string {
	switch r := planner.Refresh(*v); r {
	case planner.RefreshAll:
		return "true"
	case planner.RefreshNone:
		return "false"
	default:
		return "sample=" + strconv.Itoa(int(r))
	}
}

func (v *refreshValue) Set(s string) error {
	if size, ok := strings.CutPrefix(s, "sample="); ok {
		n, err := strconv.Atoi(size)
		if err != nil || n < 1 || n > planner.MostSampled {
			return errors.New("a sample is of 1 to " + strconv.Itoa(planner.MostSampled) + " items, such as sample=200")
		}
		*v = refreshValue(n)
		return nil
	}
	all, err := strconv.ParseBool(s)
	if err != nil {
		return errors.New("it is true, false or a sample such as sample=200")
	}
	*v = refreshValue(planner.RefreshNone)
	if all {
		*v = refreshValue(planner.RefreshAll)
	}
	return nil
}
