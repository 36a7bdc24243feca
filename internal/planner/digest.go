package planner

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"

	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/runfile"
)

// enter puts an item into a plan's digest.
func enter(items hash.Hash, operation string, it *plan.Item) {
	secret := it.Fingerprint
	if secret == "" {
		secret = it.Sealed
	}
	line, _ := json.Marshal([]any{operation, it.Key, it.Arguments, secret, it.Amount, it.Currency, it.Context, it.State == plan.Invalid})
	items.Write(line)
	items.Write([]byte{'\n'})
}

// digest is over all that decides what is sent, and nothing that the API said.
func digest(run runfile.Run, ops []plan.Operation, items hash.Hash) string {
	type provider struct{ Address, Checksum, Account, Environment, Fingerprint string }
	var pinned []provider
	for _, p := range run.Providers {
		pinned = append(pinned, provider{p.Address, p.Checksum, p.Account, p.Environment, p.Fingerprint})
	}
	type operation struct {
		Address, Provider, Type string
		Settings                plan.Settings
	}
	var rules []operation
	for _, op := range ops {
		rules = append(rules, operation{op.Address, op.Provider, op.Type, op.Settings})
	}
	header, _ := json.Marshal([]any{run.Config, run.Variables, run.Lists, pinned, rules, hex.EncodeToString(items.Sum(nil))})
	sum := sha256.Sum256(header)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// Verify tells whether a run file holds what its plan put there: all that
// decides what is sent gives the digest that the plan had. Who changes that and
// writes a new digest beside it has made another plan, which is what
// --expect-digest is for.
func Verify(f *runfile.File) error {
	run, err := f.Run()
	if err != nil {
		return err
	}
	ops, err := f.Operations()
	if err != nil {
		return err
	}
	addresses := make(map[int64]string)
	for _, op := range ops {
		addresses[op.ID] = op.Address
	}
	items := sha256.New()
	for it, err := range f.Items(runfile.Filter{}) {
		if err != nil {
			return err
		}
		if it.IdempotencyKey != idempotencyKey(run.ID, addresses[it.Operation], it.Key) {
			return fmt.Errorf("the idempotency key of item %q is not the plan's", it.Key)
		}
		if it.Later && run.Epoch == 0 {
			return fmt.Errorf("it says what item %q will be, which is known only when the run is applied", it.Key)
		}
		if it.Later {
			it.Arguments, it.Amount, it.Currency, it.Context = nil, "", "", feeding(plan.Feeding(it.Context))
		}
		enter(items, addresses[it.Operation], &it)
	}
	if is := digest(run, ops, items); is != run.Digest {
		return fmt.Errorf("what it holds has the digest %s, and its plan had %s", is, run.Digest)
	}
	return nil
}
