package retryhttp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/retry"
	"github.com/nexpay-go/resilience/retry/retryhttp"
)

// notSentError is what a look-up fails with that was never sent.
type notSentError struct{}

func (notSentError) Error() string { return "not sent" }
func (notSentError) NotSent() bool { return true }

// A 2xx came for the payment: what Judge then asks somebody else, and fails, is no
// proof that nothing happened (M3), and an error of its own is not written to.
func TestJudgeProvesNothing(t *testing.T) {
	shared := &classify.Error{Status: 200, TraceID: "amount-seventeen", Details: []classify.Detail{{Message: "amount-seventeen"}}}
	for name, fails := range map[string]error{
		"a look-up that was not sent":  notSentError{},
		"wrapped":                      errors.Join(notSentError{}),
		"another call that gave up":    &retry.Error{Reason: retry.ErrAttempts, Last: &classify.Error{Status: 400, Details: []classify.Detail{{Code: "30010"}}}},
		"an answer that it has made":   shared,
		"one that it has wrapped":      fmt.Errorf("not yet: %w", shared),
		"a nil pointer with a method":  (*retry.Error)(nil),
		"an error that nobody can see": errors.New("strange"),
	} {
		t.Run(name, func(t *testing.T) {
			executed := 0
			base := roundTripper(func(r *http.Request) (*http.Response, error) { // reports no connection
				_, _ = io.Copy(io.Discard, r.Body)
				executed++
				return &http.Response{StatusCode: 200, ProtoMajor: 2, Header: http.Header{}, ContentLength: 7, Body: io.NopCloser(strings.NewReader(`{"a":1}`)), Request: r}, nil
			})
			tr := &retryhttp.Transport{Base: base, Retrier: retrier(t, retry.Config{}), Judge: func(*http.Response) error { return fails }}
			ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
			defer cancel()
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://bank.example/pay?x=amount-seventeen", strings.NewReader("a=b"))
			require.NoError(t, err)
			_, err = tr.RoundTrip(retryhttp.Once(req, "id", func(context.Context) (*http.Response, retry.Outcome, error) {
				return nil, retry.Undecided, nil
			}))
			require.ErrorIs(t, err, retry.ErrOutcomeUnknown)
			require.Equal(t, 1, executed)
			require.Equal(t, "amount-seventeen", shared.Details[0].Message)
			require.Equal(t, "amount-seventeen", shared.TraceID)
			require.NotContains(t, err.Error(), "amount-seventeen")
		})
	}
}

// Calls at once get errors of their own of one answer that Judge wraps for all.
func TestJudgeWrapsOneAnswerForAll(t *testing.T) {
	pending := &classify.Error{Status: 202, TraceID: "5f2c", Details: []classify.Detail{{Code: "7", Message: "pending inv-12345678"}}}
	wrapped := fmt.Errorf("not yet: %w", pending)
	tr := &retryhttp.Transport{Base: answers(says(202, "{}")), Retrier: quick(t, retry.Config{}), AlwaysError: true, Judge: func(*http.Response) error { return wrapped }}
	var calls sync.WaitGroup
	for range 4 {
		calls.Go(func() {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://bank.example/pay", strings.NewReader(`{"id":"inv-12345678"}`))
			require.NoError(t, err)
			_, err = tr.RoundTrip(req)
			require.ErrorContains(t, err, "HTTP 202: 7 pending […] (trace 5f2c)")
			require.ErrorIs(t, err, wrapped)
			own, ok := errors.AsType[*classify.Error](err)
			require.True(t, ok)
			require.NotSame(t, pending, own)
		})
	}
	calls.Wait()
	require.Equal(t, "pending inv-12345678", pending.Details[0].Message)
}

// A refusal in an array, or behind blanks, is one.
func TestRefusalUnder200InOddPlaces(t *testing.T) {
	for _, body := range []string{`[{"errors":[{"code":30010}]}]`, `{"errors":"` + strings.Repeat(" ", 20_000) + `refused"}`} {
		base := roundTripper(func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, ProtoMajor: 2, Header: http.Header{}, ContentLength: int64(len(body)), Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
		})
		tr := &retryhttp.Transport{Base: base, Retrier: retrier(t, retry.Config{})}
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://bank.example/pay", strings.NewReader("a=b"))
		require.NoError(t, err)
		_, err = tr.RoundTrip(retryhttp.Once(req, "id", nil))
		require.ErrorIs(t, err, retry.ErrOutcomeUnknown)
	}
}
