package sdk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"
)

// SchemaOf derives a provider's schema, as the runner will see it. Every
// provider has a test that calls it.
func SchemaOf[Config, Client any](p Provider[Config, Client]) (*Schema, error) {
	s, err := derive(p)
	if err == nil {
		err = s.Validate()
	}
	if err != nil {
		return nil, fmt.Errorf("schema of provider %q: %w. This is a bug in the %s provider", p.Name, err, p.Name)
	}
	return s, nil
}

func derive[Config, Client any](p Provider[Config, Client]) (*Schema, error) {
	s := &Schema{
		Name: p.Name, Version: p.Version, Doc: p.Doc, RateLimit: p.RateLimit,
		Authenticates: p.Authenticate != nil, Simulates: p.Simulator != nil,
	}
	switch {
	case p.Configure == nil:
		return nil, errors.New("it has no Configure")
	case p.Account == nil:
		return nil, errors.New("it has no Account")
	case p.Simulator != nil && p.Simulator.New == nil:
		return nil, errors.New("its simulator has no New")
	}
	if p.Simulator != nil {
		s.Faults = p.Simulator.Faults
	}
	var err error
	if s.Config, err = attributesOf(reflect.TypeFor[Config](), false); err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	for _, o := range p.Operations {
		os, err := o.schema()
		if err != nil {
			return nil, err
		}
		s.Operations = append(s.Operations, os)
	}
	for _, l := range p.Lists {
		ls, err := l.schema()
		if err != nil {
			return nil, err
		}
		s.Lists = append(s.Lists, ls)
	}
	return s, nil
}

// A backend is a provider without its types, which is all that the wire needs.
type backend interface {
	configure(config json.RawMessage, s Setup) (Account, error)
	operation(name string) (backendOperation, bool)
	list(name string) (backendList, bool)
	authenticate(ctx context.Context) (expires time.Time, err error)
	simulation(config json.RawMessage) (Simulation, error)
}

// A backendOperation is an operation bound to the configured client.
type backendOperation interface {
	check(arguments json.RawMessage) error
	read(ctx context.Context, arguments json.RawMessage) (any, Settled, error)
	execute(ctx context.Context, arguments json.RawMessage) (any, error)
}

// A backendList is a list bound to the configured client.
type backendList interface {
	page(ctx context.Context, filter json.RawMessage, cursor string) (rawPage, error)
}

// An instance is the backend of a Provider. It is configured before it is
// called, and only once, so calls need no lock.
type instance[Config, Client any] struct {
	provider Provider[Config, Client]
	client   Client
	names    map[string]int
	lists    map[string]int
}

func newInstance[Config, Client any](p Provider[Config, Client], s *Schema) *instance[Config, Client] {
	names := make(map[string]int, len(s.Operations))
	for i := range s.Operations {
		names[s.Operations[i].Name] = i
	}
	lists := make(map[string]int, len(s.Lists))
	for i := range s.Lists {
		lists[s.Lists[i].Name] = i
	}
	return &instance[Config, Client]{provider: p, names: names, lists: lists}
}

func (i *instance[Config, Client]) configure(raw json.RawMessage, s Setup) (Account, error) {
	c, err := decodeStrict[Config](raw)
	if err != nil {
		return Account{}, err
	}
	a := i.provider.Account(c)
	if !slices.Contains([]string{"live", "sandbox", "other"}, a.Environment) {
		return Account{}, fmt.Errorf("the account's environment is neither live, sandbox nor other. This is a bug in the %s provider", i.provider.Name)
	}
	client, err := i.provider.Configure(c, s)
	if err != nil {
		return Account{}, err
	}
	i.client = client
	return a, nil
}

func (i *instance[Config, Client]) operation(name string) (backendOperation, bool) {
	n, ok := i.names[name]
	if !ok {
		return nil, false
	}
	return bound[Config, Client]{i, i.provider.Operations[n]}, true
}

func (i *instance[Config, Client]) list(name string) (backendList, bool) {
	n, ok := i.lists[name]
	if !ok {
		return nil, false
	}
	return boundList[Config, Client]{i, i.provider.Lists[n]}, true
}

func (i *instance[Config, Client]) authenticate(ctx context.Context) (time.Time, error) {
	if i.provider.Authenticate == nil {
		return time.Time{}, FatalNoEffect("no_authentication", "the provider's credentials can't be renewed")
	}
	return i.provider.Authenticate(i.client, ctx)
}

func (i *instance[Config, Client]) simulation(raw json.RawMessage) (Simulation, error) {
	if i.provider.Simulator == nil {
		return nil, fmt.Errorf("the %s provider has no simulator", i.provider.Name)
	}
	c, err := decodeStrict[Config](raw)
	if err != nil {
		return nil, err
	}
	return i.provider.Simulator.New(c), nil
}

type bound[Config, Client any] struct {
	i *instance[Config, Client]
	o Operation[Client]
}

func (b bound[Config, Client]) check(a json.RawMessage) error { return b.o.check(a) }

func (b bound[Config, Client]) read(ctx context.Context, a json.RawMessage) (any, Settled, error) {
	return b.o.read(ctx, b.i.client, a)
}

func (b bound[Config, Client]) execute(ctx context.Context, a json.RawMessage) (any, error) {
	return b.o.execute(ctx, b.i.client, a)
}

type boundList[Config, Client any] struct {
	i *instance[Config, Client]
	l Listing[Client]
}

func (b boundList[Config, Client]) page(ctx context.Context, filter json.RawMessage, cursor string) (rawPage, error) {
	return b.l.page(ctx, b.i.client, filter, cursor)
}
