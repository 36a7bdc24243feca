package simulator

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"time"
)

// Switches for an API that tells merchants what happened to their things.
var (
	NotifyURL   = Text("notify", "Where notifications are sent: a URL of this machine, such as http://127.0.0.1:9000/hook. Without one none are.", "", checkLoopback)
	NotifyTwice = Share("notify_twice", "Share of notifications that are sent twice.")
)

func checkLoopback(address string) error {
	if address == "" {
		return nil
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" || u.User != nil {
		return errLoopback
	}
	if ip, err := netip.ParseAddr(u.Hostname()); err != nil || !ip.IsLoopback() {
		return errLoopback
	}
	return nil
}

var errLoopback = fmt.Errorf("write a URL of this machine, such as http://127.0.0.1:9000/hook: a simulator reaches nothing else")

// A Notification is what an API tells a merchant with a POST.
type Notification struct {
	Thing  string // whether it is sent twice depends on it
	Body   []byte // JSON
	Header http.Header

	// Answered is told what the merchant answered; nothing where nobody did.
	// It may be nil.
	Answered func(body []byte)
}

// Notify sends a notification, in the background and after those before it,
// where [NotifyURL] is set. Nobody tries again: who lost one was told.
func (f *Front) Notify(n Notification) {
	fate := f.Fate(n.Thing)
	to := NotifyURL.In(fate)
	if to == "" {
		return
	}
	f.outbox.add(to, n)
	if fate.Befalls(NotifyTwice) {
		f.outbox.add(to, n)
	}
}

// Delivered waits until every notification has been answered, or wasn't. It is
// for tests.
func (f *Front) Delivered() {
	f.outbox.mu.Lock()
	defer f.outbox.mu.Unlock()
	for f.outbox.sending {
		f.outbox.idle.Wait()
	}
}

// An outbox sends notifications one after the other. It works only while there
// are some.
type outbox struct {
	mu      sync.Mutex
	idle    sync.Cond // on mu: it is sending no more
	waiting []func()
	sending bool
}

func (o *outbox) add(to string, n Notification) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.waiting = append(o.waiting, func() { deliver(to, n) })
	if !o.sending {
		o.sending = true
		go o.work()
	}
}

func (o *outbox) work() {
	for {
		o.mu.Lock()
		if len(o.waiting) == 0 {
			o.sending = false
			o.idle.Broadcast()
			o.mu.Unlock()
			return
		}
		next := o.waiting[0]
		o.waiting = o.waiting[1:]
		o.mu.Unlock()
		next()
	}
}

var postman = &http.Client{
	Transport:     &http.Transport{DisableKeepAlives: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

func deliver(to string, n Notification) {
	answer := []byte(nil)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(n.Body))
	if err == nil {
		maps.Copy(r.Header, n.Header)
		r.Header.Set("Content-Type", "application/json")
		var w *http.Response
		if w, err = postman.Do(r); err == nil {
			answer, _ = io.ReadAll(io.LimitReader(w.Body, 64<<10))
			_ = w.Body.Close()
		}
	}
	if n.Answered != nil {
		n.Answered(answer)
	}
}
