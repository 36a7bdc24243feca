package main

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	collectormetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	collectortraces "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	metrics "go.opentelemetry.io/proto/otlp/metrics/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
)

// A collector takes what OTLP brings it over HTTP or gRPC, and tells it as
// lines:
//
//	span NAME of PARENT [STATUS] KEY=VALUE…
//	event NAME in SPAN
//	metric NAME VALUE KEY=VALUE…
//	resource KEY=VALUE…
type collector struct {
	mu    sync.Mutex
	spans map[string]string // names by id
	lines []func() string   // told when all names are known
}

type collectorKey struct{}

// collect starts a collector and sets $COLLECTOR to its address: one that takes
// what it gets, one that does so over gRPC, or one that never answers.
func collect(ts *testscript.TestScript, _ bool, args []string) {
	c := &collector{spans: map[string]string{}}
	*ts.Value(collectorKey{}).(**collector) = c
	if len(args) > 0 && args[0] == "grpc" {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		ts.Check(err)
		server := grpc.NewServer()
		collectortraces.RegisterTraceServiceServer(server, tracesOverGRPC{c: c})
		collectormetrics.RegisterMetricsServiceServer(server, metricsOverGRPC{c: c})
		go server.Serve(listener)
		ts.Defer(server.Stop)
		ts.Setenv("COLLECTOR", "http://"+listener.Addr().String())
		return
	}
	over := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(args) > 0 && args[0] == "hangs" {
			<-over
			return
		}
		c.take(w, r)
	}))
	ts.Defer(func() {
		close(over)
		server.Close()
	})
	ts.Setenv("COLLECTOR", server.URL)
}

type tracesOverGRPC struct {
	collectortraces.UnimplementedTraceServiceServer
	c *collector
}

func (t tracesOverGRPC) Export(_ context.Context, m *collectortraces.ExportTraceServiceRequest) (*collectortraces.ExportTraceServiceResponse, error) {
	t.c.mu.Lock()
	defer t.c.mu.Unlock()
	t.c.traces(m)
	return &collectortraces.ExportTraceServiceResponse{}, nil
}

type metricsOverGRPC struct {
	collectormetrics.UnimplementedMetricsServiceServer
	c *collector
}

func (t metricsOverGRPC) Export(_ context.Context, m *collectormetrics.ExportMetricsServiceRequest) (*collectormetrics.ExportMetricsServiceResponse, error) {
	t.c.mu.Lock()
	defer t.c.mu.Unlock()
	t.c.metrics(m)
	return &collectormetrics.ExportMetricsServiceResponse{}, nil
}

func (c *collector) take(w http.ResponseWriter, r *http.Request) {
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		body, _ = gzip.NewReader(body)
	}
	b, err := io.ReadAll(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch r.URL.Path {
	case "/v1/traces":
		var m collectortraces.ExportTraceServiceRequest
		if err = proto.Unmarshal(b, &m); err == nil {
			c.traces(&m)
		}
	case "/v1/metrics":
		var m collectormetrics.ExportMetricsServiceRequest
		if err = proto.Unmarshal(b, &m); err == nil {
			c.metrics(&m)
		}
	default:
		err = fmt.Errorf("nobody knows %s", r.URL.Path)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
	}
}

func (c *collector) say(format string, args ...any) {
	c.lines = append(c.lines, func() string { return fmt.Sprintf(format, args...) })
}

func attributes(all []*common.KeyValue) string {
	var out []string
	for _, a := range all {
		value := a.Value.GetStringValue()
		switch v := a.Value.Value.(type) {
		case *common.AnyValue_IntValue:
			value = fmt.Sprint(v.IntValue)
		case *common.AnyValue_StringValue:
		default:
			value = a.Value.String()
		}
		out = append(out, a.Key+"="+value)
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

func (c *collector) traces(m *collectortraces.ExportTraceServiceRequest) {
	for _, r := range m.ResourceSpans {
		c.say("resource %s", attributes(r.Resource.Attributes))
		for _, scope := range r.ScopeSpans {
			for _, s := range scope.Spans {
				c.spans[string(s.SpanId)] = s.Name
				took := time.Duration(s.EndTimeUnixNano - s.StartTimeUnixNano)
				if took < 0 || took > time.Hour {
					c.say("span %s took %s", s.Name, took)
				}
				c.lines = append(c.lines, func() string {
					return fmt.Sprintf("span %s of %q [%s] %s", s.Name, c.spans[string(s.ParentSpanId)], strings.TrimPrefix(s.Status.GetCode().String(), "STATUS_CODE_"), attributes(s.Attributes))
				})
				for _, e := range s.Events {
					c.say("event %s in %s %s", e.Name, s.Name, attributes(e.Attributes))
				}
			}
		}
	}
}

func (c *collector) metrics(m *collectormetrics.ExportMetricsServiceRequest) {
	numbers := func(name string, points []*metrics.NumberDataPoint) {
		for _, p := range points {
			c.say("metric %s %v %s", name, max(float64(p.GetAsInt()), p.GetAsDouble()), attributes(p.Attributes))
		}
	}
	for _, r := range m.ResourceMetrics {
		for _, scope := range r.ScopeMetrics {
			for _, m := range scope.Metrics {
				numbers(m.Name, m.GetGauge().GetDataPoints())
				numbers(m.Name, m.GetSum().GetDataPoints())
				for _, p := range m.GetHistogram().GetDataPoints() {
					c.say("metric %s %d times, %v %s in all %s", m.Name, p.Count, p.GetSum() > 0, m.Unit, attributes(p.Attributes))
				}
			}
		}
	}
}

// collected holds what came against a pattern; it begins anew after "reset".
func collected(ts *testscript.TestScript, neg bool, args []string) {
	c := *ts.Value(collectorKey{}).(**collector)
	c.mu.Lock()
	defer c.mu.Unlock()
	if args[0] == "reset" {
		c.lines = nil
		return
	}
	var lines []string
	for _, l := range c.lines {
		lines = append(lines, l())
	}
	text := strings.Join(lines, "\n")
	if regexp.MustCompile("(?m)"+args[0]).MatchString(text) == neg {
		ts.Fatalf("%s: what came is:\n%s", args[0], text)
	}
}
