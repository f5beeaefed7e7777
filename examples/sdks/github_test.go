package sdks

import (
	"context"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-github/v93/github"
	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/retry"
)

func githubClient(t *testing.T, url string) *github.Client {
	t.Helper()
	client, err := github.NewClient(github.WithURLs(new(url+"/"), nil))
	require.NoError(t, err)
	return client
}

func TestGitHub(t *testing.T) {
	t.Parallel()
	catalog := catalogOf(t, GitHub,
		classify.Rule{Codes: "missing_field", Name: "field missing", Class: classify.FixAndResend, Effect: classify.NotApplied})
	call := func(url string) func(context.Context) error {
		client := githubClient(t, url)
		return func(ctx context.Context) error {
			_, _, err := client.Issues.Create(ctx, "o", "r", github.CreateIssueRequest{Title: "x"})
			return err
		}
	}
	play(t, catalog, call, map[string]scene{
		"decline": {
			status: 422, header: map[string]string{"X-Github-Request-Id": "G:1"},
			body:   `{"message":"Validation Failed","errors":[{"resource":"Issue","field":"title","code":"missing_field"}]}`,
			reason: retry.ErrFixAndResend, verdict: classify.Verdict{Class: classify.FixAndResend, Effect: classify.NotApplied, Code: "missing_field", Status: 422},
			message: "Validation Failed", traceID: "G:1", requests: 1,
		},
		"refused without a code": {
			status: 404, body: `{"message":"Not Found"}`,
			reason: retry.ErrFatal, verdict: classify.Verdict{Class: classify.Fatal, Status: 404}, message: "Not Found", requests: 1,
		},
		"secondary rate limit": {
			status: 403, header: map[string]string{"Retry-After": "7", "X-Github-Request-Id": "G:2"},
			body:   `{"message":"You have exceeded a secondary rate limit","documentation_url":"https://docs.github.com/x#secondary-rate-limits"}`,
			reason: retry.ErrRetryAfter, verdict: classify.Verdict{Class: classify.Retryable, Status: 403, RetryAfter: 7 * time.Second},
			message: "You have exceeded a secondary rate limit", traceID: "G:2", requests: 1,
		},
		"unavailable": {
			status: 503, header: map[string]string{"X-Github-Request-Id": "G:3"}, body: page,
			reason: retry.ErrAttempts, verdict: classify.Verdict{Class: classify.Retryable, Status: 503}, traceID: "G:3", requests: 2,
		},
	})
}

// Until the limit is over the SDK answers by itself. The wait that is left is in its
// error, though no server sent it.
func TestGitHubAnswersByItself(t *testing.T) {
	t.Parallel()
	for name, header := range map[string]map[string]string{
		"primary":   {"X-RateLimit-Limit": "60", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": strconv.FormatInt(time.Now().Add(time.Hour).Unix(), 10)},
		"secondary": {"Retry-After": "3600"},
	} {
		t.Run(name, func(t *testing.T) {
			server, requests := serve(t, scene{
				status: http.StatusForbidden, header: header,
				body: `{"message":"limit","documentation_url":"https://docs.github.com/x#secondary-rate-limits"}`,
			})
			client, catalog := githubClient(t, server.URL), catalogOf(t, GitHub)
			for range 2 {
				_, _, err := client.Issues.Get(t.Context(), "o", "r", 1)
				v := catalog.Classify(err)
				require.Equal(t, classify.Retryable, v.Class, "%v", err)
				require.InDelta(t, time.Hour, v.RetryAfter, float64(5*time.Minute))
			}
			require.EqualValues(t, 1, requests.Load())
		})
	}
}
