package main

import (
	"context"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/failsafe-go/failsafe-go/failsafehttp"
	"github.com/failsafe-go/failsafe-go/timeout"
	"github.com/hashicorp/go-retryablehttp"

	"github.com/nexpay-go/resilience/retry/retryhttp"
)

// same answers every request at once, with the same response and no body, so that only
// the client is measured.
type same struct{ header http.Header }

func (s *same) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		_, _ = io.Copy(io.Discard, req.Body)
		_ = req.Body.Close()
	}
	return &http.Response{StatusCode: http.StatusOK, ProtoMajor: 1, Header: s.header, Body: http.NoBody, Request: req}, nil
}

// exchanges are requests to a stub, by clients as a server uses them.
func exchanges(method, body string) []way {
	return []way{
		{"ours, default policies and a breaker", mine, func() (caller, error) {
			r, err := byDefault()
			if err != nil {
				return nil, err
			}
			return exchange(&http.Client{Transport: &retryhttp.Transport{Base: new(same), Retrier: r}}, method, body), nil
		}},
		{"a plain http.Client", real, func() (caller, error) {
			return exchange(&http.Client{Transport: new(same)}, method, body), nil
		}},
		{"go-retryablehttp", real, func() (caller, error) {
			c := retryablehttp.NewClient()
			c.Logger, c.HTTPClient = nil, &http.Client{Transport: new(same)}
			return func(ctx context.Context, _ operation) (int, error) {
				req, err := retryablehttp.NewRequestWithContext(ctx, method, "http://bank.example/payments", orNil(body))
				if err != nil {
					return 0, err
				}
				return status(c.Do(req))
			}, nil
		}},
		{"failsafehttp: retry, breaker, timeout", real, func() (caller, error) {
			cb := circuitbreaker.NewBuilder[*http.Response]().WithFailureThreshold(6).WithDelay(3 * time.Second).Build()
			policies := []failsafe.Policy[*http.Response]{
				failsafehttp.NewRetryPolicyBuilder().WithBackoff(200*time.Millisecond, 5*time.Second).Build(),
				cb, timeout.New[*http.Response](10 * time.Second),
			}
			return exchange(&http.Client{Transport: failsafehttp.NewRoundTripper(new(same), policies...)}, method, body), nil
		}},
	}
}

func orNil(body string) any {
	if body == "" {
		return nil
	}
	return strings.NewReader(body)
}

func exchange(c *http.Client, method, body string) caller {
	return func(ctx context.Context, _ operation) (int, error) {
		var in io.Reader
		if body != "" {
			in = strings.NewReader(body)
		}
		req, err := http.NewRequestWithContext(ctx, method, "http://bank.example/payments", in)
		if err != nil {
			return 0, err
		}
		return status(c.Do(req))
	}
}

func status(resp *http.Response, err error) (int, error) {
	if err != nil {
		return 0, err
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, resp.Body.Close()
}
