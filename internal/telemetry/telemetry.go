// Package telemetry tells OpenTelemetry collectors what a command does: a span
// for the run and for each operation, spans of some requests, and metrics. It
// is off unless the environment asks for it with OTEL_ variables, and a nil
// [*Telemetry] is one that is off.
//
// Nobody waits for a collector: what it doesn't take is dropped, and the end of
// a command waits two seconds for it at most. No key, argument, amount or
// secret of an item is told; docs/telemetry.md lists all that is.
package telemetry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// flushWait is how long the end of a command waits for collectors.
const flushWait = 2 * time.Second

// scope names what the spans and metrics come from.
const scope = "github.com/bulkrunner/runner"

// A Telemetry is what is told of one command.
type Telemetry struct {
	traces  *sdktrace.TracerProvider // nil where traces are off
	metrics *sdkmetric.MeterProvider // nil where metrics are off
	tracer  trace.Tracer
	span    trace.Span // of the command
	ctx     context.Context

	instruments *instruments
	requests    requests
	planning    []planning // of the goroutine that plans

	mu         sync.Mutex
	operations map[string]*operation
	order      []*operation
	trouble    error // the last that an exporter had
}

// Start begins to tell of a command that began at a time, if the environment
// asks for it. It returns nil where it doesn't.
func Start(command, version string, began time.Time) (*Telemetry, error) {
	traces, err := wanted("TRACES")
	metrics, more := wanted("METRICS")
	if err == nil || more != nil && more.Error() == err.Error() {
		err = more // once is enough
	} else if more != nil {
		err = fmt.Errorf("%w; %w", err, more)
	}
	if traces == "" && metrics == "" {
		return nil, err
	}
	t := &Telemetry{operations: make(map[string]*operation)}
	// The library's own words go nowhere else.
	otel.SetLogger(logr.Discard())
	otel.SetErrorHandler(otel.ErrorHandlerFunc(t.failed))
	ctx := context.Background()
	about, _ := resource.New(ctx, resource.WithTelemetrySDK(),
		resource.WithAttributes(attribute.String("service.name", "runner"), attribute.String("service.version", version)), resource.WithFromEnv())
	if traces != "" {
		exporter, more := traceExporter(ctx, traces)
		if more != nil {
			return nil, more
		}
		t.traces = sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(about))
		t.tracer = t.traces.Tracer(scope, trace.WithInstrumentationVersion(version))
	} else {
		t.tracer = noTraces()
	}
	if metrics != "" {
		exporter, more := metricExporter(ctx, metrics)
		if more != nil {
			return nil, more
		}
		t.metrics = sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewPeriodicReader(exporter)), sdkmetric.WithResource(about))
		if t.instruments, more = newInstruments(t); more != nil {
			return nil, more
		}
	}
	// Whoever starts the runner may hand on a trace, as CI systems do.
	parent := propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{"traceparent": os.Getenv("TRACEPARENT"), "tracestate": os.Getenv("TRACESTATE")})
	t.ctx, t.span = t.tracer.Start(parent, "runner "+command, trace.WithTimestamp(began))
	return t, err
}

// failed is told of what an exporter can't do.
func (t *Telemetry) failed(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.trouble = err
}

// Of names the run.
func (t *Telemetry) Of(run string) {
	if t != nil {
		t.span.SetAttributes(attribute.String("runner.run.id", run))
	}
}

// Close ends what is told of a command with its exit code, and waits a moment
// until collectors have it. The error says why they may not.
func (t *Telemetry) Close(code int) error {
	if t == nil {
		return nil
	}
	t.closePlanning()
	t.mu.Lock()
	for _, op := range t.order {
		op.end(time.Now())
	}
	t.mu.Unlock()
	t.span.SetAttributes(attribute.Int("process.exit.code", code))
	if code != 0 && code != 2 {
		t.span.SetStatus(codes.Error, fmt.Sprintf("exit %d", code))
	}
	t.span.End()
	ctx, cancel := context.WithTimeout(context.Background(), flushWait)
	defer cancel()
	ends := []func(context.Context) error{}
	if t.traces != nil {
		ends = append(ends, t.traces.Shutdown)
	}
	if t.metrics != nil {
		ends = append(ends, t.metrics.Shutdown)
	}
	errs := make(chan error, len(ends))
	for _, end := range ends {
		go func() { errs <- end(ctx) }()
	}
	var err error
	for range ends {
		select {
		case e := <-errs:
			err = cmp.Or(err, e)
		case <-ctx.Done():
			return fmt.Errorf("the collector didn't answer within %s", flushWait)
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if err == nil {
		err = t.trouble
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("the collector didn't answer within %s", flushWait)
	}
	return err
}
