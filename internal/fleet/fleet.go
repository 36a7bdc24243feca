// Package fleet carries a run out on Temporal: workers on several machines
// drive its items with the [engine], and the run file gets every outcome back.
//
// A run is handed over in chunks of items. Each is a workflow of its own that
// waits until the run's workflow lets it go, has its items carried out by one
// activity, and stays open until what became of them is in the run file: its
// history is its journal. What the activity's engine commits is a heartbeat
// that Temporal has stored before anything leaves for a provider, so a worker
// that was given up can't send, and the one that takes over knows what may have
// been sent. docs/temporal.md has the whole of it.
package fleet

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/bulkrunner/runner/internal/runfile"
)

// Queue is the task queue of the workflows, which every worker serves.
const Queue = "runner"

// AccountQueue is the task queue of the items of one provider account, which
// only workers serve that hold a credential of it.
func AccountQueue(p runfile.Provider) string {
	account := p.Account
	if account == "" {
		account = p.Fingerprint
	}
	return strings.Join([]string{Queue, p.Name, p.Environment, account}, "/")
}

// RunID is the workflow of one handing over of a run, and chunkID that of one
// of its chunks.
func RunID(run string, handover int) string { return fmt.Sprintf("runner/%s/%d", run, handover) }

func chunkID(run, operation string, chunk int) string {
	return fmt.Sprintf("%s/%s/%06d", run, operation, chunk)
}

// paceID is the workflow that owns a limit.
func paceID(limit string) string { return "runner-pace/" + limit }

// An Address is where Temporal is: temporal://host:port/namespace.
type Address struct{ HostPort, Namespace string }

func (a Address) String() string { return "temporal://" + a.HostPort + "/" + a.Namespace }

// ParseAddress reads what --on says. The port may be left out.
func ParseAddress(text string) (Address, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "temporal" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return Address{}, fmt.Errorf("%s is not the address of a namespace: write temporal://HOST:7233/NAMESPACE, and leave keys to the variables that Temporal itself reads, such as TEMPORAL_API_KEY", redacted(u, text))
	}
	namespace := strings.Trim(u.Path, "/")
	if namespace == "" || strings.Contains(namespace, "/") {
		return Address{}, fmt.Errorf("%q names no namespace: write temporal://%s/NAMESPACE, such as temporal://%s/default", text, u.Host, u.Host)
	}
	port := u.Port()
	if port == "" {
		port = "7233"
	}
	return Address{HostPort: net.JoinHostPort(u.Hostname(), port), Namespace: namespace}, nil
}

// redacted is an address without what somebody wrote into it that is a secret.
func redacted(u *url.URL, text string) string {
	if u == nil || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "the text after --on"
	}
	return strconv.Quote(text)
}
