package providertest

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/host"
)

func schemaUsable(s *suite, v *verdict) {
	v.held++
	p, err := s.start()
	if err != nil {
		v.wrong("%s", err)
		return
	}
	defer p.kill()
	ctx, cancel := s.unary()
	defer cancel()
	if s.schema, err = p.client.Schema(ctx); err != nil {
		v.wrong("%s", err)
		return
	}
	if len(s.schema.Operations) == 0 {
		v.wrong("the provider has no operations")
	}
	if s.schema.RateLimit.RequestsPerSecond <= 0 || s.schema.RateLimit.MaxInFlight <= 0 {
		v.wrong("the rate limit is not set: requests a second and requests in flight must be above 0")
	}
	if err := s.inventConfig(); err != nil {
		v.wrong("%s", err)
	}
	for _, x := range s.Samples {
		if _, ok := s.schema.Operation(x.Operation); !ok {
			v.wrong("a sample is for the operation %q, which the provider doesn't have", x.Operation)
		}
	}
}

func documented(s *suite, v *verdict) {
	v.held++
	attributes := func(of string, list []sdk.Attribute) {
		for _, a := range list {
			if strings.TrimSpace(a.Doc) == "" {
				v.wrong("%s: the attribute %s has no documentation", of, a.Name)
			}
		}
	}
	if strings.TrimSpace(s.schema.Doc) == "" {
		v.wrong("the provider has no documentation")
	}
	if s.schema.RateLimit.Source == "" {
		v.wrong("the rate limit doesn't say where its figure comes from, or that it is a guess")
	}
	attributes("provider block", s.schema.Config)
	for _, o := range s.schema.Operations {
		if strings.TrimSpace(o.Doc) == "" {
			v.wrong("the operation %s has no documentation", o.Name)
		}
		attributes("arguments of "+o.Name, o.Arguments)
		attributes("live state of "+o.Name, o.Live)
		attributes("result of "+o.Name, o.Result)
	}
	for _, l := range s.schema.Lists {
		if strings.TrimSpace(l.Doc) == "" {
			v.wrong("the list %s has no documentation", l.Name)
		}
		attributes("filter of "+l.Name, l.Filter)
		attributes("rows of "+l.Name, l.Row)
	}
	for _, f := range s.schema.Faults {
		if strings.TrimSpace(f.Doc) == "" {
			v.wrong("the fault %s has no documentation", f.Name)
		}
	}
}

func simulates(s *suite, v *verdict) {
	v.held++
	i := slices.IndexFunc(s.schema.Config, func(a sdk.Attribute) bool { return a.Name == "endpoint" })
	switch {
	case !s.schema.Simulates:
		v.wrong("the provider has no simulator")
		return
	case i < 0 || string(s.schema.Config[i].Type) != `"string"`:
		v.wrong("the provider block has no attribute endpoint, a string, that could lead to the simulator")
		return
	}
	if err := s.raise(); err != nil {
		v.wrong("%s", err)
	}
}

func configures(s *suite, v *verdict) {
	v.held++
	listening, err := newRelay(s.stage.endpoint)
	if err != nil {
		v.wrong("%s", err)
		return
	}
	defer listening.close()
	var accounts []sdk.Account
	for range 2 {
		p, err := s.start()
		if err != nil {
			v.wrong("%s", err)
			return
		}
		account, err := s.configure(p, s.configAt(listening.Endpoint))
		if err != nil {
			v.wrong("it refuses the configuration: %s%s", err, p.errors.quote())
		}
		p.kill()
		accounts = append(accounts, account)
	}
	if dials, _, _ := listening.count(); dials > 0 {
		v.wrong("configuring makes %d connections: it may use no network", dials)
	}
	if accounts[0] != accounts[1] {
		v.wrong("the same configuration stands for two accounts: %+v and %+v", accounts[0], accounts[1])
	}
	if accounts[0].Environment != "other" && len(v.problems) == 0 {
		v.wrong("with an endpoint of one's own the environment is %q: it must be \"other\", so that no rehearsal is taken for the real thing", accounts[0].Environment)
	}
	if accounts[0].Name == "" && accounts[0].Fingerprint == "" && len(v.problems) == 0 {
		v.wrong("the account has neither a name nor a fingerprint: a plan can't be pinned to it")
	}
}

func refusesConfiguration(s *suite, v *verdict) {
	v.held++
	p, err := s.start()
	if err != nil {
		v.wrong("%s", err)
		return
	}
	defer p.kill()
	try := func(what string, change func(map[string]any)) {
		config := s.configAt(s.relay.Endpoint)
		change(config)
		_, err := s.configure(p, config)
		var problem host.Problem
		switch {
		case err == nil:
			v.wrong("%s is accepted", what)
			// A provider is configured once.
			p.kill()
			if p, err = s.start(); err != nil {
				v.wrong("%s", err)
			}
		case !errors.As(err, &problem):
			v.wrong("%s is not refused with a reason: %s", what, err)
		case strings.TrimSpace(string(problem)) == "":
			v.wrong("%s is refused without a reason", what)
		case s.planted.in(string(problem)):
			v.wrong("%s is refused with a reason that shows a sensitive value", what)
		}
	}
	try("an attribute that the schema doesn't have", func(c map[string]any) { c["no_such_attribute"] = "x" })
	try("http:// to another machine", func(c map[string]any) { c["endpoint"] = "http://api.conformance.invalid" })
	try("an endpoint that is no URL", func(c map[string]any) { c["endpoint"] = "::not a url::" })
	for _, a := range s.schema.Config {
		if text, ok := s.config[a.Name].(string); ok && a.Sensitive {
			try("a list for "+a.Name, func(c map[string]any) { c[a.Name] = []string{text} })
		}
	}
}

func checks(s *suite, v *verdict) {
	dials, requests, _ := s.relay.count()
	s.each(v, nil, func(it item) {
		var arguments map[string]any
		_ = json.Unmarshal(it.arguments, &arguments)
		arguments["no_such_argument"] = "planted-in-an-argument"
		s.planted.add("planted-in-an-argument")
		raw, _ := json.Marshal(arguments)
		problem, err := s.check(it.op, raw)
		switch {
		case err != nil:
			v.wrong("%s", err)
		case problem == "":
			v.wrong("operation %s: an argument that it doesn't have is accepted", it.op.Name)
		case s.planted.in(problem):
			v.wrong("operation %s: bad arguments are refused with a reason that shows a sensitive value", it.op.Name)
		}
	})
	if d, r, _ := s.relay.count(); d != dials || r != requests {
		v.wrong("checking arguments uses the network")
	}
}
