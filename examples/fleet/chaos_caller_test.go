package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/keylease"
	"github.com/nexpay-go/resilience/nexpay"
	"github.com/nexpay-go/resilience/nonce"
)

// callerVariable makes a process of these tests a caller. Its value is the task.
const callerVariable = "FLEET_CALLER"

// Headers of a request for the test, which the bank ignores.
const (
	processHeader = "X-Test-Process"
	epochHeader   = "X-Test-Epoch"
)

// A caller is a process that makes one call after another with the keys that it holds. The
// calls change nothing and are not retried: each has to succeed.
type caller struct {
	task
	leases  *keylease.Leases
	clients map[string]*nexpay.Client // by key
}

// patience is how long a call waits for a key: longer than any trouble lasts.
const patience = 20 * time.Second

func call(ctx context.Context, text string, log io.Writer) int {
	t, err := readTask(text)
	if err == nil {
		err = (&caller{task: t}).run(ctx)
	}
	if err != nil {
		fmt.Fprintf(log, "fleet: %s: %v\n", t.Name, err)
		return 1
	}
	return 0
}

func (c *caller) run(ctx context.Context) error {
	d, err := connect(&c.task)
	if err != nil {
		return err
	}
	defer d.close()
	c.clients = map[string]*nexpay.Client{}
	stamped := &http.Client{Transport: stamp{c.Name, &http.Transport{MaxIdleConnsPerHost: 32}}, Timeout: patience}
	for _, key := range c.keyNames() {
		signer, err := nexpay.NewSigner(credentials(key))
		if err != nil {
			return err
		}
		c.clients[key] = &nexpay.Client{BaseURL: c.Bank, Signer: signer, HTTP: stamped}
	}
	c.leases, err = keylease.New(keylease.Config{
		Store: d.leases, Keys: c.keyNames(), TTL: c.TTL, Owner: c.Name,
		OnEvent: func(e keylease.Event) {
			if e.Kind == keylease.Taken {
				_ = c.report("/taken", url.Values{"key": {e.Key}})
			}
		},
	})
	if err != nil {
		return err
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for ctx.Err() == nil && c.one(ctx) == nil {
				time.Sleep(20 * time.Millisecond) // leave time for the other processes
			}
		})
	}
	all.Wait()
	return c.leases.Close(context.WithoutCancel(ctx))
}

// one makes one call. It returns an error if the test cannot be reached.
func (c *caller) one(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	before := c.epochs()
	ticket, err := c.leases.Enter(ctx)
	if err == nil {
		defer ticket.Leave()
		key := ticket.Key()
		epoch := before[key]
		if c.epochs()[key] != epoch {
			epoch = 0 // the key was taken or lost meanwhile: the epoch is unknown
		}
		_, err = c.clients[key].AccountStatus(context.WithValue(nonce.NewContext(ctx, ticket), epochOf{}, epoch))
	}
	var refused *classify.Error
	if err == nil || errors.As(err, &refused) { // the bank has recorded it
		return nil
	}
	time.Sleep(100 * time.Millisecond)
	return c.report("/failed", url.Values{"error": {err.Error()}})
}

func (c *caller) epochs() map[string]int64 {
	all := map[string]int64{}
	for _, k := range c.leases.Stats().Keys {
		all[k.Key] = k.Epoch
	}
	return all
}

func (c *caller) report(path string, what url.Values) error {
	what.Set("process", c.Name)
	resp, err := http.PostForm(c.Queue+path, what)
	if err == nil {
		err = resp.Body.Close()
	}
	return err
}

// epochOf is the key of the epoch in a context.
type epochOf struct{}

// stamp adds the sender to a request.
type stamp struct {
	process string
	http.RoundTripper
}

func (s stamp) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set(processHeader, s.process)
	epoch, _ := r.Context().Value(epochOf{}).(int64)
	r.Header.Set(epochHeader, strconv.FormatInt(epoch, 10))
	return s.RoundTripper.RoundTrip(r)
}
