package telemetry

import (
	"context"
	"sort"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/time/rate"

	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/runfile"
)

const (
	// spansPerSecond is how many requests have a span of their own: so many of
	// those that were done, and so many of the others.
	spansPerSecond = 10

	// mostKinds bounds the memory for kinds of requests.
	mostKinds = 1000
)

// requests chooses those that have a span.
type requests struct {
	done, other *rate.Limiter
	kinds       map[kind]metric.MeasurementOption
}

// A kind is what requests are counted by.
type kind struct{ operation, verb, outcome string }

// Committed tells of what was just made durable: its requests and its events.
// It belongs to the goroutine that commits.
func (t *Telemetry) Committed(b runfile.Batch) {
	if t == nil {
		return
	}
	if t.requests.done == nil {
		t.requests = requests{rate.NewLimiter(spansPerSecond, spansPerSecond), rate.NewLimiter(spansPerSecond, spansPerSecond), make(map[kind]metric.MeasurementOption)}
	}
	for i := range b.Requests {
		t.request(&b.Requests[i])
	}
	for _, e := range b.Events {
		// The detail names no item but in a stop, whose rule is told by its kind.
		t.span.AddEvent(e.Kind, trace.WithTimestamp(e.At))
		if t.instruments != nil {
			t.instruments.events.Add(context.Background(), 1, metric.WithAttributes(attribute.String("runner.event", e.Kind)))
		}
	}
}

func (t *Telemetry) request(r *plan.Request) {
	op := t.of(r.Item)
	address := ""
	if op != nil {
		address = op.address
	}
	took := time.Duration(0)
	if sent := !r.SentAt.IsZero(); sent && r.SettledAt.After(r.SentAt) {
		took = r.SettledAt.Sub(r.SentAt)
	}
	if t.instruments != nil {
		of := t.attributes(kind{address, r.Verb, r.Outcome})
		t.instruments.requests.Add(context.Background(), 1, of)
		if took > 0 {
			t.instruments.duration.Record(context.Background(), took.Seconds(), of)
		}
	}
	if took == 0 || t.traces == nil {
		return
	}
	ctx := t.ctx
	if op != nil {
		t.mu.Lock()
		t.start(op, r.SentAt)
		ctx = trace.ContextWithSpan(ctx, op.span)
		t.mu.Unlock()
	}
	limiter := t.requests.other
	if r.Outcome == "done" {
		limiter = t.requests.done
	}
	if !limiter.Allow() {
		return
	}
	_, span := t.tracer.Start(ctx, r.Verb, trace.WithTimestamp(r.SentAt), trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
		attribute.String("runner.verb", r.Verb), attribute.String("runner.outcome", r.Outcome), attribute.Int64("runner.item", r.Item)))
	if r.Outcome != "done" {
		span.SetStatus(codes.Error, r.Outcome)
	}
	span.End(trace.WithTimestamp(r.SettledAt))
}

// of is the operation of an item, nil for authentication.
func (t *Telemetry) of(item int64) *operation {
	i := sort.Search(len(t.order), func(i int) bool { return t.order[i].first > item })
	if item == 0 || i == 0 {
		return nil
	}
	return t.order[i-1]
}

// attributes are those of a kind of request, made once.
func (t *Telemetry) attributes(k kind) metric.MeasurementOption {
	of, ok := t.requests.kinds[k]
	if !ok {
		of = metric.WithAttributeSet(attribute.NewSet(attribute.String("runner.operation", k.operation), attribute.String("runner.verb", k.verb), attribute.String("runner.outcome", k.outcome)))
		if len(t.requests.kinds) < mostKinds {
			t.requests.kinds[k] = of
		}
	}
	return of
}

// instruments are the metrics.
type instruments struct {
	requests metric.Int64Counter
	events   metric.Int64Counter
	duration metric.Float64Histogram
	waits    metric.Float64Counter
}

func newInstruments(t *Telemetry) (*instruments, error) {
	m := t.metrics.Meter(scope)
	i := &instruments{}
	var items, inFlight metric.Int64ObservableGauge
	for _, make := range []func() error{
		func() (err error) {
			i.requests, err = m.Int64Counter("runner.requests", metric.WithUnit("{request}"), metric.WithDescription("Requests that were answered or given up."))
			return err
		},
		func() (err error) {
			i.events, err = m.Int64Counter("runner.events", metric.WithUnit("{event}"), metric.WithDescription("What happened to the run, such as a pause that the API asked for."))
			return err
		},
		func() (err error) {
			// From a local answer to one that only a timeout ends.
			i.duration, err = m.Float64Histogram("runner.request.duration", metric.WithUnit("s"), metric.WithDescription("From the dispatch of a request to its outcome."),
				metric.WithExplicitBucketBoundaries(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60))
			return err
		},
		func() (err error) {
			i.waits, err = m.Float64Counter("runner.wait.time", metric.WithUnit("s"), metric.WithDescription("How long an operation waited for its provider."))
			return err
		},
		func() (err error) {
			items, err = m.Int64ObservableGauge("runner.items", metric.WithUnit("{item}"), metric.WithDescription("Items that this apply has settled, by state."))
			return err
		},
		func() (err error) {
			inFlight, err = m.Int64ObservableGauge("runner.requests.in_flight", metric.WithUnit("{request}"), metric.WithDescription("Requests on their way."))
			return err
		},
		func() error {
			_, err := m.RegisterCallback(func(_ context.Context, o metric.Observer) error {
				t.mu.Lock()
				defer t.mu.Unlock()
				for _, op := range t.order {
					of := attribute.String("runner.operation", op.address)
					o.ObserveInt64(inFlight, int64(op.now.InFlight), metric.WithAttributes(of))
					for s, n := range op.now.Settled {
						o.ObserveInt64(items, n, metric.WithAttributes(of, attribute.String("runner.state", s.String())))
					}
				}
				return nil
			}, items, inFlight)
			return err
		},
	} {
		if err := make(); err != nil {
			return nil, err
		}
	}
	return i, nil
}

// waited counts time in which an operation waited.
func (i *instruments) waited(op *operation, d time.Duration) {
	i.waits.Add(context.Background(), d.Seconds(), metric.WithAttributes(attribute.String("runner.operation", op.address)))
}
