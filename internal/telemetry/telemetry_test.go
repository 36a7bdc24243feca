package telemetry

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	collectortraces "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/bulkrunner/runner/internal/engine"
	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/runfile"
)

func TestWanted(t *testing.T) {
	const endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT"
	for name, c := range map[string]struct {
		env             map[string]string
		traces, metrics string
		says            string
	}{
		"nothing":          {},
		"endpoint":         {map[string]string{endpoint: "http://x"}, overHTTP, overHTTP, ""},
		"one's endpoint":   {map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://x"}, overHTTP, "", ""},
		"exporter":         {map[string]string{"OTEL_METRICS_EXPORTER": "otlp"}, "", overHTTP, ""},
		"none":             {map[string]string{endpoint: "http://x", "OTEL_TRACES_EXPORTER": "none"}, "", overHTTP, ""},
		"disabled":         {map[string]string{endpoint: "http://x", "OTEL_SDK_DISABLED": "TRUE"}, "", "", ""},
		"unknown exporter": {map[string]string{endpoint: "http://x", "OTEL_TRACES_EXPORTER": "zipkin"}, "", overHTTP, "zipkin"},
		"gRPC":             {map[string]string{endpoint: "http://x", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, overGRPC, overGRPC, ""},
		"JSON":             {map[string]string{endpoint: "http://x", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"}, "", "", "http/json"},
		"one's own":        {map[string]string{endpoint: "http://x", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL": "http/protobuf"}, overGRPC, overHTTP, ""},
	} {
		t.Run(name, func(t *testing.T) {
			for k, v := range c.env {
				t.Setenv(k, v)
			}
			traces, err := wanted("TRACES")
			metrics, more := wanted("METRICS")
			said := fmt.Sprint(err, more)
			if traces != c.traces || metrics != c.metrics || (c.says == "") != (err == nil && more == nil) || !strings.Contains(said, c.says) {
				t.Errorf("traces %q, metrics %q, %s", traces, metrics, said)
			}
		})
	}
}

// TestOffIsNothing: what is off can be told anything.
func TestOffIsNothing(t *testing.T) {
	off, err := Start("plan", "0.1.0", time.Now())
	if off != nil || err != nil {
		t.Fatal(off, err)
	}
	off.Of("r1")
	off.Planned("planned", []plan.Operation{{Address: "operation.x.y"}})
	off.Committed(batch(1))
	if err := off.Close(0); err != nil {
		t.Error(err)
	}
}

// batch is an answer to an item's request.
func batch(item int64) runfile.Batch {
	at := time.Now()
	return runfile.Batch{Requests: []plan.Request{{Item: item, Verb: "execute", Outcome: "done", SentAt: at.Add(-time.Millisecond), SettledAt: at, Code: "CODE", Message: "MESSAGE"}}}
}

const many = 100_000

func told(t *testing.T, endpoint string) *Telemetry {
	t.Helper()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
	tel, err := Start("apply", "0.1.0", time.Now())
	if err != nil || tel == nil {
		t.Fatal(tel, err)
	}
	op := plan.Operation{ID: 1, Address: "operation.x.y", Provider: "provider.x"}
	a := tel.Apply([]Operation{{Operation: op, First: 1, Total: many}})
	a.Started("r1", many)
	for i := range int64(many) {
		tel.Committed(batch(i + 1))
		if i%1000 == 0 {
			a.Progress([]engine.Progress{{Operation: &op, Settled: plan.Counts{plan.Succeeded: i}, Requests: i, Waiting: "it"}})
		}
	}
	a.Finished("finished", map[string]int64{"succeeded": many})
	return tel
}

// TestRequestSpansAreFew: of a run of any length a few requests a second have a span.
func TestRequestSpansAreFew(t *testing.T) {
	var spans atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := io.Reader(r.Body)
		if r.Header.Get("Content-Encoding") == "gzip" {
			body, _ = gzip.NewReader(body)
		}
		b, _ := io.ReadAll(body)
		if strings.Contains(string(b), "MESSAGE") || strings.Contains(string(b), "CODE") {
			t.Error("it tells what the API said")
		}
		if r.URL.Path != "/v1/traces" {
			return
		}
		var m collectortraces.ExportTraceServiceRequest
		if err := proto.Unmarshal(b, &m); err != nil {
			t.Error(err)
		}
		for _, r := range m.ResourceSpans {
			for _, s := range r.ScopeSpans {
				spans.Add(int64(len(s.Spans)))
			}
		}
	}))
	defer server.Close()
	began := time.Now()
	tel := told(t, server.URL)
	most := int64(2 + spansPerSecond + spansPerSecond*time.Since(began).Seconds() + 1)
	if err := tel.Close(0); err != nil {
		t.Fatal(err)
	}
	if n := spans.Load(); n < 2+spansPerSecond || n > most {
		t.Errorf("%d spans, at most %d were expected", n, most)
	}
}

// TestNobodyWaits: a collector that never answers costs the end of a command
// two seconds, and what comes before nothing.
func TestNobodyWaits(t *testing.T) {
	for _, protocol := range []string{overHTTP, overGRPC} {
		t.Run(protocol, func(t *testing.T) { nobodyWaits(t, protocol) })
	}
}

func nobodyWaits(t *testing.T, protocol string) {
	t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
	over := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-over }))
	defer server.Close()
	defer close(over)
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "1")
	t.Setenv("OTEL_METRIC_EXPORT_INTERVAL", "1")
	began := time.Now()
	tel := told(t, server.URL)
	took := time.Since(began)
	began = time.Now()
	err := tel.Close(0)
	if closing := time.Since(began); closing > flushWait+time.Second || err == nil || err.Error() != "the collector didn't answer within 2s" {
		t.Errorf("its end took %s: %v", closing, err)
	}
	if took > many*100*time.Microsecond {
		t.Errorf("%d requests took %s", many, took)
	}
	t.Logf("%s a request", took/many)
}

// TestTroubleHasNoPassword: an address with a password isn't repeated.
func TestTroubleHasNoPassword(t *testing.T) {
	for _, protocol := range []string{overHTTP, overGRPC} {
		t.Run(protocol, func(t *testing.T) { troubleHasNoPassword(t, protocol) })
	}
}

func troubleHasNoPassword(t *testing.T, protocol string) {
	t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://somebody:PASSWORD@127.0.0.1:1")
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=PASSWORD")
	tel, err := Start("plan", "0.1.0", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := tel.Close(0); err == nil || strings.Contains(err.Error(), "PASSWORD") {
		t.Errorf("it says %v", err)
	}
}
