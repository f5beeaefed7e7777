package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
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

// token is the name of the API key, for people. It is not the key.
const token = "console token"

// A client speaks the Papaya API. This file and papaya.yaml are all that the API takes.
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

// balance is a question, asked again whenever that may help.
func (c *client) balance(ctx context.Context) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url+"/balance", nil)
	if err != nil {
		return "", err
	}
	return result(c.http.Do(req))
}

// transfer moves money, once: after doubt it is looked up.
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

// find looks a transfer up. That there is none, only the API's own word proves: a bare
// 404 may come from anybody on the way.
func (c *client) find(ctx context.Context, id string) (*http.Response, retry.Outcome, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url+"/transfers/"+id, nil)
	if err != nil {
		return nil, retry.Undecided, err
	}
	resp, err := c.http.Do(req)
	answer, said := errors.AsType[*classify.Error](err)
	switch {
	case err == nil:
		return resp, retry.Applied, nil
	case said && answer.Complete() && answer.Details[0].Code == "no_such_transfer":
		return nil, retry.Absent, nil
	}
	return nil, retry.Undecided, err
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
