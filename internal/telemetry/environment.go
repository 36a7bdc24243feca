package telemetry

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"strings"

	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// The protocols of OTLP that are spoken.
const (
	overHTTP = "http/protobuf" // where nothing is said
	overGRPC = "grpc"
)

// wanted tells by which protocol the environment asks for a signal, TRACES or
// METRICS; "" where it doesn't. It does with an exporter or an endpoint; the
// rest of what OTEL_ variables may say is read by the library.
func wanted(signal string) (protocol string, err error) {
	if strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") {
		return "", nil
	}
	exporter := os.Getenv("OTEL_" + signal + "_EXPORTER")
	switch exporter {
	case "none":
		return "", nil
	case "":
		if os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") == "" && os.Getenv("OTEL_EXPORTER_OTLP_"+signal+"_ENDPOINT") == "" {
			return "", nil
		}
	case "otlp":
	default:
		return "", fmt.Errorf("OTEL_%s_EXPORTER is %q: there are otlp and none", signal, exporter)
	}
	protocol = cmp.Or(os.Getenv("OTEL_EXPORTER_OTLP_"+signal+"_PROTOCOL"), os.Getenv("OTEL_EXPORTER_OTLP_PROTOCOL"), overHTTP)
	if protocol != overHTTP && protocol != overGRPC {
		return "", fmt.Errorf("the protocol %q of OTLP is not spoken here: set OTEL_EXPORTER_OTLP_PROTOCOL to %s, for a collector's port 4318 as a rule, or to %s, for its port 4317", protocol, overHTTP, overGRPC)
	}
	return protocol, nil
}

// traceExporter makes what sends traces. It doesn't connect yet.
func traceExporter(ctx context.Context, protocol string) (sdktrace.SpanExporter, error) {
	if protocol == overGRPC {
		return otlptracegrpc.New(ctx)
	}
	return otlptracehttp.New(ctx)
}

// metricExporter makes what sends metrics. It doesn't connect yet.
func metricExporter(ctx context.Context, protocol string) (sdkmetric.Exporter, error) {
	if protocol == overGRPC {
		return otlpmetricgrpc.New(ctx)
	}
	return otlpmetrichttp.New(ctx)
}

func noTraces() trace.Tracer { return noop.NewTracerProvider().Tracer(scope) }
