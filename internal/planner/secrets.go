package planner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/bulkrunner/runner/internal/config"
	"github.com/bulkrunner/runner/internal/diag"
	"github.com/bulkrunner/runner/internal/eval"
	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/rows"
	"github.com/bulkrunner/runner/internal/runfile"
	"github.com/bulkrunner/runner/internal/secret"
)

// Keys keep the secret arguments of items out of a run file.
type Keys struct {
	Fingerprint *secret.Key // nil when the user named none
	Trouble     error       // why the one that the user named can't be used
	Box         *secret.Box // nil when the user named no recipients
	Sealed      string      // the box's key, encrypted to the recipients
}

// Ephemeral are keys that nobody has after this process, for a plan that only
// this process carries out.
func Ephemeral() (k Keys, err error) {
	k.Fingerprint = secret.NewKey()
	k.Box, k.Sealed, err = secret.NewBox(nil)
	return k, err
}

// recallable refuses write-only arguments that no apply could bring back,
// before their list is opened: reading some lists leaves a copy on the disk.
func (p *planner) recallable(op *operation) (diags diag.List) {
	var writeOnly []string
	for _, a := range op.schema.Arguments {
		if _, given := op.config.Arguments[a.Name]; given && a.WriteOnly {
			writeOnly = append(writeOnly, a.Name)
		}
	}
	if len(writeOnly) == 0 {
		return nil
	}
	refuse := op.refuser(&diags)
	switch key := p.Keys; {
	case key.Trouble != nil:
		refuse("Key of fingerprints can't be used", fmt.Sprintf("%s names the key for the fingerprints of %s: %s.", fingerprintKeyFile, named(writeOnly), key.Trouble), "")
	case key.Fingerprint == nil:
		refuse("Write-only arguments need a key",
			fmt.Sprintf("No file may hold %s, so the run file keeps a fingerprint, with which apply knows the list again. Without a key a card number could be found from it: name a file with a key, and keep it apart from the run files. To make one:", named(writeOnly)),
			"(umask 077; openssl rand -hex 32 > ~/.runner-fingerprint-key); export "+fingerprintKeyFile+"=~/.runner-fingerprint-key")
	}
	if why := unrepeatable(p.Scope, p.Config.Lists[op.config.ForEach]); why != "" {
		refuse("List can't be read again", fmt.Sprintf("No file may hold %s, so apply takes them from the list again, and %s. Put the rows into a file and name it in a list such as \"csv\".", named(writeOnly), why), "")
	}
	return diags
}

// keepable refuses secret arguments that nothing keeps out of the run file.
func (p *planner) keepable(op *operation) (diags diag.List) {
	refuse := op.refuser(&diags)
	sensitive := op.program.Sensitive()
	if len(sensitive) > 0 && p.Keys.Box == nil {
		refuse("Sensitive arguments need a recipient",
			fmt.Sprintf("The run file may hold %s encrypted alone. Say to whom, by a public key of age (age-keygen -o KEYFILE makes one), and let apply find the private one with %s=KEYFILE. For example:", named(sensitive), identityFile),
			"runner plan --recipient age1… --out FILE")
	}
	if p.Config.Lists[op.config.ForEach].Type == "inline" && op.program.SecretsOfRows() {
		refuse("Secret in the sources", fmt.Sprintf("%s would come from rows that stand in the file, and sources are stored in the run file as they are. Put the rows into a list of their own.", named(slices.Concat(op.program.WriteOnly(), sensitive))), "")
	}
	return diags
}

// refuser adds errors of an operation to diags.
func (op *operation) refuser(diags *diag.List) func(summary, detail, command string) {
	return func(summary, detail, command string) {
		*diags = append(*diags, diag.Diagnostic{
			Summary: summary, Detail: detail, Command: command,
			Subject: &op.config.Range, In: fmt.Sprintf("operation %q %q", op.config.Type, op.config.Name),
		})
	}
}

// The variables of the environment that name the keys; see docs/operation-files.md.
const (
	fingerprintKeyFile = "RUNNER_FINGERPRINT_KEY_FILE"
	identityFile       = "RUNNER_AGE_KEY_FILE"
)

// unrepeatable says why a list can't be read again, "" when it can.
func unrepeatable(scope *eval.Scope, l *config.List) string {
	if l.Provider != "" {
		return "what an API lists changes by the very run"
	}
	list, diags := newList(scope, l)
	switch {
	case diags.HasErrors(), list.again && l.Type != "inline":
		return ""
	case list.stdin:
		return "standard input is read once"
	case l.Type == "inline":
		return "an inline list stands in the operation file"
	}
	return "this list may answer otherwise by then"
}

// named is `"card" and "cvv"`.
func named(names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = fmt.Sprintf("%q", n)
	}
	if n := len(quoted); n > 1 {
		return strings.Join(quoted[:n-1], ", ") + " and " + quoted[n-1]
	}
	return strings.Join(quoted, "")
}

// keep puts an item's secret arguments where they may be.
func (p *planner) keep(op *operation, it *plan.Item, item eval.Item) *eval.Problem {
	if item.Sensitive == nil && item.WriteOnly == nil {
		return nil
	}
	it.Secret = plan.Secret(plan.Join(item.Sensitive, item.WriteOnly))
	if item.Sensitive != nil {
		if p.Keys.Box == nil {
			return &eval.Problem{Diagnostic: diag.Diagnostic{
				Summary: "Sensitive arguments need a recipient",
				Detail:  "An argument of this row is sensitive, and the run file may hold it encrypted alone. Say to whom: runner plan --recipient age1….",
			}}
		}
		it.Sealed = p.Keys.Box.Seal(op.Address, item.Key, item.Sensitive)
	}
	if p.Keys.Fingerprint != nil {
		it.Fingerprint = p.Keys.Fingerprint.Fingerprint(op.Address, item.Key, it.Secret)
	}
	p.note(*it)
	return nil
}

// note remembers which keys the run file depends on.
func (p *planner) note(it plan.Item) {
	if it.Fingerprint != "" {
		p.secrets.Fingerprint = p.Keys.Fingerprint.Name()
	}
	if it.Sealed != "" {
		p.secrets.Sealed = p.Keys.Sealed
		p.local = p.local || it.Fingerprint == ""
	}
}

// Recalled are the secret arguments of a run's items, for as long as they are
// being carried out. They are in memory alone, about 100 bytes an item more
// than their text.
type Recalled struct {
	box       *secret.Box
	key       *secret.Key
	addresses map[int64]string // of operations
	items     map[int64]plan.Secret
}

// Recall finds the secret arguments of the items in some states again: what is
// sealed is opened when it is needed; what is write-only is read from the
// lists once more, here and to their ends, and held against the plan's
// fingerprints, so that nothing at all is sent if a list has changed.
func Recall(ctx context.Context, in Input, f *runfile.File, states ...plan.State) (*Recalled, diag.List) {
	run, err := f.Run()
	if err != nil {
		return nil, failed(err)
	}
	ops, err := f.Operations()
	if err != nil {
		return nil, failed(err)
	}
	r := newRecalled(in.Keys, ops)
	if !slices.ContainsFunc(ops, func(op plan.Operation) bool {
		return slices.ContainsFunc(states, func(s plan.State) bool { return op.Counts[s] > 0 })
	}) {
		return r, nil
	}
	if diags := in.Keys.fit(run.Secrets); diags.HasErrors() {
		return nil, diags
	}
	for _, op := range ops {
		if len(op.Settings.WriteOnly) == 0 {
			continue
		}
		if diags := r.read(ctx, in, f, op, states); diags.HasErrors() {
			return nil, diags
		}
	}
	return r, nil
}

func newRecalled(k Keys, ops []plan.Operation) *Recalled {
	r := &Recalled{box: k.Box, key: k.Fingerprint, addresses: make(map[int64]string), items: make(map[int64]plan.Secret)}
	for _, op := range ops {
		r.addresses[op.ID] = op.Address
	}
	return r
}

// Sealed opens the sensitive arguments of a run's items where its file is not
// at hand. Of items with write-only arguments it knows nothing.
func Sealed(k Keys, s runfile.Secrets, ops ...plan.Operation) (*Recalled, diag.List) {
	if diags := k.fit(s); diags.HasErrors() {
		return nil, diags
	}
	return newRecalled(k, ops), nil
}

// fit refuses keys that are not those of the plan.
func (k Keys) fit(s runfile.Secrets) diag.List {
	refuse := func(summary, detail string) diag.List {
		return diag.List{{Summary: summary, Detail: detail + " Nothing was sent."}}
	}
	switch {
	case s.Fingerprint == "":
	case k.Trouble != nil:
		return refuse("Key of fingerprints can't be used", fmt.Sprintf("The run file's items have fingerprints: %s.", k.Trouble))
	case k.Fingerprint == nil:
		return refuse("Key of fingerprints is missing", "The run file's items have fingerprints of their secret arguments. Name the key that the plan was made with: "+fingerprintKeyFile+"=FILE.")
	case k.Fingerprint.Name() != s.Fingerprint:
		return refuse("Another key of fingerprints", fmt.Sprintf("The plan was made with the key %s, and %s names the key %s. Name the plan's.", s.Fingerprint, fingerprintKeyFile, k.Fingerprint.Name()))
	}
	if s.Sealed != "" && k.Box == nil {
		return refuse("Private key is missing", "The run file holds sensitive arguments, encrypted. Name the file with the private key of one of the plan's recipients: "+identityFile+"=FILE.")
	}
	return nil
}

// read takes the write-only arguments of an operation's items from its list.
func (r *Recalled) read(ctx context.Context, in Input, f *runfile.File, op plan.Operation, states []plan.State) diag.List {
	cfg := in.Config.Operations[op.Address]
	provider := in.Providers[op.Provider]
	schema, ok := provider.Schema.Operation(op.Type)
	if cfg == nil || !ok {
		return failed(errors.New("the run file names an operation that its own sources or its provider do not have"))
	}
	list, diags := reopen(ctx, in.Scope, in.Config.Lists[cfg.ForEach])
	if diags.HasErrors() {
		for i := range diags {
			diags[i].Detail += " The write-only arguments of its rows are in no file, so apply reads them from the list again. Nothing was sent."
		}
		return diags
	}
	defer list.Close()
	program, diags := in.Scope.Compile(cfg, list.Columns(), schema)
	if diags.HasErrors() {
		return diags
	}
	changed := func(it plan.Item) diag.List {
		return diag.List{{
			Summary: "List has changed",
			Detail:  fmt.Sprintf("%q is not what the plan saw: its row has other values for %s, or stands elsewhere. Bring the list back as it was, or plan again. Nothing was sent.", it.Key, named(op.Settings.WriteOnly)),
			Subject: &cfg.ForEachRange,
			Row:     &diag.Row{Source: it.Source, Line: it.Row},
		}}
	}
	for it, err := range f.Items(runfile.Filter{Operation: op.ID, States: states}) {
		if err != nil {
			return failed(err)
		}
		row, err := find(list, it)
		if errors.Is(err, io.EOF) {
			return changed(it)
		}
		if err != nil {
			return listError(in.Config.Lists[cfg.ForEach], err)
		}
		item, problems := program.Item(row)
		secret := plan.Join(item.Sensitive, item.WriteOnly)
		if len(problems) > 0 || item.Key != it.Key || r.key.Fingerprint(op.Address, it.Key, secret) != it.Fingerprint {
			return changed(it)
		}
		r.items[it.ID] = secret
	}
	return nil
}

func reopen(ctx context.Context, scope *eval.Scope, l *config.List) (rows.Reader, diag.List) {
	list, diags := newList(scope, l)
	if diags.HasErrors() {
		return nil, diags
	}
	r, err := list.Open(ctx)
	if err != nil {
		return nil, listError(l, err)
	}
	return r, nil
}

// find goes on in a list to an item's row. Items are in the order of their
// rows.
func find(list rows.Reader, it plan.Item) (rows.Row, error) {
	for {
		row, err := list.Next()
		var bad *rows.Problem
		if errors.As(err, &bad) && !bad.Fatal {
			continue // it was bad at the plan too, or the item isn't found
		}
		if err != nil || row.Source == it.Source && row.Place().Line == it.Row {
			return row, err
		}
	}
}

// Fill gives an item its secret arguments, once.
func (r *Recalled) Fill(it *plan.Item) error {
	if it.Fingerprint == "" && it.Sealed == "" {
		return nil
	}
	if s, ok := r.items[it.ID]; ok {
		it.Secret = s
		delete(r.items, it.ID)
		return nil
	}
	if it.Sealed == "" || r.box == nil {
		return errors.New("its write-only arguments were not read from the list")
	}
	operation := r.addresses[it.Operation]
	opened, err := r.box.Open(operation, it.Key, it.Sealed)
	if err != nil {
		return err
	}
	if it.Fingerprint != "" && r.key.Fingerprint(operation, it.Key, opened) != it.Fingerprint {
		return errors.New("its sensitive arguments are not those of the plan")
	}
	it.Secret = opened
	return nil
}
