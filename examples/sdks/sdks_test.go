package sdks

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// A scene is an answer of a server, given to every request, and what package retry
// makes of what the SDK makes of it.
type scene struct {
	status int
	header map[string]string
	body   string

	reason   error
	verdict  classify.Verdict // without its Rule
	message  string
	traceID  string
	requests int // of one call that may send twice
}

// play has each scene's server answer one call of the SDK, made by call for its
// address, through retry.Do. No wait is long: Retry-After of more than a second ends
// the call.
func play(t *testing.T, catalog *classify.Catalog, call func(url string) func(context.Context) error, scenes map[string]scene) {
	t.Helper()
	policies, err := policy.New(policy.Table{
		Catalog: catalog,
		Classes: map[classify.Class]policy.Policy{classify.Retryable: {
			MaxAttempts: 2, Backoff: policy.Backoff{Initial: time.Microsecond}, MaxRetryAfter: time.Second,
		}},
	})
	require.NoError(t, err)
	for name, s := range scenes {
		t.Run(name, func(t *testing.T) {
			server, requests := serve(t, s)
			r, err := retry.New(retry.Config{Policies: policies})
			require.NoError(t, err)
			err = retry.Do(t.Context(), r, call(server.URL))

			var failed *retry.Error
			require.ErrorAs(t, err, &failed)
			require.ErrorIs(t, err, s.reason)
			got := failed.Verdict
			got.Rule = ""
			require.Equal(t, s.verdict, got)
			require.Equal(t, s.traceID, failed.TraceID)
			require.EqualValues(t, s.requests, requests.Load())
			require.Equal(t, s.requests, failed.Attempts, "one request per attempt")
			require.Equal(t, s.message, messageOf(catalog, failed.Last))
			if s.message != "" {
				require.Contains(t, err.Error(), s.message)
			}
		})
	}
}

func messageOf(catalog *classify.Catalog, err error) string {
	if answer := catalog.Answer(err); answer != nil && len(answer.Details) > 0 {
		return answer.Details[0].Message
	}
	return ""
}

func serve(t *testing.T, s scene) (*httptest.Server, *atomic.Int64) {
	t.Helper()
	var requests atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		requests.Add(1)
		if json.Valid([]byte(s.body)) {
			w.Header().Set("Content-Type", "application/json")
		}
		for name, value := range s.header {
			w.Header().Set(name, value)
		}
		w.WriteHeader(s.status)
		_, _ = w.Write([]byte(s.body))
	}))
	t.Cleanup(server.Close)
	return server, &requests
}

// catalogOf makes a catalog of rules for an API that the adapters read.
func catalogOf(t *testing.T, adapters []classify.Adapter, rules ...classify.Rule) *classify.Catalog {
	t.Helper()
	c, err := classify.NewCatalog(t.Name(), rules...)
	require.NoError(t, err)
	return c.WithAdapters(adapters...)
}

const page = "<html><body>503 Service Temporarily Unavailable</body></html>"

func TestShapedPanicsOnAMistake(t *testing.T) {
	t.Parallel()
	require.Panics(t, func() { shaped("", classify.Shape{}) })
	require.Panics(t, func() { shaped("x", classify.Shape{Code: []string{"$.."}}) })
	require.Equal(t, classify.Error{}, heading(awsHeader, nil))
}
