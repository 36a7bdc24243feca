//go:build linux

package torture

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/proxy"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"github.com/bulkrunner/runner/internal/plan"
)

// payloads are all that a namespace holds of its workflows, unpacked as far as
// whoever may read the namespace can.
func payloads(t testing.TB, on string) (all []*commonpb.Payload) {
	t.Helper()
	namespace := on[strings.LastIndex(on, "/")+1:]
	c, err := client.Dial(client.Options{HostPort: temporal.address, Namespace: namespace, Logger: quiet{}})
	must(t, err)
	defer c.Close()
	gather := proxy.VisitPayloadsOptions{Visitor: func(_ *proxy.VisitPayloadsContext, found []*commonpb.Payload) ([]*commonpb.Payload, error) {
		unpacked, err := converter.NewZlibCodec(converter.ZlibCodecOptions{}).Decode(found)
		all = append(all, unpacked...)
		return found, err
	}}
	list, err := c.ListWorkflow(t.Context(), &workflowservice.ListWorkflowExecutionsRequest{PageSize: 1000})
	must(t, err)
	for _, w := range list.GetExecutions() {
		id := w.GetExecution()
		events := c.GetWorkflowHistory(t.Context(), id.GetWorkflowId(), id.GetRunId(), false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
		for events.HasNext() {
			e, err := events.Next()
			must(t, err)
			must(t, proxy.VisitPayloads(context.Background(), e, gather))
		}
		d, err := c.DescribeWorkflowExecution(t.Context(), id.GetWorkflowId(), id.GetRunId())
		must(t, err)
		must(t, proxy.VisitPayloads(context.Background(), d, gather))
	}
	return all
}

type quiet struct{}

func (quiet) Debug(string, ...any) {}
func (quiet) Info(string, ...any)  {}
func (quiet) Warn(string, ...any)  {}
func (quiet) Error(string, ...any) {}

// TestE2Travels: no credential is in what Temporal holds, and nothing of an
// item is readable there where its arguments are sensitive.
func TestE2Travels(t *testing.T) {
	t.Parallel()
	on := temporalServer(t)
	key, err := age.GenerateX25519Identity()
	must(t, err)

	open := newJob(t, 25)
	open.plan(t)
	open.worker(t, on)
	if a := open.submit(t, on); a.end(t, patience) != 0 {
		t.Fatalf("apply ended with %d:\n%s", a.code, a.said)
	}
	found := false
	for _, p := range payloads(t, on) {
		found = found || bytes.Contains(p.GetData(), []byte(id(3)))
		if bytes.Contains(p.GetData(), []byte(token)) {
			t.Errorf("a credential travels: %.200s", p.GetData())
		}
	}
	if !found {
		t.Error("nothing that travelled was looked at")
	}

	on = temporalServer(t)
	j := newJob(t, 25)
	j.operation, j.argument = "secret_note", "  note = var.token\n"
	j.write(t)
	must(t, os.Mkdir(j.path("keys"), 0o700))
	must(t, os.WriteFile(filepath.Join(j.dir, "keys", "identity"), []byte(key.String()+"\n"), 0o600))
	if out, code := j.run(t, "plan", "--refresh=false", "--recipient", key.Recipient().String(), "--out", "job.run", "."); code != 0 {
		t.Fatalf("plan ended with %d:\n%s", code, out)
	}
	if a := j.submit(t, on); a.end(t, patience) != 1 || !strings.Contains(a.said.String(), "RUNNER_AGE_KEY_FILE=FILE") {
		t.Fatalf("apply without the key ended with %d:\n%s", a.code, a.said)
	}
	j.env = append(j.env, "RUNNER_AGE_KEY_FILE="+filepath.Join(j.dir, "keys", "identity"))
	j.worker(t, on)
	if a := j.submit(t, on); a.end(t, patience) != 0 {
		t.Fatalf("apply ended with %d:\n%s", a.code, a.said)
	}
	v, _ := j.judge(t)
	v.all(t, plan.Succeeded, 25)
	for _, p := range payloads(t, on) {
		for _, secret := range []string{token, id(3)} {
			if bytes.Contains(p.GetData(), []byte(secret)) {
				t.Errorf("%s can be read in %.200s", secret, p.GetData())
			}
		}
	}
}
