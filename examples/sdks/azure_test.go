package sdks

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/retry"
)

// azureCall is what every client of the SDK does: a pipeline, and NewResponseError.
func azureCall(url string) func(context.Context) error {
	return azureCallWith(url, policy.ClientOptions{Retry: policy.RetryOptions{MaxRetries: -1}})
}

func azureCallWith(url string, options policy.ClientOptions) func(context.Context) error {
	pipeline := runtime.NewPipeline("test", "v1", runtime.PipelineOptions{}, &options)
	return func(ctx context.Context) error {
		req, err := runtime.NewRequest(ctx, http.MethodPost, url)
		if err != nil {
			return err
		}
		resp, err := pipeline.Do(req)
		if err != nil {
			return err
		}
		if !runtime.HasStatusCode(resp, http.StatusOK) {
			return runtime.NewResponseError(resp)
		}
		return nil
	}
}

func azureCatalog(t *testing.T) *classify.Catalog {
	t.Helper()
	return catalogOf(t, []classify.Adapter{Azure},
		classify.Rule{Codes: "AuthorizationFailed", Name: "not allowed", Class: classify.Fatal, Effect: classify.NotApplied},
		classify.Rule{Codes: "TooManyRequests", Name: "throttled", Class: classify.Retryable})
}

func TestAzure(t *testing.T) {
	t.Parallel()
	play(t, azureCatalog(t), azureCall, map[string]scene{
		"decline": {
			status: 403, header: map[string]string{"x-ms-request-id": "r-1"},
			body:   `{"error":{"code":"AuthorizationFailed","message":"No access"}}`,
			reason: retry.ErrFatal, verdict: classify.Verdict{Class: classify.Fatal, Effect: classify.NotApplied, Code: "AuthorizationFailed", Status: 403},
			message: "No access", traceID: "r-1", requests: 1,
		},
		"decline in a header": {
			status: 403, header: map[string]string{"x-ms-error-code": "AuthorizationFailed"}, body: `{"error":{"code":"other","message":"No access"}}`,
			reason: retry.ErrFatal, verdict: classify.Verdict{Class: classify.Fatal, Effect: classify.NotApplied, Code: "AuthorizationFailed", Status: 403},
			message: "No access", requests: 1,
		},
		"decline in XML": {
			status: 403, body: `<?xml version="1.0"?><Error><Code>AuthorizationFailed</Code><Message>No access</Message></Error>`,
			reason: retry.ErrFatal, verdict: classify.Verdict{Class: classify.Fatal, Effect: classify.NotApplied, Code: "AuthorizationFailed", Status: 403},
			requests: 1,
		},
		"rate limit": {
			status: 429, header: map[string]string{"Retry-After": "7", "x-ms-correlation-request-id": "c-1"},
			body:   `{"error":{"code":"TooManyRequests","message":"Slow down"}}`,
			reason: retry.ErrRetryAfter, verdict: classify.Verdict{Class: classify.Retryable, Code: "TooManyRequests", Status: 429, RetryAfter: 7 * time.Second},
			message: "Slow down", traceID: "c-1", requests: 1,
		},
		"rate limit in milliseconds": {
			status: 429, header: map[string]string{"x-ms-retry-after-ms": "1500"},
			reason: retry.ErrRetryAfter, verdict: classify.Verdict{Class: classify.Retryable, Status: 429, RetryAfter: 1500 * time.Millisecond}, requests: 1,
		},
		"unavailable": {
			status: 503, body: page,
			reason: retry.ErrAttempts, verdict: classify.Verdict{Class: classify.Retryable, Status: 503}, requests: 2,
		},
	})
}

// What the SDK does when it is not told to stop, but for its waits: four requests
// for one POST.
func TestAzureSendsFourTimes(t *testing.T) {
	t.Parallel()
	server, requests := serve(t, scene{status: 503, body: page})
	require.Error(t, azureCallWith(server.URL, policy.ClientOptions{Retry: policy.RetryOptions{RetryDelay: time.Nanosecond}})(t.Context()))
	require.EqualValues(t, 4, requests.Load())
}

func TestAzureErrorReadByMany(t *testing.T) {
	t.Parallel()
	server, _ := serve(t, scene{status: 403, header: map[string]string{"x-ms-error-code": "AuthorizationFailed"}, body: `{"error":{"message":"No access"}}`})
	err, catalog := azureCall(server.URL)(t.Context()), azureCatalog(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if got := messageOf(catalog, err); got != "No access" {
				t.Error(got)
			}
		})
	}
	wg.Wait()
}

func TestAzureWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	catalog := azureCatalog(t)
	bare := &azcore.ResponseError{StatusCode: 403, ErrorCode: "AuthorizationFailed"}
	require.Equal(t, classify.Code("AuthorizationFailed"), catalog.Classify(bare).Code)
	cut := &azcore.ResponseError{StatusCode: 503, RawResponse: &http.Response{StatusCode: 503, Body: failing{}}}
	require.Equal(t, classify.Retryable, catalog.Classify(cut).Class)
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("cut") }
func (failing) Close() error             { return nil }
