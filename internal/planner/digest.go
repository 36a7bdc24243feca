package planner

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"strconv"

	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/runfile"
)

// An itemsDigest is what the items of a plan put into its digest: a line of
// JSON for each.
type itemsDigest struct {
	hash.Hash
	own       bool // the items' JSON was written by this process
	operation string
	prefix    []byte // what a line of the operation begins with
	line      []byte
}

func newItemsDigest() *itemsDigest { return &itemsDigest{Hash: sha256.New()} }

// enter puts an item in. The line is as json.Marshal writes an array of these,
// which takes four times as long.
func (d *itemsDigest) enter(operation string, it *plan.Item) {
	secret := it.Fingerprint
	if secret == "" {
		secret = it.Sealed
	}
	if operation != d.operation || d.prefix == nil {
		d.operation, d.prefix = operation, append(appendText([]byte{'['}, operation), ',')
	}
	b := append(d.line[:0], d.prefix...)
	b = append(appendText(b, it.Key), ',')
	b = append(d.appendRaw(b, it.Arguments), ',')
	b = append(appendText(b, secret), ',')
	b = append(appendText(b, it.Amount), ',')
	b = append(appendText(b, it.Currency), ',')
	b = append(d.appendRaw(b, it.Context), ',')
	b = strconv.AppendBool(b, it.State == plan.Invalid)
	d.line = append(b, ']', '\n')
	d.Write(d.line)
}

func appendText(b []byte, s string) []byte {
	if plain(s, '"', '\\') {
		return append(append(append(b, '"'), s...), '"')
	}
	quoted, _ := json.Marshal(s)
	return append(b, quoted...)
}

// appendRaw takes over JSON. What isn't any, which only somebody else can have
// written, is a text and so not what the plan had.
func (d *itemsDigest) appendRaw(b []byte, raw json.RawMessage) []byte {
	switch {
	case len(raw) == 0:
		return append(b, "null"...)
	case !d.own && !json.Valid(raw):
		return appendText(b, string(raw))
	case plain(raw, ' ', ' '):
		return append(b, raw...)
	}
	written, _ := json.Marshal(raw)
	return append(b, written...)
}

// plain tells whether json.Marshal leaves a text alone: it is of ASCII that can
// be seen, without what is escaped for HTML and without two characters more.
func plain[T string | json.RawMessage](s T, not, nor byte) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7F || c == '<' || c == '>' || c == '&' || c == not || c == nor {
			return false
		}
	}
	return true
}

// digest is over all that decides what is sent, and nothing that the API said.
func digest(run runfile.Run, ops []plan.Operation, items *itemsDigest) string {
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
	items := newItemsDigest()
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
		items.enter(addresses[it.Operation], &it)
	}
	if is := digest(run, ops, items); is != run.Digest {
		return fmt.Errorf("what it holds has the digest %s, and its plan had %s", is, run.Digest)
	}
	return nil
}
