// Package providers finds, starts and watches provider processes.
package providers

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/bulkrunner/runner/internal/config"
	"github.com/bulkrunner/runner/internal/diag"
)

// programPrefix begins the name of every provider program.
const programPrefix = "runner-provider-"

// FolderVariable is the variable of the environment that names the folder of
// plugins.
const FolderVariable = "RUNNER_PLUGIN_DIR"

// A Program is a provider's executable file.
type Program struct {
	Path string

	// Checksum is "sha256:…" of the bytes that may be run. Where it is empty
	// the first start sets it, and no later one runs any others.
	Checksum string
}

// Find looks up the program that a requirement names: a path relative to the
// file that says it, or a name that is looked for in the folder of plugins
// ([FolderVariable]), beside the runner itself, and in plugins/ beside it.
func Find(req *config.Requirement) (Program, diag.List) {
	var tried []string
	for _, path := range candidates(req) {
		info, err := os.Stat(path)
		if err != nil || !info.Mode().IsRegular() {
			tried = append(tried, path)
			continue
		}
		return Program{Path: path}, nil
	}
	return Program{}, diag.List{{
		Summary: "Provider not found",
		Detail: fmt.Sprintf("There is no program for provider %q. It was looked for at:\n\n    %s\n\nPut the program there, or name the folder that holds it in RUNNER_PLUGIN_DIR.",
			req.Name, strings.Join(tried, "\n    ")),
		Subject: &req.Range,
	}}
}

func candidates(req *config.Requirement) []string {
	exe := ""
	if runtime.GOOS == "windows" {
		exe = ".exe"
	}
	if strings.HasPrefix(req.Source, "./") || strings.HasPrefix(req.Source, "../") || filepath.IsAbs(req.Source) {
		path := filepath.FromSlash(req.Source)
		if !filepath.IsAbs(path) {
			path = filepath.Join(filepath.Dir(req.Range.Filename), path)
		}
		// An absolute path, so that exec never searches PATH for it.
		if abs, err := filepath.Abs(path); err == nil {
			path = abs
		}
		return []string{path}
	}
	name := programPrefix + req.Source + exe
	var out []string
	if dir := os.Getenv(FolderVariable); dir != "" {
		if abs, err := filepath.Abs(filepath.Join(dir, name)); err == nil {
			out = append(out, abs)
		}
	}
	if self, err := os.Executable(); err == nil {
		dir := filepath.Dir(self)
		out = append(out, filepath.Join(dir, name), filepath.Join(dir, "plugins", name))
	}
	return out
}
