package cli

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/bulkrunner/runner/internal/config"
	"github.com/bulkrunner/runner/internal/diag"
	"github.com/bulkrunner/runner/internal/eval"
	"github.com/bulkrunner/runner/internal/planner"
	"github.com/bulkrunner/runner/internal/runfile"
)

const (
	runsFolder       = ".runner/runs"
	rehearsalsFolder = ".runner/rehearsals"
)

// newRunPath makes the folder and names a file in it by the time.
func newRunPath(folder, id string, at time.Time) (string, error) {
	folder = filepath.FromSlash(folder)
	if err := makeFolder(folder); err != nil {
		return "", err
	}
	return filepath.Join(folder, at.UTC().Format("20060102T150405Z")+"-"+id[:8]+".run"), nil
}

func makeFolder(folder string) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return refusal("Folder can't be made", fmt.Sprintf("%s, which keeps run files: %s. See what is in its way, or work in another folder with --chdir.", folder, plain(err)))
	}
	return nil
}

// applyPaths takes up the unfinished run of operation files, or plans them
// anew, shows the plan and carries it out.
func (a *app) applyPaths(paths []string, o applyOptions) error {
	if len(paths) == 0 {
		paths = []string{"."}
	}
	cfg, err := a.load(paths)
	if err != nil {
		return err
	}
	given, err := a.given(cfg)
	if err != nil {
		return err
	}
	created := time.Now().UTC()
	scope, diags := eval.NewScope(cfg, given, created)
	if diags.HasErrors() {
		return refuse(diags)
	}
	run := newRun(cfg, scope, paths, created)
	lists := func() ([]runfile.List, diag.List) { return planner.Lists(context.Background(), cfg, scope) }
	unfinished, err := a.unfinished(run, cfg, lists)
	if err != nil {
		return err
	}
	if unfinished == "" {
		// Two that start together would both find none, and carry out each
		// item twice.
		release, err := reserve(cfg)
		if err != nil {
			return err
		}
		defer release()
		if unfinished, err = a.unfinished(run, cfg, lists); err != nil {
			return err
		}
	}
	if unfinished != "" {
		if !a.json {
			fmt.Fprintf(a.err, "Carrying on with %s.\n", unfinished)
		}
		return a.applyFile(unfinished, o)
	}

	a.begin(run.ID)
	path, err := newRunPath(runsFolder, run.ID, created)
	if err != nil {
		return err
	}
	keys, err := newKeys(o.recipients, path)
	if err != nil {
		return err
	}
	ctx, drain, stop := interrupts(context.Background())
	s, more := a.connect(cancelOn(ctx, drain), cfg, scope, connectOptions{patience: patienceToPlan})
	if diags = append(diags, more...); diags.HasErrors() {
		stop()
		return refuse(diags)
	}
	in := s.input(run, keys, o.refresh)
	in.Command = fmt.Sprintf("runner show %s --items --state invalid", path)
	doc, more, err := a.write(cancelOn(ctx, drain), path, in, planner.Plan)
	s.close()
	stop()
	if err != nil {
		return err
	}
	diags = append(diags, more...)
	if doc == nil {
		return refuse(diags)
	}
	a.tellPlanned(doc, path)
	if !a.json {
		doc.Plan(a.out)
	}
	if doc.Run.State != runfile.StatePlanned {
		return refuse(diags)
	}
	a.show(diags)
	_ = runfile.Note(run.ID, path)
	o.named = strings.Join(paths, " ")
	err = a.applyFile(path, o)
	if f, openErr := runfile.Open(path); openErr == nil {
		after, runErr := f.Run()
		f.Close()
		if runErr == nil && after.State == runfile.StatePlanned {
			os.Remove(path) // it never began
			os.Remove(path + ".lock")
		}
	}
	return err
}

// reserve keeps the files that declare operations to this process, for making a
// run of them.
func reserve(cfg *config.Config) (release func(), err error) {
	folder := filepath.FromSlash(runsFolder)
	if err := makeFolder(folder); err != nil {
		return nil, err
	}
	files := make(map[string]bool)
	for _, op := range cfg.Operations {
		files[path.Clean(op.Range.Filename)] = true
	}
	var releases []func()
	release = func() {
		for _, r := range releases {
			r()
		}
	}
	for _, file := range slices.Sorted(maps.Keys(files)) {
		sum := sha256.Sum256([]byte(file))
		r, err := runfile.Reserve(filepath.Join(folder, "."+hex.EncodeToString(sum[:8])))
		if err == nil {
			releases = append(releases, r)
			continue
		}
		release()
		var held *runfile.HeldError
		if errors.As(err, &held) {
			who := "Another process"
			if held.PID != 0 {
				who = fmt.Sprintf("Process %d on %s", held.PID, held.Host)
			}
			return nil, refusal("Operation file is being applied", fmt.Sprintf("%s makes or carries out a run of %s, and two at once would carry out each item twice. Try again when it has ended.", who, file))
		}
		return nil, refusal("Operation file can't be reserved", sentence(err.Error()))
	}
	return release, nil
}

// unfinished finds the run of the same files that has begun and not ended. If
// files, variables or lists have changed since, it refuses and names them.
func (a *app) unfinished(now runfile.Run, cfg *config.Config, lists func() ([]runfile.List, diag.List)) (string, error) {
	found, err := filepath.Glob(filepath.Join(filepath.FromSlash(runsFolder), "*.run"))
	if err != nil {
		return "", err
	}
	slices.Sort(found)
	for _, run := range slices.Backward(found) {
		f, err := runfile.Open(run)
		if err != nil {
			continue
		}
		was, err := f.Run()
		f.Close()
		if err != nil || was.Epoch == 0 || was.State == runfile.StateFinished {
			continue
		}
		before, after := contents(was), contents(now)
		if !shares(before, cfg) {
			continue
		}
		changed := changedFiles(before, after)
		if !bytes.Equal(was.Variables, now.Variables) {
			changed = append(changed, "the variables")
		}
		is, diags := lists()
		if diags.HasErrors() {
			return "", refuse(diags)
		}
		if changed = append(changed, changedLists(was.Lists, is)...); len(changed) > 0 {
			return "", refuse(diag.List{{
				Summary: "Unfinished run of other content",
				Detail: fmt.Sprintf("%s of %s is not finished. Changed since it was planned: %s. Carry it on as it was planned, or move its file away to plan anew.",
					run, strings.Join(was.Paths, " "), strings.Join(changed, ", ")),
				Command: "runner apply " + run,
			}})
		}
		return run, nil
	}
	return "", nil
}

// shares tells whether a run has one of the files that declare operations, be
// it under another path: a folder and a file in it are the same operations. A
// file that only declares providers may be shared by runs that aren't the same.
func shares(files map[string]string, cfg *config.Config) bool {
	for _, op := range cfg.Operations {
		if _, ok := files[path.Clean(op.Range.Filename)]; ok {
			return true
		}
	}
	return false
}

// changedFiles names the operation files that are not alike.
func changedFiles(before, after map[string]string) (changed []string) {
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if text, ok := after[name]; !ok || text != before[name] {
			changed = append(changed, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(after)) {
		if _, ok := before[name]; !ok {
			changed = append(changed, name)
		}
	}
	return changed
}

// contents are the operation files of a run by name.
func contents(run runfile.Run) map[string]string {
	out := make(map[string]string)
	for _, s := range sourcesOf(run) {
		out[path.Clean(s.Name)] = string(s.Bytes)
	}
	return out
}

// changedLists names the lists that are not as they were. Lists of APIs, which
// are not among those read now, are left out.
func changedLists(was, is []runfile.List) (changed []string) {
	for _, l := range is {
		if slices.Contains(was, l) {
			continue
		}
		name := l.Address
		if l.Source != "" && l.Source != l.Address {
			name += " (" + l.Source + ")"
		}
		changed = append(changed, name)
	}
	return changed
}
