package cli

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/term"

	"github.com/bulkrunner/runner/internal/diag"
	"github.com/bulkrunner/runner/internal/view"
)

// confirm asks for the number of items to execute.
func (a *app) confirm(n int64, path string, interrupted <-chan struct{}) error {
	if a.json {
		return refusal("Confirmation wanted", "With --json nobody can be asked. Say --auto-approve to apply without being asked.")
	}
	fmt.Fprintf(a.err, "%s %s will be executed. To go on, type that number: ", view.Count(n), items(n))
	type answer struct {
		text string
		err  error
	}
	answers := make(chan answer, 1)
	go func() { // nothing ends a read of a terminal but its answer
		text, err := bufio.NewReader(a.in).ReadString('\n')
		answers <- answer{text, err}
	}()
	var text string
	select {
	case got := <-answers:
		if text = got.text; got.err != nil && text == "" {
			fmt.Fprintln(a.err)
			return refuse(diag.List{{Summary: "Not confirmed", Detail: "No answer came. Nothing was sent.", Command: fmt.Sprintf("runner apply --auto-approve %s", path)}})
		}
	case <-interrupted:
		fmt.Fprintln(a.err, "\nInterrupted. Nothing was sent.")
		return exit(exitInterrupted)
	}
	if f, ok := a.in.(*os.File); !ok || !term.IsTerminal(int(f.Fd())) {
		fmt.Fprintln(a.err) // nobody pressed Enter
	}
	text = strings.ReplaceAll(strings.TrimSpace(text), ",", "")
	if typed, err := strconv.ParseInt(text, 10, 64); err != nil || typed != n {
		return refusal("Not confirmed", fmt.Sprintf("The answer was not %d. Nothing was sent.", n))
	}
	return nil
}

func items(n int64) string {
	if n == 1 {
		return "item"
	}
	return "items"
}
