package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policyfile"
	"github.com/nexpay-go/resilience/retry"
	"github.com/nexpay-go/resilience/retry/retryhttp"
)

//go:embed cards.yaml
var table []byte

// A program charges cards: an http.Client, a policy file and a journal.
type program struct {
	url     string
	client  *http.Client
	journal *retry.MemoryJournal // in production a durable one: see module journal
	line    *timeline
}

func newProgram(url string, line *timeline) (*program, error) {
	f, err := policyfile.Parse("cards.yaml", table)
	if err != nil {
		return nil, err
	}
	p := &program{url: url, journal: &retry.MemoryJournal{}, line: line}
	r, err := retry.New(retry.Config{Policies: f.Policies, Journal: p.journal, OnEvent: line.onEvent})
	if err != nil {
		return nil, err
	}
	p.client = &http.Client{Transport: &retryhttp.Transport{Retrier: r, AlwaysError: true}}
	return p, nil
}

// request returns the request for a charge. Each invoice has its own idempotency key.
func (p *program) request(ctx context.Context, key string) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url+"/charges", strings.NewReader(`{"amount":"17.00","card":"tok_1"}`))
	if err == nil {
		req.Header.Set("Idempotency-Key", key)
	}
	return req, err
}

// post sends it with a plain http.Client.Do.
func (p *program) post(ctx context.Context, key string) (string, error) {
	req, err := p.request(ctx, key)
	if err != nil {
		return "", err
	}
	return read(p.client.Do(req))
}

// once sends it as a payment: it is in the journal before it is sent, and can be looked
// up. Its ID is also its idempotency key, which the Transport finds in
// the header.
func (p *program) once(ctx context.Context, key string) (string, error) {
	return p.pay(ctx, key, func(ctx context.Context) (*http.Response, retry.Outcome, error) { return p.find(ctx, key) })
}

// blind is once for an API without lookups.
func (p *program) blind(ctx context.Context, key string) (string, error) { return p.pay(ctx, key, nil) }

func (p *program) pay(ctx context.Context, key string, find func(context.Context) (*http.Response, retry.Outcome, error)) (string, error) {
	req, err := p.request(ctx, key)
	if err != nil {
		return "", err
	}
	return read(p.client.Do(retryhttp.Once(req, key, find)))
}

// find looks up a charge and returns what the answer proves. Only the API's own code
// proves that nothing happened: a bare 404 may come from any proxy on the way.
func (p *program) find(ctx context.Context, key string) (*http.Response, retry.Outcome, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+"/charges/"+key, nil)
	if err != nil {
		return nil, retry.Undecided, err
	}
	resp, err := p.client.Do(req)
	answer, ok := errors.AsType[*classify.Error](err)
	switch {
	case err == nil:
		return resp, retry.Applied, nil
	case ok && answer.Complete() && answer.Details[0].Code == "no_such_charge":
		return nil, retry.Absent, nil
	}
	return nil, retry.Undecided, err
}

// bare sends it without the library.
func (p *program) bare(ctx context.Context, key string) (string, error) {
	req, err := p.request(ctx, key)
	if err != nil {
		return "", err
	}
	defer p.line.Done("(is not asked)")
	return read(http.DefaultClient.Do(req))
}

// sent adds to the journal a payment that a process sent before it died.
func (p *program) sent(ctx context.Context, key string, ago time.Duration) error {
	at := time.Now().Add(-ago).UTC()
	_, err := p.journal.Begin(ctx, retry.Entry{ID: key, Owner: "who died", State: retry.EntryOpen, At: at, First: at, Takes: 2 * time.Second})
	return err
}

func read(resp *http.Response, err error) (string, error) {
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<16))
	return fmt.Sprintf("HTTP %d %s", resp.StatusCode, strings.TrimSpace(string(body))), err
}
