package host

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/bulkrunner/runner/sdk"
	pb "github.com/bulkrunner/runner/sdk/internal/providerv1"
	"github.com/bulkrunner/runner/sdk/internal/wire"
)

// A stranger is a provider that was not made with the SDK.
type stranger struct {
	pb.UnimplementedProviderServer
	schema   string
	problems []string
}

func (s stranger) GetSchema(context.Context, *pb.GetSchemaRequest) (*pb.GetSchemaResponse, error) {
	return &pb.GetSchemaResponse{Schema: []byte(s.schema)}, nil
}

func (s stranger) Check(context.Context, *pb.CheckRequest) (*pb.CheckResponse, error) {
	return &pb.CheckResponse{Problems: s.problems}, nil
}

func TestHostileSchema(t *testing.T) {
	t.Parallel()
	operation := func(s string) string { return `{"name":"x","version":"1.0.0","operations":[` + s + `]}` }
	tests := map[string]struct{ schema, says string }{
		"not JSON":           {`<html>`, "not the JSON document"},
		"no name":            {`{"version":"1.0.0"}`, "lower-case letters"},
		"name of a path":     {`{"name":"../x","version":"1.0.0"}`, "lower-case letters"},
		"version":            {`{"name":"x","version":"latest"}`, "semantic version"},
		"meta-argument":      {operation(`{"name":"a","kind":"mutation","arguments":[{"name":"for_each","type":"string"}]}`), `"for_each" has the name of a meta-argument`},
		"twice":              {operation(`{"name":"a","kind":"query"},{"name":"a","kind":"query"}`), "twice"},
		"argument twice":     {operation(`{"name":"a","kind":"query","arguments":[{"name":"b","type":"string"},{"name":"b","type":"string"}]}`), "twice"},
		"kind":               {operation(`{"name":"a","kind":"deletion"}`), "neither mutation nor query"},
		"name of the op":     {operation(`{"name":"A-b","kind":"query"}`), "lower_snake_case"},
		"type":               {operation(`{"name":"a","kind":"query","arguments":[{"name":"b","type":"str"}]}`), "cty's notation"},
		"no type":            {operation(`{"name":"a","kind":"query","arguments":[{"name":"b"}]}`), "cty's notation"},
		"deep type":          {operation(`{"name":"a","kind":"query","arguments":[{"name":"b","type":` + strings.Repeat(`["list",`, 1000) + `"string"` + strings.Repeat(`]`, 1000) + `}]}`), "nested too deeply"},
		"pattern":            {operation(`{"name":"a","kind":"query","arguments":[{"name":"b","type":"string","pattern":"("}]}`), "regular expression"},
		"guard of nothing":   {operation(`{"name":"a","kind":"mutation","reads":true,"default_guard":{"attribute":"state","allowed":["x"]}}`), "no attribute of the live state"},
		"settled unread":     {operation(`{"name":"a","kind":"mutation","settles":true}`), "only from a read"},
		"meta-argument conf": {`{"name":"x","version":"1.0.0","config":[{"name":"alias","type":"string"}]}`, "meta-argument"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, stop, err := pipe(func(r grpc.ServiceRegistrar) { pb.RegisterProviderServer(r, stranger{schema: tt.schema}) })
			if err != nil {
				t.Fatal(err)
			}
			defer stop()
			_, err = c.Schema(t.Context())
			if err == nil || !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), "bug in the") {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestStranger(t *testing.T) {
	t.Parallel()
	c, stop, err := pipe(func(r grpc.ServiceRegistrar) {
		pb.RegisterProviderServer(r, stranger{problems: []string{"one"}})
	})
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	if _, err := c.Check(t.Context(), "x", []json.RawMessage{nil, nil}); err == nil {
		t.Error("one judgement was taken for two")
	}
	if _, err := c.Configure(t.Context(), Configuration{}); err == nil || !strings.Contains(err.Error(), "Unimplemented") {
		t.Errorf("%v", err)
	}
	s, err := c.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Receive(); err == nil {
		t.Error("a stream that isn't there gave answers")
	}
}

// FuzzFrame reads whatever bytes may come for a frame of answers.
func FuzzFrame(f *testing.F) {
	for _, frame := range []*pb.CallResponse{
		{},
		{Answers: []*pb.Answer{{}}},
		{Answers: []*pb.Answer{
			{Id: 1, Outcome: pb.Outcome_OUTCOME_DONE, Result: []byte(`{"a":1}`), Requests: 1, SentAt: 5},
			{Outcome: 77, Settled: -3, Code: strings.Repeat("\xff", 500), Reason: strings.Repeat("é", 9000), AfterNanos: -1, Requests: -1},
			{Outcome: pb.Outcome_OUTCOME_NOT_SENT, Requests: 1, NoEffect: true, Live: []byte("[]")},
		}},
	} {
		b, err := proto.Marshal(frame)
		if err == nil {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var frame pb.CallResponse
		if proto.Unmarshal(b, &frame) != nil {
			return
		}
		answers := readFrame(&frame)
		if len(answers) != len(frame.Answers) {
			t.Fatalf("%d answers of %d", len(answers), len(frame.Answers))
		}
		for i, a := range answers {
			believable(t, frame.Answers[i], a)
		}
	})
}

// FuzzPage does the same for a page of a list.
func FuzzPage(f *testing.F) {
	done := &pb.Answer{Outcome: pb.Outcome_OUTCOME_DONE, Requests: 1}
	for _, page := range []*pb.ListResponse{
		{},
		{Answer: done, Rows: [][]byte{[]byte(`{"id":"1"}`)}, Complete: true, Total: 1},
		{Answer: done, Rows: [][]byte{[]byte(`[]`), nil}, NextCursor: "2"},
		{Answer: done, NextCursor: strings.Repeat("x", 5000)},
		{Answer: done, NextCursor: "2", Complete: true, Total: -1},
	} {
		b, err := proto.Marshal(page)
		if err == nil {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var message pb.ListResponse
		if proto.Unmarshal(b, &message) != nil {
			return
		}
		page, a := readPage(&message)
		if message.Answer != nil && a.Code != "malformed_page" {
			believable(t, message.Answer, a)
		}
		switch {
		case a.Outcome != sdk.OutcomeDone && (len(page.Rows) > 0 || page.Next != ""):
			t.Errorf("%v came with a page", a.Outcome)
		case page.Next != "" && page.Complete, len(page.Next) > maxCursor, len(page.Reason) > wire.MaxReason:
			t.Errorf("%+v", page)
		}
		for _, row := range page.Rows {
			if !json.Valid(row) {
				t.Errorf("not JSON: %q", row)
			}
		}
	})
}

// believable holds what was read of an answer against what may be believed.
func believable(t *testing.T, message *pb.Answer, a Answer) {
	t.Helper()
	switch {
	case a.Outcome > sdk.OutcomeFatal || a.Settled > sdk.SettledOtherwise:
		t.Errorf("out of range: %+v", a)
	case len(a.Code) > wire.MaxCode || len(a.Reason) > wire.MaxReason || !utf8.ValidString(a.Code) || !utf8.ValidString(a.Reason):
		t.Errorf("texts: %+v", a)
	case a.After < 0 || a.Requests < 0:
		t.Errorf("negative: %+v", a)
	case len(a.Live) > 0 && !json.Valid(a.Live), len(a.Result) > 0 && !json.Valid(a.Result):
		t.Errorf("not JSON: %+v", a)
	case a.NoEffect && a.Outcome != sdk.OutcomeFatal, a.Outcome == sdk.OutcomeNotSent && a.Requests > 0:
		t.Errorf("contradiction: %+v", a)
	case message.Outcome == 0 && a.Outcome != sdk.OutcomeUnknown:
		t.Errorf("made more of nothing: %+v", a)
	}
}

func FuzzSchema(f *testing.F) {
	f.Add([]byte(`{"name":"x","version":"1.0.0","operations":[{"name":"a","kind":"query","arguments":[{"name":"b","type":["object",{"c":["list","string"]},["c"]]}]}]}`))
	f.Add([]byte(`{"name":"x"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := readSchema(b)
		if err != nil {
			if len(err.Error()) > 2*wire.MaxReason {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
			return
		}
		// What was accepted is accepted again after a round trip.
		again, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := readSchema(again); err != nil {
			t.Errorf("%v for %s", err, again)
		}
	})
}
