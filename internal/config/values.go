package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/bulkrunner/runner/internal/diag"
)

const autoSuffix = ".auto.opsvars.hcl"

// ParseValues reads a variables file: NAME = VALUE lines, or one object of them
// where its name ends in .json. Strings of JSON are themselves there, and no
// templates.
func ParseValues(src Source) (hcl.Attributes, diag.List) {
	d := newDecoder(newConfig(nil))
	d.values = true
	body := d.syntax(src)
	if body == nil {
		return nil, masked(d.report())
	}
	c := d.content(body, "", shape{open: true})
	return c.rest, masked(d.report())
}

// ValuesBeside reads the variables files that stand beside the operation files
// and whose names end in .auto.opsvars.hcl, or the same and .json. They come in
// the order of their names, folder by folder.
func ValuesBeside(cfg *Config) ([]Source, diag.List) {
	l := loader{}
	var folders []string
	for _, s := range cfg.Sources {
		// Those of a run file may be somewhere else by now, or we are.
		if _, err := os.Stat(filepath.FromSlash(s.Name)); err == nil {
			folders = append(folders, filepath.Dir(s.Name))
		}
	}
	slices.Sort(folders)
	for _, folder := range slices.Compact(folders) {
		entries, err := os.ReadDir(folder)
		if err != nil {
			l.unreadable(filepath.ToSlash(folder), err)
			continue
		}
		for _, e := range entries {
			name := e.Name()
			if !strings.HasPrefix(name, ".") && (strings.HasSuffix(name, autoSuffix) || strings.HasSuffix(name, autoSuffix+".json")) {
				l.file(filepath.Join(folder, name))
			}
		}
	}
	return l.sources, l.diags
}
