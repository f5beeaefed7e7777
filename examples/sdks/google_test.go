package sdks

import (
	"context"
	"net/http"
	"testing"
	"time"

	"google.golang.org/api/googleapi"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/retry"
)

// The call is what the generated clients do: send, and CheckResponse.
func TestGoogle(t *testing.T) {
	t.Parallel()
	catalog := catalogOf(t, []classify.Adapter{Google},
		classify.Rule{Codes: "NOT_FOUND", Name: "not found", Class: classify.Fatal, Effect: classify.NotApplied},
		classify.Rule{Codes: "RESOURCE_EXHAUSTED", Name: "quota", Class: classify.Retryable},
		classify.Rule{Codes: "rateLimitExceeded", Name: "quota", Class: classify.Retryable})
	call := func(url string) func(context.Context) error {
		return func(ctx context.Context) error {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
			if err != nil {
				return err
			}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				return err
			}
			defer googleapi.CloseBody(resp)
			return googleapi.CheckResponse(resp)
		}
	}
	play(t, catalog, call, map[string]scene{
		"decline": {
			status: 404, header: map[string]string{"X-Guploader-Uploadid": "up-1"},
			body:   `{"error":{"code":404,"message":"No such file","status":"NOT_FOUND","errors":[{"reason":"notFound","message":"No such file"}]}}`,
			reason: retry.ErrFatal, verdict: classify.Verdict{Class: classify.Fatal, Effect: classify.NotApplied, Code: "NOT_FOUND", Status: 404},
			message: "No such file", traceID: "up-1", requests: 1,
		},
		"rate limit": {
			status: 429, header: map[string]string{"Retry-After": "7"},
			body:   `{"error":{"code":429,"message":"Quota exceeded","status":"RESOURCE_EXHAUSTED"}}`,
			reason: retry.ErrRetryAfter, verdict: classify.Verdict{Class: classify.Retryable, Code: "RESOURCE_EXHAUSTED", Status: 429, RetryAfter: 7 * time.Second},
			message: "Quota exceeded", requests: 1,
		},
		"rate limit, the older way": {
			status: 403, header: map[string]string{"Retry-After": "7"},
			body:   `{"error":{"code":403,"message":"Rate limit","errors":[{"reason":"rateLimitExceeded","message":"Rate limit"}]}}`,
			reason: retry.ErrRetryAfter, verdict: classify.Verdict{Class: classify.Retryable, Code: "rateLimitExceeded", Status: 403, RetryAfter: 7 * time.Second},
			message: "Rate limit", requests: 1,
		},
		"a list": {
			status: 404, body: `[{"error":{"code":404,"message":"No such file","status":"NOT_FOUND"}}]`,
			reason: retry.ErrFatal, verdict: classify.Verdict{Class: classify.Fatal, Effect: classify.NotApplied, Code: "NOT_FOUND", Status: 404},
			message: "No such file", requests: 1,
		},
		"unavailable": {
			status: 503, body: `{"error":{"code":503,"message":"Try later","status":"UNAVAILABLE"}}`,
			reason: retry.ErrAttempts, verdict: classify.Verdict{Class: classify.Retryable, Code: "UNAVAILABLE", Status: 503},
			message: "Try later", requests: 2,
		},
		"a gateway's page": {
			status: 503, body: page,
			reason: retry.ErrAttempts, verdict: classify.Verdict{Class: classify.Retryable, Status: 503}, requests: 2,
		},
		// The SDK's status is what the body calls its code: 5 is no status.
		"another code in the body": {
			status: 404, body: `{"error":{"code":5,"message":"No such file","status":"NOT_FOUND"}}`,
			reason: retry.ErrFatal, verdict: classify.Verdict{Class: classify.Fatal, Effect: classify.NotApplied, Code: "NOT_FOUND"},
			message: "No such file", requests: 1,
		},
	})
}
