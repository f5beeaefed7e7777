package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/policyfile"
	"github.com/nexpay-go/resilience/retry"
	"github.com/nexpay-go/resilience/retry/retryhttp"
)

//go:embed papaya.yaml
var table []byte

// token is the name of the API key, for people. It is not the secret.
const token = "console token"

// A client calls the Papaya API. This file and papaya.yaml are all that is needed for it.
type client struct {
	url      string
	http     *http.Client
	policies *policy.Set
	retrier  *retry.Retrier
}

func newClient(url string, b *breaker.Breaker, onEvent func(context.Context, retry.Event)) (*client, error) {
	file, err := policyfile.Parse("papaya.yaml", table)
	if err != nil {
		return nil, err
	}
	r, err := retry.New(retry.Config{Policies: file.Policies, Breaker: b, Key: token, OnEvent: onEvent})
	if err != nil {
		return nil, err
	}
	transport := &retryhttp.Transport{Retrier: r, AlwaysError: true}
	return &client{url, &http.Client{Transport: transport}, file.Policies, r}, nil
}

// balance only reads, so it is retried whenever that may help.
func (c *client) balance(ctx context.Context) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url+"/balance", nil)
	if err != nil {
		return "", err
	}
	return result(c.http.Do(req))
}

// transfer moves money, once: if its outcome is unknown, it is looked up.
func (c *client) transfer(ctx context.Context, id string) (string, error) {
	body := `{"id":"` + id + `","amount":"17.00"}`
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+"/transfers", strings.NewReader(body))
	if err != nil {
		return "", err
	}
	return result(c.http.Do(retryhttp.Once(req, id, func(ctx context.Context) (*http.Response, retry.Outcome, error) {
		return c.find(ctx, id)
	})))
}

// find looks up a transfer. Only the API's own code proves that there is none: a bare
// 404 may come from any proxy on the way.
func (c *client) find(ctx context.Context, id string) (*http.Response, retry.Outcome, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url+"/transfers/"+id, nil)
	if err != nil {
		return nil, retry.Undecided, err
	}
	resp, err := c.http.Do(req)
	if err == nil {
		return found(resp, id)
	}
	answer, ok := errors.AsType[*classify.Error](err)
	if ok && answer.Complete() && answer.Details[0].Code == "no_such_transfer" {
		return nil, retry.Absent, nil
	}
	return nil, retry.Undecided, err
}

// found says whether an answer is about the transfer with that ID, whatever became of it: a
// 200 alone may be a login page.
func found(resp *http.Response, id string) (*http.Response, retry.Outcome, error) {
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	var transfer struct{ ID string }
	if err != nil || json.Unmarshal(body, &transfer) != nil || transfer.ID != id {
		return nil, retry.Undecided, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body)) // the caller gets this answer
	return resp, retry.Applied, nil
}

func result(resp *http.Response, err error) (string, error) {
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var answer struct{ Result string }
	err = json.NewDecoder(resp.Body).Decode(&answer)
	return answer.Result, err
}
