package cli

import (
	"errors"
	"fmt"

	"github.com/hashicorp/hcl/v2"

	"github.com/bulkrunner/runner/internal/config"
	"github.com/bulkrunner/runner/internal/diag"
	"github.com/bulkrunner/runner/internal/providers"
)

// verify holds a provider that is to be started against the lock file of this
// folder, if there is one: only the program that stands in it may run.
func verify(req *config.Requirement, program *providers.Program, subject *hcl.Range) diag.List {
	lock, diags := providers.ReadLock(providers.LockFile)
	if diags.HasErrors() || lock == nil {
		return diags
	}
	if program.Checksum = lock.Checksum(req.Name); program.Checksum != "" {
		return nil
	}
	found, err := providers.Checksum(program.Path)
	if err != nil {
		return diag.List{{Summary: "Unreadable provider", Detail: fmt.Sprintf("%s can't be read: %s.", program.Path, plain(err)), Subject: subject}}
	}
	detail := fmt.Sprintf("Provider %q is not in %s, so it was not started", req.Name, providers.LockFile)
	if known, ok := lock.Providers[req.Name]; ok {
		detail = fmt.Sprintf("Provider %q %s is in %s without a checksum for %s, so it was not started", req.Name, known.Version, providers.LockFile, providers.Platform())
	}
	return diag.List{{
		Summary: "Provider is not locked",
		Detail:  fmt.Sprintf("%s. Its program is\n\n    %s\n    %s\n\nIf that is the program you mean, accept it:", detail, program.Path, found),
		Subject: subject, Command: "runner init",
	}}
}

// notStarted says why a provider was not started.
func notStarted(req *config.Requirement, err error, subject *hcl.Range) diag.Diagnostic {
	var other *providers.ChecksumError
	if !errors.As(err, &other) {
		return diag.Diagnostic{Summary: "Provider can't be started", Detail: providerTrouble(err), Subject: subject}
	}
	return diag.Diagnostic{
		Summary: "Provider differs from the lock file",
		Detail: fmt.Sprintf("Provider %q was not started: its program is another than the one in %s.\n\n    program %s\n    locked  %s\n    found   %s\n\nIf nobody has replaced it on purpose, find out who did. If it is a version that you mean to use, accept it:",
			req.Name, providers.LockFile, other.Path, other.Want, other.Found),
		Subject: subject, Command: "runner init --upgrade",
	}
}
