package telemetry

import (
	"context"

	"go.opentelemetry.io/otel/trace"
	"go.temporal.io/sdk/contrib/opentelemetry"
	"go.temporal.io/sdk/interceptor"
)

// Under is a context in which what is told belongs to the command.
func (t *Telemetry) Under(ctx context.Context) context.Context {
	if t == nil {
		return ctx
	}
	return trace.ContextWithSpan(ctx, t.span)
}

// Interceptors carry the trace of a command over to the workers of a run that
// is handed over, and tell of its workflows and activities; none where traces
// are off.
func (t *Telemetry) Interceptors() []interceptor.ClientInterceptor {
	if t == nil || t.traces == nil {
		return nil
	}
	i, err := opentelemetry.NewTracingInterceptor(opentelemetry.TracerOptions{Tracer: t.tracer})
	if err != nil {
		t.failed(err)
		return nil
	}
	return []interceptor.ClientInterceptor{i}
}
