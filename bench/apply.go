package main

import (
	"bufio"
	"bytes"
	"crypto/sha512"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

const (
	merchant  = "bench"
	fixedHash = "b3nch-f1xed-hash"
	inFlight  = 64

	// bareCommand makes this program the yardstick of applyWork.
	bareCommand = "bare"
)

// applyWork cancels orders, once with the runner and once without.
func applyWork(b *bench) (figures, error) {
	n := b.items(100_000)
	_, ours, err := b.wholeRun(n)
	if err != nil {
		return nil, err
	}
	s, err := b.simulate(n)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	theirs, err := measure(exec.Command(self, bareCommand, s.endpoint, strconv.Itoa(n)))
	if err != nil {
		return nil, err
	}
	return figures{
		"throughput of the bare client's":        theirs.wall.Seconds() / ours.wall.Seconds(),
		"CPU of the bare client's":               ours.cpu.Seconds() / theirs.cpu.Seconds(),
		"items/s":                                float64(n) / ours.wall.Seconds(),
		"µs of CPU an item, runner and provider": float64(ours.cpu.Microseconds()) / float64(n),
		"µs of CPU an item, bare client":         float64(theirs.cpu.Microseconds()) / float64(n),
	}, nil
}

// A stage is a folder with a list of orders, a simulator that has them, and a
// gate before it for whoever wants to see the requests.
type stage struct {
	*simulator
	gate *gate
	dir  string
}

func (b *bench) stage(n int) (*stage, error) {
	dir, err := os.MkdirTemp(b.dir, "stage-")
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "orders.csv"), orders(n), 0o600); err != nil {
		return nil, err
	}
	s, err := b.simulate(n)
	if err != nil {
		return nil, err
	}
	g, err := newGate(s.endpoint)
	if err != nil {
		s.stop()
		return nil, err
	}
	return &stage{s, g, dir}, nil
}

func (s *stage) close() {
	s.gate.Close()
	s.stop()
	os.RemoveAll(s.dir)
}

// wholeRun plans and applies n cancels.
func (b *bench) wholeRun(n int) (plan, apply cost, err error) {
	s, err := b.stage(n)
	if err != nil {
		return plan, apply, err
	}
	defer s.close()
	if plan, err = b.planCancels(s.dir, s.endpoint, unlimited); err != nil {
		return plan, apply, err
	}
	apply, err = b.runner(s.dir, "apply", "--auto-approve", "cancel.run")
	return plan, apply, err
}

const cancelFile = `variable "fixed_hash" {
  type      = string
  sensitive = true
}
provider "payvalida" {
  merchant   = "` + merchant + `"
  fixed_hash = var.fixed_hash
  endpoint   = %q
  timeout    = "2s"
  rate_limit {
    requests_per_second = %d
    burst               = %d
  }
  max_in_flight = %d
}
list "csv" "orders" {
  path = "orders.csv"
  key  = "order_id"
}
operation "payvalida_cancel_order" "all" {
  for_each = list.csv.orders
  order    = each.value.order_id
  limits { max_items = "unlimited" }
}
`

// A rate is a limit of requests a second, and how many may leave at once.
type rate struct{ second, burst int }

// unlimited is more than any machine sends.
var unlimited = rate{100_000, inFlight}

// planCancels plans the cancellation of what orders.csv of a folder lists.
func (b *bench) planCancels(dir, endpoint string, r rate) (cost, error) {
	if err := os.WriteFile(filepath.Join(dir, "cancel.ops.hcl"), fmt.Appendf(nil, cancelFile, endpoint, r.second, r.burst, inFlight), 0o600); err != nil {
		return cost{}, err
	}
	return b.runner(dir, "plan", "--refresh=false", "--out", "cancel.run", "cancel.ops.hcl")
}

func orderID(i int) string { return fmt.Sprintf("B%09d", i) }

func orders(n int) []byte {
	var b bytes.Buffer
	b.WriteString("order_id\n")
	for i := range n {
		b.WriteString(orderID(i) + "\n")
	}
	return b.Bytes()
}

// A simulator is Payvalida's API in a process of its own.
type simulator struct {
	endpoint string
	stop     func()
}

// simulate starts the simulator with n orders that can be cancelled.
func (b *bench) simulate(n int) (*simulator, error) {
	config, _ := json.Marshal(map[string]string{"merchant": merchant, "fixed_hash": fixedHash})
	c := exec.Command(filepath.Join(b.bin, "runner-provider-payvalida"), "simulate", "--config", string(config))
	stdin, err := c.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := c.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.Start(); err != nil {
		return nil, err
	}
	s := &simulator{stop: func() { stdin.Close(); c.Process.Kill(); c.Wait() }}
	var says struct{ Endpoint string }
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &says)
	}
	if err != nil {
		s.stop()
		return nil, fmt.Errorf("start the simulator: %w", err)
	}
	s.endpoint = says.Endpoint
	var seeds bytes.Buffer
	enc := json.NewEncoder(&seeds)
	for i := range n {
		enc.Encode(map[string]any{"operation": "cancel_order", "arguments": map[string]string{"order": orderID(i)}, "state": "PENDIENTE"})
		if seeds.Len() > 1<<20 || i == n-1 {
			if err := post(s.endpoint+"/_simulator/seed", &seeds); err != nil {
				s.stop()
				return nil, err
			}
			seeds.Reset()
		}
	}
	return s, nil
}

func post(url string, body io.Reader) error {
	res, err := http.Post(url, "application/json", body)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode >= 300 {
		text, _ := io.ReadAll(res.Body)
		return fmt.Errorf("%s: %s: %s", url, res.Status, text)
	}
	return nil
}

// bare is the yardstick: the same requests with the same checksums, and no
// record of any of it.
func bare(args []string) error {
	endpoint := args[0]
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: inFlight, MaxConnsPerHost: inFlight}}
	var next, failed atomic.Int64
	var wg sync.WaitGroup
	for range inFlight {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				if err := cancel(client, endpoint, orderID(i)); err != nil {
					failed.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if f := failed.Load(); f > 0 {
		return fmt.Errorf("%d of %d requests failed", f, n)
	}
	return nil
}

func cancel(client *http.Client, endpoint, order string) error {
	sum := strings.ToUpper(fmt.Sprintf("%x", sha512.Sum512([]byte(order+merchant+fixedHash))))
	req, err := http.NewRequest(http.MethodDelete, endpoint+"/api/v3/porders/"+order+"?merchant="+merchant+"&checksum="+sum, nil)
	if err != nil {
		return err
	}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	var says struct {
		Code string `json:"CODE"`
		Data struct {
			Operation string `json:"Operation"`
			OrderID   string `json:"OrderID"`
		} `json:"DATA"`
	}
	if err := json.NewDecoder(res.Body).Decode(&says); err != nil {
		return err
	}
	if says.Code != "0000" || says.Data.Operation != "DELETED" || says.Data.OrderID != order {
		return fmt.Errorf("%s: %s", order, says.Code)
	}
	return nil
}
