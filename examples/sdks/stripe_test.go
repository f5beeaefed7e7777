package sdks

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/stripe/stripe-go/v85"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/retry"
)

// stripeCall makes a payment under the key, or one that the SDK makes up.
func stripeCall(key string) func(string) func(context.Context) error {
	return func(url string) func(context.Context) error {
		client := stripe.NewClient("sk_test_x", stripe.WithBackends(stripe.NewBackendsWithConfig(&stripe.BackendConfig{
			URL:               stripe.String(url),
			MaxNetworkRetries: stripe.Int64(0),
			LeveledLogger:     &stripe.LeveledLogger{Level: stripe.LevelNull},
		})))
		return func(ctx context.Context) error {
			params := &stripe.PaymentIntentCreateParams{Amount: stripe.Int64(100), Currency: stripe.String("eur")}
			if key != "" {
				params.SetIdempotencyKey(key)
			}
			_, err := client.V1PaymentIntents.Create(ctx, params)
			return err
		}
	}
}

func TestStripe(t *testing.T) {
	t.Parallel()
	catalog := catalogOf(t, []classify.Adapter{Stripe},
		classify.Rule{Codes: "insufficient_funds", Name: "insufficient funds", Class: classify.Fatal, Effect: classify.NotApplied},
		classify.Rule{Codes: "rate_limit", Name: "rate limit", Class: classify.Retryable, Effect: classify.NotApplied})
	play(t, catalog, stripeCall(""), map[string]scene{
		"decline": {
			status: 402, header: map[string]string{"Request-Id": "req_1"},
			body:   `{"error":{"code":"card_declined","decline_code":"insufficient_funds","message":"Your card has insufficient funds.","type":"card_error"}}`,
			reason: retry.ErrFatal, verdict: classify.Verdict{Class: classify.Fatal, Effect: classify.NotApplied, Code: "insufficient_funds", Status: 402},
			message: "Your card has insufficient funds.", traceID: "req_1", requests: 1,
		},
		"rate limit": {
			status: 429, header: map[string]string{"Request-Id": "req_2", "Retry-After": "7"},
			body:   `{"error":{"code":"rate_limit","message":"Too many requests","type":"invalid_request_error"}}`,
			reason: retry.ErrRetryAfter, verdict: classify.Verdict{Class: classify.Retryable, Code: "rate_limit", Status: 429, RetryAfter: 7 * time.Second},
			message: "Too many requests", traceID: "req_2", requests: 1,
		},
		"unavailable": {
			status: 503, header: map[string]string{"Request-Id": "req_3"}, body: `{"error":{"message":"Try later","type":"api_error"}}`,
			reason: retry.ErrAttempts, verdict: classify.Verdict{Class: classify.Retryable, Status: 503},
			message: "Try later", traceID: "req_3", requests: 2,
		},
		"a gateway's page": {status: 503, body: page, reason: retry.ErrUnclassified, requests: 1},
	})
}

// The SDK makes up a key for each call. It is the same for two attempts only if it is
// the caller's.
func TestStripeKeys(t *testing.T) {
	t.Parallel()
	for _, own := range []string{"", "invoice-17"} {
		var keys []string
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			keys = append(keys, r.Header.Get("Idempotency-Key")) // one request after the other
			w.WriteHeader(http.StatusServiceUnavailable)
		}))
		call := stripeCall(own)(server.URL)
		for range 2 {
			require.Error(t, call(t.Context()))
		}
		server.Close()
		require.Len(t, keys, 2)
		require.Equal(t, own != "", keys[0] == keys[1])
		require.NotEmpty(t, keys[0])
	}
}
