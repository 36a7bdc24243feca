package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/bulkrunner/runner/internal/config"
	"github.com/bulkrunner/runner/internal/diag"
	"github.com/bulkrunner/runner/internal/dispatch"
	"github.com/bulkrunner/runner/internal/eval"
	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/planner"
	"github.com/bulkrunner/runner/internal/providers"
	"github.com/bulkrunner/runner/internal/runfile"
	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/host"
)

// A session is a configuration with its values and its running providers.
type session struct {
	config    *config.Config
	scope     *eval.Scope
	providers map[string]*planner.Provider // by address
	links     []*providers.Link
	bare      []*providers.Instance // started and not connected
}

// close ends the provider processes.
func (s *session) close() {
	for _, l := range s.links {
		l.Close()
	}
	for _, i := range s.bare {
		i.Close()
	}
}

// launch starts the program of every provider instance that is used
// and checks its version. inherited files stay open in the processes.
func launch(ctx context.Context, cfg *config.Config, used []string, inherited ...*os.File) (map[string]*providers.Instance, diag.List) {
	type launched struct {
		instance *providers.Instance
		diags    diag.List
	}
	all := make([]launched, len(used))
	var wg sync.WaitGroup
	for n, address := range used {
		wg.Go(func() { all[n].instance, all[n].diags = launchOne(ctx, cfg, cfg.Providers[address], inherited...) })
	}
	wg.Wait()
	out := make(map[string]*providers.Instance)
	var diags diag.List
	for n, address := range used {
		diags = append(diags, all[n].diags...)
		if instance := all[n].instance; instance != nil {
			out[address] = instance
		}
	}
	if diags.HasErrors() {
		for _, i := range out {
			i.Close()
		}
		return nil, diags
	}
	return out, diags
}

func launchOne(ctx context.Context, cfg *config.Config, p *config.Provider, inherited ...*os.File) (*providers.Instance, diag.List) {
	req := cfg.Runner.RequiredProviders[p.Name]
	if req == nil {
		req = &config.Requirement{Name: p.Name, Source: p.Name, Range: p.Range}
	}
	program, diags := providers.Find(req)
	if diags.HasErrors() {
		return nil, diags
	}
	if diags = append(diags, verify(req, &program, &req.Range)...); diags.HasErrors() {
		return nil, diags
	}
	instance, err := providers.Start(ctx, p.Name, program, inherited...)
	if err != nil {
		return nil, append(diags, notStarted(req, err, &req.Range))
	}
	if more := config.CheckProviderVersion(req, instance.Schema.Version); more.HasErrors() {
		instance.Close()
		return nil, append(diags, more...)
	}
	return instance, diags
}

// usedProviders lists the addresses of the instances that operations use, and
// their lists.
func usedProviders(cfg *config.Config) []string {
	used := make(map[string]bool)
	for _, op := range cfg.Operations {
		used[op.Provider] = true
		if l := cfg.Lists[op.ForEach]; l != nil && l.Provider != "" {
			used[l.Provider] = true
		}
	}
	return slices.Sorted(maps.Keys(used))
}

// usedLists lists the addresses of the lists of APIs that operations use.
func usedLists(cfg *config.Config) []string {
	used := make(map[string]bool)
	for _, op := range cfg.Operations {
		if l := cfg.Lists[op.ForEach]; l != nil && l.Provider != "" {
			used[op.ForEach] = true
		}
	}
	return slices.Sorted(maps.Keys(used))
}

// checkLists tells lists that their provider doesn't have.
func checkLists(cfg *config.Config, schemas map[string]*sdk.Schema) (diags diag.List) {
	for _, address := range usedLists(cfg) {
		l := cfg.Lists[address]
		schema := schemas[l.Provider]
		name := strings.TrimPrefix(l.Type, schema.Name+"_")
		if _, ok := schema.List(name); ok {
			continue
		}
		detail := fmt.Sprintf("Provider %q %s has no list %q.", schema.Name, schema.Version, l.Type)
		var names []string
		for _, s := range schema.Lists {
			names = append(names, schema.Name+"_"+s.Name)
		}
		if len(names) > 0 {
			detail += " It has: " + strings.Join(names, ", ") + "."
		} else {
			detail += " It has none: take the rows from a file, with list \"csv\"."
		}
		diags = append(diags, diag.Diagnostic{Summary: "Unknown type of list", Detail: detail, Subject: &l.TypeRange})
	}
	return diags
}

// checkOperations tells operations that their provider doesn't have.
func checkOperations(cfg *config.Config, schemas map[string]*sdk.Schema) (diags diag.List) {
	for _, address := range slices.Sorted(maps.Keys(cfg.Operations)) {
		op := cfg.Operations[address]
		schema := schemas[op.Provider]
		name, ok := strings.CutPrefix(op.Type, schema.Name+"_")
		if ok {
			_, ok = schema.Operation(name)
		}
		if ok {
			continue
		}
		var names []string
		for _, o := range schema.Operations {
			names = append(names, schema.Name+"_"+o.Name)
		}
		diags = append(diags, diag.Diagnostic{
			Summary: "Unknown operation",
			Detail:  fmt.Sprintf("Provider %q %s has no operation %q. It has: %s.", schema.Name, schema.Version, op.Type, strings.Join(names, ", ")),
			Subject: &op.TypeRange,
		})
	}
	return diags
}

const (
	// patienceToPlan is short, because somebody waits for the plan and nothing
	// is lost without it.
	patienceToPlan = 30 * time.Second
	// patienceToApply outlasts what an API's own people need to notice.
	patienceToApply = 10 * time.Minute
)

// connectOptions say how the providers of a session are to be connected.
type connectOptions struct {
	all       bool // also those that no operation uses
	inherited []*os.File
	endpoints map[string]string // by address, for rehearsals
	quiet     time.Time         // nothing leaves before it
	patience  time.Duration     // how long an API may stay out of reach
}

// connect is [connect], and logs what was connected.
func (a *app) connect(ctx context.Context, cfg *config.Config, scope *eval.Scope, o connectOptions) (*session, diag.List) {
	s, diags := connect(ctx, cfg, scope, o)
	if s != nil {
		for _, address := range slices.Sorted(maps.Keys(s.providers)) {
			p := s.providers[address].Record
			a.log.Info("provider started", "provider", address, "version", p.Version, "checksum", p.Checksum,
				"environment", p.Environment, "account", p.Account, "requests_per_second", p.Rate)
		}
	}
	return s, diags
}

// connect starts, configures and connects every provider that is used.
func connect(ctx context.Context, cfg *config.Config, scope *eval.Scope, o connectOptions) (*session, diag.List) {
	s := &session{config: cfg, scope: scope, providers: make(map[string]*planner.Provider)}
	used := usedProviders(cfg)
	if o.all {
		used = slices.Sorted(maps.Keys(cfg.Providers))
	}
	instances, diags := launch(ctx, cfg, used, o.inherited...)
	if diags.HasErrors() {
		return nil, diags
	}
	schemas := make(map[string]*sdk.Schema)
	for address, i := range instances {
		schemas[address] = i.Schema
		s.bare = append(s.bare, i)
	}
	diags = append(diags, checkOperations(cfg, schemas)...)
	diags = append(diags, checkLists(cfg, schemas)...)
	for _, address := range slices.Sorted(maps.Keys(instances)) {
		if diags.HasErrors() {
			break
		}
		diags = append(diags, s.connect(ctx, cfg.Providers[address], instances[address], o)...)
	}
	if diags.HasErrors() {
		s.close()
		return nil, diags
	}
	return s, diags
}

func (s *session) connect(ctx context.Context, p *config.Provider, i *providers.Instance, o connectOptions) diag.List {
	var overrides map[string]cty.Value
	if endpoint := o.endpoints[p.Address()]; endpoint != "" {
		overrides = rehearsalEndpoints(i.Schema, endpoint)
	}
	values, secrets, diags := s.scope.ProviderConfig(p, i.Schema.Config, overrides)
	rate, inFlight, timeout, more := s.scope.Rate(p, i.Schema.RateLimit)
	if diags = append(diags, more...); diags.HasErrors() {
		return diags
	}
	link, account, err := i.Connect(ctx, host.Configuration{Config: values, MaxInFlight: inFlight, Timeout: timeout}, secrets)
	if err != nil {
		return append(diags, diag.Diagnostic{Summary: "Provider can't be configured", Detail: providerTrouble(err), Subject: &p.Range})
	}
	s.bare = slices.DeleteFunc(s.bare, func(b *providers.Instance) bool { return b == i })
	s.links = append(s.links, link)
	start := time.Now()
	if o.quiet.After(start) {
		start = o.quiet
	}
	s.providers[p.Address()] = &planner.Provider{
		Record: runfile.Provider{
			Address: p.Address(), Name: p.Name, Version: i.Schema.Version, Checksum: i.Program.Checksum,
			Account: account.Name, Environment: account.Environment, Fingerprint: account.Fingerprint,
			Rate: rate.RequestsPerSecond, Burst: rate.Burst, MaxInFlight: inFlight,
		},
		Instance: i,
		Schema:   i.Schema,
		Events:   link.Events,
		Line: dispatch.NewLine(dispatch.Settings{
			Name: p.Address(), Rate: rate, MaxInFlight: inFlight, Timeout: timeout, Authenticates: i.Schema.Authenticates, Patience: o.patience, Schema: i.Schema,
		}, link, start),
	}
	return diags
}

// noise is an event for each provider of which more was printed than is kept.
func (s *session) noise(now time.Time) (events []plan.Event) {
	for _, address := range slices.Sorted(maps.Keys(s.providers)) {
		if n := s.providers[address].Instance.Dropped(); n > 0 {
			events = append(events, plan.Event{At: now, Kind: "output_dropped",
				Detail: fmt.Sprintf("%s: it printed %.1f MB more than the end that is kept; they were dropped", address, float64(n)/1e6)})
		}
	}
	return events
}

// rehearsalEndpoints turns each of a provider's endpoints to its simulator:
// one that a file sets and a rehearsal left alone would get its credentials.
func rehearsalEndpoints(s *sdk.Schema, endpoint string) map[string]cty.Value {
	overrides := map[string]cty.Value{"endpoint": cty.StringVal(endpoint)}
	for _, a := range s.Config {
		if strings.HasSuffix(a.Name, "_endpoint") {
			overrides[a.Name] = cty.StringVal(endpoint)
		}
	}
	return overrides
}

// providerTrouble says what a provider process did wrong, and what it printed
// of it.
func providerTrouble(err error) string {
	var e *providers.Error
	if !errors.As(err, &e) {
		return sentence(err.Error())
	}
	s := fmt.Sprintf("Provider %q: %s.", e.Provider, strings.TrimSuffix(e.Detail, "."))
	if e.Printed != "" {
		s += " It printed:\n\n    " + strings.ReplaceAll(e.Printed, "\n", "\n    ")
	}
	return s
}

// sentence makes a sentence of an error. A first word that is a name, such as
// a file's, stays as it is.
func sentence(s string) string {
	if s == "" || strings.HasSuffix(s, ".") || strings.Contains(s, "\n") {
		return s
	}
	first, _, _ := strings.Cut(s, " ")
	if strings.Trim(first, "abcdefghijklmnopqrstuvwxyz") == "" {
		s = strings.ToUpper(s[:1]) + s[1:]
	}
	return s + "."
}
