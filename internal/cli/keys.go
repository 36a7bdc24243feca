package cli

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/bulkrunner/runner/internal/diag"
	"github.com/bulkrunner/runner/internal/planner"
	"github.com/bulkrunner/runner/internal/runfile"
	"github.com/bulkrunner/runner/internal/secret"
)

// The variables of the environment that name keys. Neither key is ever on a
// command line or in a run file.
const (
	envFingerprintKey = "RUNNER_FINGERPRINT_KEY_FILE"
	envIdentity       = "RUNNER_AGE_KEY_FILE"
)

// recipientFlag adds the flag that says to whom sensitive arguments are
// encrypted.
func recipientFlag(cmd *cobra.Command, to *[]string) {
	cmd.Flags().StringArrayVar(to, "recipient", nil, "encrypt sensitive arguments to this public `key` of age (age1…)")
}

// newKeys are the keys of a plan that is written to path.
func newKeys(recipients []string, path string) (planner.Keys, error) {
	k := fingerprintKey(path)
	if len(recipients) == 0 {
		return k, nil
	}
	to, err := secret.Recipients(recipients)
	if err == nil {
		k.Box, k.Sealed, err = secret.NewBox(to)
	}
	if err != nil {
		return k, refusal("Recipient can't be used", sentence(err.Error()))
	}
	return k, nil
}

// keysOf are the keys of a run that was planned.
func keysOf(run runfile.Run, path string) (planner.Keys, error) {
	k := fingerprintKey(path)
	file := os.Getenv(envIdentity)
	if run.Secrets.Sealed == "" || file == "" {
		return k, nil
	}
	ids, err := secret.ReadIdentities(file)
	if err == nil {
		k.Sealed = run.Secrets.Sealed
		k.Box, err = secret.OpenBox(run.Secrets.Sealed, ids)
	}
	if err != nil {
		return k, refuse(diag.List{{Summary: "Private key can't be used", Detail: fmt.Sprintf("%s names the file that opens the run file's sensitive arguments: %s. Nothing was sent. Name the file of a private key that belongs to one of the plan's recipients.", envIdentity, err)}})
	}
	return k, nil
}

// fingerprintKey reads the key that the environment names. What is wrong with
// it is an error only for a plan that needs one.
func fingerprintKey(run string) (k planner.Keys) {
	file := os.Getenv(envFingerprintKey)
	if file == "" {
		return k
	}
	if beside(file, run) {
		k.Trouble = fmt.Errorf("%s lies beside the run file, and whoever has both can find the values: keep the key elsewhere", file)
		return k
	}
	k.Fingerprint, k.Trouble = secret.ReadKey(file)
	return k
}

// beside tells whether two files lie in one folder, the first by its name or
// where that leads.
func beside(a, b string) bool {
	folder := func(path string) string {
		if dir, err := filepath.Abs(filepath.Dir(path)); err == nil {
			if real, err := filepath.EvalSymlinks(dir); err == nil {
				return real
			}
			return dir
		}
		return filepath.Dir(path)
	}
	if real, err := filepath.EvalSymlinks(a); err == nil && folder(real) == folder(b) {
		return true
	}
	return folder(a) == folder(b)
}
