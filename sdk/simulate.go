package sdk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"time"

	pb "github.com/bulkrunner/runner/sdk/internal/providerv1"
)

// Simulate implements the service. The simulator starts with the first call
// and stays; later ones seed it further, so that a list of any length fits.
func (s *service) Simulate(_ context.Context, r *pb.SimulateRequest) (*pb.SimulateResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stage == nil {
		st, err := s.newStage(r.Config, "127.0.0.1:0")
		if err != nil {
			return &pb.SimulateResponse{Problem: err.Error()}, nil
		}
		s.stage = st
	}
	for _, f := range r.Faults {
		if err := s.guarded(func() error { return s.stage.simulation.Set(f.Name, f.Value) }); err != nil {
			return &pb.SimulateResponse{Problem: fmt.Sprintf("fault %q: %s", f.Name, problemText(err))}, nil
		}
	}
	for _, seed := range r.Seeds {
		err := s.guarded(func() error { return s.stage.simulation.Seed(seed.Operation, seed.Arguments, seed.State) })
		if err != nil {
			return &pb.SimulateResponse{Problem: fmt.Sprintf("seed operation %q: %s", seed.Operation, problemText(err))}, nil
		}
	}
	answer := &pb.SimulateResponse{Endpoint: s.stage.endpoint}
	for _, f := range s.faults {
		answer.Faults = append(answer.Faults, &pb.FaultSwitch{Name: f.Name, Doc: f.Doc, DefaultValue: f.Default})
	}
	return answer, nil
}

// A stage is where a simulation stands: an HTTP server on loopback. Beside the
// API it answers on paths of its own, for tests and for people:
//
//	POST /_simulator/seed                   JSON lines of operation, arguments, state
//	POST /_simulator/fault?name=N&value=V   turns a switch
//	GET  /_simulator/ledger                 what has really happened
type stage struct {
	simulation Simulation
	server     *http.Server
	endpoint   string
}

func (s *service) newStage(config json.RawMessage, address string) (*stage, error) {
	var simulation Simulation
	err := s.guarded(func() (err error) {
		simulation, err = s.backend.simulation(config)
		return err
	})
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen for the simulator: %w", err)
	}
	st := &stage{simulation: simulation, endpoint: "http://" + l.Addr().String()}
	st.server = &http.Server{
		Handler:           st,
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          log.New(io.Discard, "", 0), // a dropped connection is a fault that was asked for
	}
	go func() { _ = st.server.Serve(l) }()
	return st, nil
}

func (s *stage) close() error { return s.server.Close() }

func (s *stage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path, ours := strings.CutPrefix(r.URL.Path, "/_simulator/")
	if !ours {
		s.simulation.ServeHTTP(w, r)
		return
	}
	var err error
	switch r.Method + " " + path {
	case "POST seed":
		err = s.seed(r.Body)
	case "POST fault":
		q := r.URL.Query()
		err = s.simulation.Set(q.Get("name"), q.Get("value"))
	case "GET ledger":
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(s.simulation.Ledger())
		return
	default:
		http.NotFound(w, r)
		return
	}
	if err != nil {
		http.Error(w, problemText(err), http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *stage) seed(lines io.Reader) error {
	d := json.NewDecoder(lines)
	d.DisallowUnknownFields()
	for n := 1; ; n++ {
		var seed struct {
			Operation string          `json:"operation"`
			Arguments json.RawMessage `json:"arguments"`
			State     string          `json:"state"`
		}
		if err := d.Decode(&seed); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("seed %d is not a JSON object of operation, arguments and state", n)
		}
		if err := s.simulation.Seed(seed.Operation, seed.Arguments, seed.State); err != nil {
			return fmt.Errorf("seed %d: %s", n, problemText(err))
		}
	}
}
