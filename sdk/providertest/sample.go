package providertest

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/bulkrunner/runner/sdk"
)

// Overrides are what stands in BINARY.samples.json beside a program, for who
// tests it from outside.
type Overrides struct {
	Config  map[string]any `json:"config,omitempty"`
	Samples []Sample       `json:"samples,omitempty"`
}

// ReadOverrides reads the overrides beside a program. None is no error.
func ReadOverrides(binary string) (o Overrides, err error) {
	path := strings.TrimSuffix(binary, ".exe") + ".samples.json"
	f, err := os.Open(path)
	if os.IsNotExist(err) {
		return o, nil
	}
	if err != nil {
		return o, fmt.Errorf("read samples: %w", err)
	}
	defer f.Close()
	d := json.NewDecoder(f)
	d.DisallowUnknownFields()
	d.UseNumber() // an amount keeps its digits
	if err := d.Decode(&o); err != nil {
		return o, fmt.Errorf("read samples %s: %w", path, err)
	}
	return o, nil
}

// An item is one sample, made and seeded.
type item struct {
	op        *sdk.OperationSchema
	arguments json.RawMessage
}

// make makes an item of an operation and seeds the simulator with it. With
// everything, its sensitive attributes that aren't required are there too,
// where the provider accepts that.
func (s *suite) make(op *sdk.OperationSchema, everything bool) (item, error) {
	s.number++
	given, state := s.sample(op.Name)
	arguments := map[string]any{}
	for _, a := range op.Arguments {
		if value, ok := given[a.Name]; ok {
			arguments[a.Name] = numbered(value, s.number)
			if text, ok := arguments[a.Name].(string); ok && a.Sensitive {
				s.planted.add(text)
			}
			continue
		}
		if !a.Required && !(everything && a.Sensitive) {
			continue
		}
		value, err := s.invent(a)
		if err != nil {
			return item{}, fmt.Errorf("operation %s: %w", op.Name, err)
		}
		arguments[a.Name] = value
	}
	for name := range given {
		if !slices.ContainsFunc(op.Arguments, func(a sdk.Attribute) bool { return a.Name == name }) {
			return item{}, fmt.Errorf("operation %s: its sample has the argument %q, which the operation doesn't have", op.Name, name)
		}
	}
	raw, err := json.Marshal(arguments)
	if err != nil {
		return item{}, fmt.Errorf("operation %s: write its sample as JSON: %w", op.Name, err)
	}
	problem, err := s.check(op, raw)
	switch {
	case err != nil:
		return item{}, err
	case problem != "" && everything:
		return s.make(op, false)
	case problem != "":
		return item{}, fmt.Errorf("operation %s: the provider refuses the sample %s: %s. Give a sample of your own", op.Name, raw, problem)
	}
	return item{op, raw}, s.seed(op, raw, state)
}

func (s *suite) check(op *sdk.OperationSchema, arguments json.RawMessage) (string, error) {
	ctx, cancel := s.unary()
	defer cancel()
	problems, err := s.stage.process.client.Check(ctx, op.Name, []json.RawMessage{arguments})
	if err != nil {
		return "", fmt.Errorf("operation %s: %w", op.Name, err)
	}
	s.heard.add("Check of "+op.Name, problems[0])
	return problems[0], nil
}

// sample is the author's own, if there is one.
func (s *suite) sample(operation string) (map[string]any, string) {
	for _, x := range s.Samples {
		if x.Operation == operation {
			return x.Arguments, x.State
		}
	}
	return nil, ""
}

// numbered replaces {n} in every text.
func numbered(value any, n int) any {
	switch v := value.(type) {
	case string:
		return strings.ReplaceAll(v, "{n}", strconv.Itoa(n))
	case map[string]any:
		out := map[string]any{}
		for k, x := range v {
			out[k] = numbered(x, n)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = numbered(x, n)
		}
		return out
	}
	return value
}

// configAt is the configuration for an endpoint, or without one. All that a
// provider may reach leads there, as in a rehearsal.
func (s *suite) configAt(endpoint string) map[string]any {
	out := map[string]any{}
	for name, value := range s.config {
		out[name] = value
	}
	for _, a := range s.schema.Config {
		if a.Name != "endpoint" && !strings.HasSuffix(a.Name, "_endpoint") {
			continue
		}
		delete(out, a.Name)
		if endpoint != "" {
			out[a.Name] = endpoint
		}
	}
	return out
}

// inventConfig makes the provider block: what is required, with planted
// secrets, and what the author says.
func (s *suite) inventConfig() error {
	s.config = map[string]any{}
	for name, value := range s.Config {
		s.config[name] = value
	}
	for _, a := range s.schema.Config {
		value, given := s.config[a.Name]
		if text, ok := value.(string); ok && a.Sensitive {
			s.planted.add(text)
		}
		if given || !a.Required || a.Name == "endpoint" || strings.HasSuffix(a.Name, "_endpoint") {
			continue
		}
		value, err := s.invent(a)
		if err != nil {
			return fmt.Errorf("provider block: %w", err)
		}
		s.config[a.Name] = value
	}
	return nil
}
