package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/policy/policyfile"
	"github.com/nexpay-go/resilience/retry"
	"github.com/nexpay-go/resilience/retry/retryhttp"
)

//go:embed cards.yaml
var table []byte

// A scene is one charge, what the API does to it, and what has to come of it.
type scene struct {
	title    string
	key      string
	meets    []trouble
	forgets  bool // the API keeps keys for half a minute only
	requests int
	charges  int
	status   int    // of the answer that the caller gets, 0: an error
	says     string // in the error, or in the body
}

var scenes = []scene{
	{"The card is declined. That is an answer: nobody asks again, and nothing was charged.",
		"invoice-17", []trouble{decline}, false, 1, 0, http.StatusPaymentRequired, "insufficient funds"},
	{"The charge is made and its answer lost. The same key again brings the answer, not a second charge.",
		"invoice-18", []trouble{lose}, false, 2, 1, http.StatusCreated, "ch_invoice-18"},
	{"The answer is lost while the API is still at it: 409 is waited out.",
		"invoice-19", []trouble{lose, underWay, underWay}, false, 4, 1, http.StatusCreated, "ch_invoice-19"},
	{"An outage: 500 twice, then it is back.",
		"invoice-20", []trouble{outage, outage}, false, 3, 1, http.StatusCreated, "ch_invoice-20"},
	{"An API that forgets its keys after half a minute. Once more might be a second charge, so it is left to a person.",
		"invoice-21", []trouble{lose}, true, 1, 1, 0, "it may have taken effect, so it is not sent again"},
}

// tell plays all scenes.
func tell(ctx context.Context, out io.Writer) error {
	f, err := policyfile.Parse("cards.yaml", table)
	if err != nil {
		return err
	}
	line := &timeline{out: out}
	api := newCardAPI(line)
	defer api.Close()
	for i, s := range scenes {
		line.scene(i+1, s.title)
		policies := f.Policies
		if s.forgets {
			if policies, err = forgetful(policies); err != nil {
				return err
			}
		}
		if err := s.play(ctx, api, policies); err != nil {
			return fmt.Errorf("scene %d is not as told: %w", i+1, err)
		}
	}
	fmt.Fprintln(out, "\nEverything went as told: no card was charged twice.")
	return nil
}

// forgetful is a table for an API that keeps keys for half a minute: less than it takes
// a late copy of a request to arrive.
func forgetful(set *policy.Set) (*policy.Set, error) {
	shape := set.Catalog().Shape()
	shape.IdempotentFor /= 2 * 60 * 24
	catalog, err := set.Catalog().WithShape(shape)
	if err != nil {
		return nil, err
	}
	return set.With(policy.Table{Catalog: catalog})
}

// play makes the charge and compares what comes of it.
func (s *scene) play(ctx context.Context, api *cardAPI, policies *policy.Set) error {
	r, err := retry.New(retry.Config{Policies: policies, OnEvent: api.line.event})
	if err != nil {
		return err
	}
	client := &http.Client{Transport: &retryhttp.Transport{Retrier: r}}
	defer client.CloseIdleConnections()
	api.will(s.meets...)
	status, said, err := charge(ctx, client, api.URL, s.key)
	api.line.print("caller", outcome(status, said, err))
	requests, charges := api.seen(s.key)
	switch {
	case requests != s.requests || charges != s.charges:
		return fmt.Errorf("%d requests and %d charges, not %d and %d", requests, charges, s.requests, s.charges)
	case status != s.status || !strings.Contains(said+fmt.Sprint(err), s.says):
		return fmt.Errorf("HTTP %d %q and %v, where HTTP %d with %q should have come", status, said, err, s.status, s.says)
	}
	return nil
}

func outcome(status int, said string, err error) string {
	if err != nil {
		if e, ok := errors.AsType[*retry.Error](err); ok {
			return e.Error()
		}
		return err.Error()
	}
	return fmt.Sprintf("HTTP %d %s", status, said)
}

// charge is what a program does: an ordinary request, with a key of its own for each
// payment.
func charge(ctx context.Context, client *http.Client, url, key string) (status int, said string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/charges", strings.NewReader(`{"amount":"17.00","card":"tok_1"}`))
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("Idempotency-Key", key)
	resp, err := client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<16))
	return resp.StatusCode, strings.TrimSpace(string(body)), err
}
