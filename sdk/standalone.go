package sdk

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

// simulateAlone runs the simulator until standard input ends or a signal comes
// and returns the exit code. It prints one line, the endpoint as JSON.
func (s *service) simulateAlone(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("simulate", flag.ContinueOnError)
	flags.SetOutput(stderr)
	listen := flags.String("listen", "127.0.0.1:0", "`address` on this machine to listen on")
	config := flags.String("config", "{}", "the provider's configuration, as a `JSON` object; the simulator checks credentials against it")
	var faults []string
	flags.Func("fault", "a fault to turn on, as `name=value`; may be repeated", func(v string) error {
		if !strings.Contains(v, "=") {
			return errors.New("write it as name=value")
		}
		faults = append(faults, v)
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return 1
	}
	st, err := s.standAlone(*listen, json.RawMessage(*config), faults)
	if err != nil {
		fmt.Fprintf(stderr, "simulate: %s\n", err)
		return 1
	}
	defer st.close()
	fmt.Fprintf(stdout, "{\"endpoint\":%q}\n", st.endpoint)

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	go func() {
		_, _ = io.Copy(io.Discard, stdin)
		stop()
	}()
	<-ctx.Done()
	return 0
}

func (s *service) standAlone(listen string, config json.RawMessage, faults []string) (*stage, error) {
	host, _, err := net.SplitHostPort(listen)
	if ip, e := netip.ParseAddr(host); err != nil || e != nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("--listen %s: a simulator listens on this machine alone, as in 127.0.0.1:8080", listen)
	}
	st, err := s.newStage(config, listen)
	if err != nil {
		return nil, err
	}
	for _, f := range faults {
		name, value, _ := strings.Cut(f, "=")
		if err := st.simulation.Set(name, value); err != nil {
			_ = st.close()
			return nil, fmt.Errorf("--fault %s: %s", f, problemText(err))
		}
	}
	return st, nil
}
