package coming_test

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-retryablehttp"
	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
	"github.com/nexpay-go/resilience/retry/retryhttp"
)

func retryablehttpBefore(transport http.RoundTripper) *http.Client {
	c := retryablehttp.NewClient()
	c.RetryMax = 3 // 4 requests
	c.RetryWaitMin = 200 * time.Millisecond
	c.RetryWaitMax = 5 * time.Second
	c.Logger = nil
	c.HTTPClient.Transport = transport
	return c.StandardClient()
}

func retryablehttpAfter(transport http.RoundTripper) (*http.Client, error) {
	r, err := retry.New(retry.Config{Policies: policy.Standard()})
	if err != nil {
		return nil, err
	}
	return &http.Client{Transport: &retryhttp.Transport{Base: transport, Retrier: r}}, nil
}

// A stub answers with the given statuses and then with 200.
type stub struct {
	statuses []int
	header   http.Header
	requests int
	last     *http.Request
}

func (s *stub) answers(statuses ...int) { s.statuses = append(s.statuses, statuses...) }

func (s *stub) RoundTrip(req *http.Request) (*http.Response, error) {
	s.requests++
	s.last = req
	if req.Body != nil {
		_, _ = io.Copy(io.Discard, req.Body)
		_ = req.Body.Close()
	}
	status := http.StatusOK
	if len(s.statuses) > 0 {
		status, s.statuses = s.statuses[0], s.statuses[1:]
	}
	body := "the bank answers"
	return &http.Response{
		StatusCode: status, ProtoMajor: 1, ProtoMinor: 1, Header: s.header.Clone(), Request: req,
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}, nil
}

func read(t *testing.T, resp *http.Response) string {
	t.Helper()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return string(body)
}

func TestRetryablehttpBeforeAndAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := new(stub)
		before := retryablehttpBefore(server)
		after, err := retryablehttpAfter(server)
		require.NoError(t, err)
		for _, client := range []*http.Client{before, after} {
			server.requests = 0
			server.answers(503, 429, 500)
			resp, err := client.Get("http://bank.test/balance")
			require.NoError(t, err)
			require.Equal(t, "the bank answers", read(t, resp))
			require.Equal(t, 4, server.requests)
		}
	})
}

// The last answer is dropped, and the error has only a count.
func TestRetryablehttpLosesTheLastAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := new(stub)
		server.answers(503, 503, 503, 503)
		resp, err := retryablehttpBefore(server).Get("http://bank.test/balance?secret=1")
		require.Nil(t, resp)
		require.ErrorContains(t, err, "http://bank.test/balance?secret=1 giving up after 4 attempt(s)")
		require.NotContains(t, err.Error(), "503")

		server.answers(503, 503, 503, 503)
		client, err := retryablehttpAfter(server)
		require.NoError(t, err)
		resp, err = client.Get("http://bank.test/balance?secret=1")
		require.NoError(t, err)
		require.Equal(t, 503, resp.StatusCode)
		require.Equal(t, "the bank answers", read(t, resp))
	})
}

func TestRetryablehttpRepeatsPOST(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := new(stub)
		server.answers(503)
		resp, err := retryablehttpBefore(server).Post("http://bank.test/payments", "text/plain", strings.NewReader("17.50"))
		require.NoError(t, err)
		require.Equal(t, 200, resp.StatusCode)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, 2, server.requests)

		server.requests = 0
		server.answers(503)
		client, err := retryablehttpAfter(server)
		require.NoError(t, err)
		resp, err = client.Post("http://bank.test/payments", "text/plain", strings.NewReader("17.50"))
		require.NoError(t, err)
		require.Equal(t, 503, resp.StatusCode)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, 1, server.requests)
	})
}

// Five requests, after 1, 2, 4 and 8 s: the same for everybody who failed together.
func TestRetryablehttpDefaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := new(stub)
		server.answers(503, 503, 503, 503, 503)
		c := retryablehttp.NewClient()
		c.HTTPClient.Transport = server
		var logged strings.Builder
		c.Logger = log.New(&logged, "", 0)
		begin := time.Now()
		_, err := c.Get("http://bank.test/balance?secret=1")
		require.Error(t, err)
		require.Equal(t, 5, server.requests)
		require.Equal(t, 15*time.Second, time.Since(begin))
		require.Contains(t, logged.String(), "[DEBUG] GET http://bank.test/balance?secret=1")
	})
}

// Any Retry-After is honoured, however long.
func TestRetryablehttpAndRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &stub{header: http.Header{"Retry-After": {"99999999"}}}
		server.answers(503)
		begin := time.Now()
		resp, err := retryablehttpBefore(server).Get("http://bank.test/balance")
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, 99999999*time.Second, time.Since(begin), "three years")

		server.answers(503)
		client, err := retryablehttpAfter(server)
		require.NoError(t, err)
		begin = time.Now()
		resp, err = client.Get("http://bank.test/balance")
		require.NoError(t, err)
		require.Equal(t, 503, resp.StatusCode)
		require.NoError(t, resp.Body.Close())
		require.Zero(t, time.Since(begin))
	})
}

func TestRetryablehttpAndContexts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &stub{header: http.Header{"Retry-After": {"10"}}}
		after, err := retryablehttpAfter(server)
		require.NoError(t, err)
		ask := func(client *http.Client) (*http.Response, error) {
			server.answers(503)
			ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
			t.Cleanup(cancel)
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://bank.test/balance", nil)
			require.NoError(t, err)
			return client.Do(req)
		}
		begin := time.Now()
		_, err = ask(retryablehttpBefore(server))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NotContains(t, err.Error(), "503")
		require.Equal(t, 150*time.Millisecond, time.Since(begin))

		begin = time.Now()
		resp, err := ask(after)
		require.NoError(t, err, "the answer is the caller's")
		require.Equal(t, 503, resp.StatusCode)
		require.NoError(t, resp.Body.Close())
		require.Zero(t, time.Since(begin))
	})
}

// Redirects are followed to other hosts, with the headers of the request.
func TestRetryablehttpFollowsRedirects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &stub{header: http.Header{"Location": {"http://elsewhere.test/"}}}
		after, err := retryablehttpAfter(server)
		require.NoError(t, err)
		for _, test := range []struct {
			client *http.Client
			status int
			host   string
		}{{retryablehttpBefore(server), 200, "elsewhere.test"}, {after, 307, "bank.test"}} {
			server.answers(307)
			req, err := http.NewRequest(http.MethodGet, "http://bank.test/balance", nil)
			require.NoError(t, err)
			req.Header.Set("X-API-KEY", "k")
			resp, err := test.client.Do(req)
			require.NoError(t, err)
			require.Equal(t, test.status, resp.StatusCode)
			require.NoError(t, resp.Body.Close())
			require.Equal(t, test.host, server.last.URL.Host)
			require.Equal(t, "k", server.last.Header.Get("X-API-KEY"))
		}
	})
}

// The query is not in the text of the error itself. http.Client adds it around that.
func TestRetryablehttpAfterHidesTheQuery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, err := retryablehttpAfter(new(stub))
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://bank.test/balance?secret=1", nil)
		require.NoError(t, err)
		_, err = client.Do(req)
		require.ErrorContains(t, err, "secret")
		e, ok := errors.AsType[*retry.Error](err)
		require.True(t, ok)
		require.NotContains(t, e.Error(), "secret")
	})
}
