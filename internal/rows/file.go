package rows

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
)

// openRegular opens a list's file. Pipes and devices are refused: a list is
// read once for the plan, and its digest must still mean something afterwards.
func openRegular(source, path string) (*os.File, error) {
	refuse := func(summary, detail string) error {
		return &Problem{Source: source, Summary: summary, Detail: detail, Fatal: true}
	}
	info, err := os.Stat(path)
	if err == nil {
		switch mode := info.Mode(); {
		case mode.IsDir():
			return nil, refuse("List is a folder", source+" is a folder. Name the file in it.")
		case mode&fs.ModeNamedPipe != 0:
			return nil, refuse("List is a pipe", source+" is a named pipe, which can be read only once. Save its content in a file and name that.")
		case !mode.IsRegular():
			return nil, refuse("List is not a file", source+" is a device or a socket. Save its content in a file and name that.")
		}
	}
	var file *os.File
	if err == nil {
		file, err = os.Open(path)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, refuse("List not found", "There is no file "+source+". Paths are relative to the file that says them.")
	case errors.Is(err, fs.ErrPermission):
		return nil, refuse("List can't be read", "You have no permission to read "+source+". Ask its owner, or give yourself the right to read it.")
	case err != nil:
		return nil, fmt.Errorf("open list %s: %w", source, errors.Unwrap(err))
	}
	return file, nil
}

func sortedNames[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for n := range m {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}
