package sdk

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
)

func (m Mutation[Client, Args, Live, Result]) schema() (OperationSchema, error) {
	s := OperationSchema{
		Name: m.Name, Doc: m.Doc, Kind: KindMutation,
		Reads: m.Read != nil, Settles: m.Settled != nil, SettleAfter: m.SettleAfter,
		GuardedByAPI: m.GuardedByAPI, DefaultGuard: m.DefaultGuard, Repeatable: m.Repeatable, Resend: m.Resend, Keyed: m.Keyed,
	}
	if m.Execute == nil {
		return s, fmt.Errorf("operation %q has no Execute", m.Name)
	}
	var err error
	if s.Arguments, err = attributesOf(reflect.TypeFor[Args](), false); err != nil {
		return s, fmt.Errorf("arguments of operation %q: %w", m.Name, err)
	}
	if m.Read != nil {
		if s.Live, err = attributesOf(reflect.TypeFor[Live](), true); err != nil {
			return s, fmt.Errorf("live state of operation %q: %w", m.Name, err)
		}
	}
	if s.Result, err = attributesOf(reflect.TypeFor[Result](), true); err != nil {
		return s, fmt.Errorf("result of operation %q: %w", m.Name, err)
	}
	return s, nil
}

func (m Mutation[Client, Args, Live, Result]) check(arguments json.RawMessage) error {
	return checkWith(m.Check, arguments)
}

func (m Mutation[Client, Args, Live, Result]) read(ctx context.Context, c Client, arguments json.RawMessage) (any, Settled, error) {
	if m.Read == nil {
		return nil, SettledCantTell, errUnreadable
	}
	a, err := decode[Args](arguments)
	if err != nil {
		return nil, SettledCantTell, undecodable(err)
	}
	live, err := m.Read(c, ctx, a)
	if err != nil {
		return nil, SettledCantTell, err
	}
	if m.Settled == nil {
		return live, SettledCantTell, nil
	}
	return live, m.Settled(a, live), nil
}

func (m Mutation[Client, Args, Live, Result]) execute(ctx context.Context, c Client, arguments json.RawMessage) (any, error) {
	return executeWith(m.Execute, m.Check, ctx, c, arguments)
}

func (q Query[Client, Args, Result]) schema() (OperationSchema, error) {
	s := OperationSchema{Name: q.Name, Doc: q.Doc, Kind: KindQuery, Repeatable: true}
	if q.Execute == nil {
		return s, fmt.Errorf("operation %q has no Execute", q.Name)
	}
	var err error
	if s.Arguments, err = attributesOf(reflect.TypeFor[Args](), false); err != nil {
		return s, fmt.Errorf("arguments of operation %q: %w", q.Name, err)
	}
	if s.Result, err = attributesOf(reflect.TypeFor[Result](), true); err != nil {
		return s, fmt.Errorf("result of operation %q: %w", q.Name, err)
	}
	return s, nil
}

func (q Query[Client, Args, Result]) check(arguments json.RawMessage) error {
	return checkWith(q.Check, arguments)
}

func (q Query[Client, Args, Result]) read(context.Context, Client, json.RawMessage) (any, Settled, error) {
	return nil, SettledCantTell, errUnreadable
}

func (q Query[Client, Args, Result]) execute(ctx context.Context, c Client, arguments json.RawMessage) (any, error) {
	return executeWith(q.Execute, q.Check, ctx, c, arguments)
}

func checkWith[Args any](check func(Args) error, arguments json.RawMessage) error {
	a, err := decodeStrict[Args](arguments)
	if err != nil || check == nil {
		return err
	}
	return check(a)
}

// executeWith checks once more: the arguments of some items are known only just
// before they are executed.
func executeWith[Client, Args, Result any](execute func(Client, context.Context, Args) (Result, error), check func(Args) error, ctx context.Context, c Client, arguments json.RawMessage) (any, error) {
	a, err := decode[Args](arguments)
	if err != nil {
		return nil, undecodable(err)
	}
	if check != nil {
		if err := check(a); err != nil {
			return nil, Refused("invalid_arguments", problemText(err))
		}
	}
	// A typed result beside an error is not an answer.
	r, err := execute(c, ctx, a)
	if err != nil {
		return nil, err
	}
	return r, nil
}

// undecodable refuses arguments before anything was sent, and would again.
func undecodable(err error) error { return Refused("invalid_arguments", err.Error()) }

var errUnreadable = Refused("not_readable", "the API has no request that reads what this operation acts on")
