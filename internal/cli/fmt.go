package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"

	"github.com/bulkrunner/runner/internal/card"
	"github.com/bulkrunner/runner/internal/config"
	"github.com/bulkrunner/runner/internal/diag"
)

func fmtCommand(a *app) *cobra.Command {
	var o fmtOptions
	cmd := &cobra.Command{
		Use:   "fmt [PATH…]",
		Short: "Put operation files and variables files into their canonical layout",
		Long: "Fmt puts operation files (*.ops.hcl) and variables files (*.opsvars.hcl) into\ntheir canonical layout, and names those that it changed. A folder stands for the\nfiles directly in it, and - for standard input. " +
			"Files with a syntax error and files\nin JSON syntax stay as they are.",
		RunE: func(_ *cobra.Command, args []string) error { return a.fmt(args, o) },
	}
	cmd.Flags().BoolVar(&o.check, "check", false, "write nothing; exit 1 when a file has another layout")
	cmd.Flags().BoolVar(&o.diff, "diff", false, "write nothing; show what would change")
	return cmd
}

type fmtOptions struct{ check, diff bool }

// standardInput is the path that stands for it.
const standardInput = "-"

func (a *app) fmt(paths []string, o fmtOptions) error {
	if len(paths) == 0 {
		paths = []string{"."}
	}
	if len(paths) == 1 && paths[0] == standardInput {
		return a.fmtInput(o)
	}
	names, diags := layoutFiles(paths)
	changed := []string{}
	for _, name := range names {
		another, more := a.layout(name, o)
		diags = append(diags, more...)
		if another {
			changed = append(changed, name)
		}
	}
	if a.json {
		if err := a.say("", map[string]any{"format": 1, "files": changed}); err != nil {
			return err
		}
	} else if !o.diff {
		for _, name := range changed {
			fmt.Fprintln(a.out, name)
		}
	}
	if o.check && len(changed) > 0 {
		diags = append(diags, diag.Diagnostic{
			Summary: "Files of another layout",
			Detail:  fmt.Sprintf("%s not in the canonical layout. To put that right:", were(len(changed))),
			Command: "runner fmt " + strings.Join(paths, " "),
		})
	}
	if diags.HasErrors() {
		return refuse(diags)
	}
	return nil
}

func were(files int) string {
	if files == 1 {
		return "1 file is"
	}
	return fmt.Sprintf("%d files are", files)
}

// layoutFiles are the files that paths stand for, each once.
func layoutFiles(paths []string) (names []string, diags diag.List) {
	seen := make(map[string]bool)
	add := func(path string) {
		if path = filepath.Clean(path); !seen[path] {
			seen[path] = true
			names = append(names, path)
		}
	}
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			diags = append(diags, unreadable(path, err))
			continue
		}
		if !info.IsDir() {
			switch {
			case config.HasLayout(path):
				add(path)
			case !config.IsJSON(path):
				diags = append(diags, diag.Diagnostic{
					Summary: "Not an operation file",
					Detail:  fmt.Sprintf("%s is neither an operation file (*.ops.hcl) nor a variables file (*.opsvars.hcl), so it stays as it is.", path),
				})
			}
			continue
		}
		entries, err := os.ReadDir(path)
		if err != nil {
			diags = append(diags, unreadable(path, err))
		}
		for _, e := range entries {
			if config.HasLayout(e.Name()) && !strings.HasPrefix(e.Name(), ".") {
				add(filepath.Join(path, e.Name()))
			}
		}
	}
	return names, diags
}

func unreadable(path string, err error) diag.Diagnostic {
	if errors.Is(err, fs.ErrNotExist) {
		return diag.Diagnostic{Summary: "No such file or folder", Detail: fmt.Sprintf("%s does not exist. Check the path; it is taken from the current folder, or from the one that --chdir names.", path)}
	}
	return diag.Diagnostic{Summary: "Unreadable file", Detail: fmt.Sprintf("%s can't be read: %s. Name a regular file that you may read.", path, plain(err))}
}

// layout gives one file its layout, and tells whether it had another.
func (a *app) layout(name string, o fmtOptions) (bool, diag.List) {
	target, err := filepath.EvalSymlinks(name) // a link stays one
	if err != nil {
		return false, diag.List{unreadable(name, err)}
	}
	before, err := config.ReadFile(target)
	if err != nil {
		return false, diag.List{unreadable(name, err)}
	}
	after, diags := a.formatted(filepath.ToSlash(name), before)
	if diags.HasErrors() || bytes.Equal(before, after) {
		return false, diags
	}
	if o.diff && !a.json {
		a.writeDiff(name, before, after)
	}
	if o.check || o.diff {
		return true, nil
	}
	if err := replace(target, after); err != nil {
		return false, diag.List{{Summary: "File can't be written", Detail: fmt.Sprintf("%s stays as it was: %s.", name, plain(err))}}
	}
	return true, nil
}

// writeDiff is for people's eyes, and for logs: no card number is in it.
func (a *app) writeDiff(name string, before, after []byte) {
	io.WriteString(a.out, card.Mask(string(diff.Diff(name, before, name+" (formatted)", after))))
}

// formatted remembers the source, for the lines in messages.
func (a *app) formatted(name string, text []byte) ([]byte, diag.List) {
	a.sources[name] = text
	return config.Format(config.Source{Name: name, Bytes: text})
}

func (a *app) fmtInput(o fmtOptions) error {
	const name = "standard input"
	before, err := io.ReadAll(io.LimitReader(a.in, config.MaxFile+1))
	if err != nil {
		return refusal("Unreadable file", fmt.Sprintf("Standard input can't be read: %s.", plain(err)))
	}
	after, diags := a.formatted(name, before)
	if diags.HasErrors() {
		return refuse(diags)
	}
	switch another := !bytes.Equal(before, after); {
	case o.diff && another:
		a.writeDiff(name, before, after)
	case !o.check && !o.diff:
		a.out.Write(after)
	}
	if o.check && !bytes.Equal(before, after) {
		return refusal("Files of another layout", "Standard input is not in the canonical layout.")
	}
	return nil
}

// replace puts text in the place of a file, whole or not at all, under the
// same permissions.
func replace(path string, text []byte) error {
	own, err := os.OpenFile(path, os.O_WRONLY, 0) // may it be written at all?
	if err != nil {
		return err
	}
	info, err := own.Stat()
	own.Close()
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // it is gone where all went well
	_, err = f.Write(text)
	if err == nil {
		err = f.Chmod(info.Mode().Perm())
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
