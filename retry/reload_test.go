package retry_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// knowing returns policies whose catalog knows code as a retryable one with so many sends.
func knowing(t testing.TB, code classify.Code, sends int) *policy.Set {
	t.Helper()
	catalog, err := classify.Nexpay().With(classify.Rule{Codes: string(code), Name: "new one", Class: classify.Retryable, Effect: classify.NotApplied})
	require.NoError(t, err)
	set, err := policy.Nexpay().With(policy.Table{
		Catalog: catalog,
		Codes:   map[classify.Code]policy.Policy{code: {MaxAttempts: sends, Backoff: policy.Backoff{Initial: time.Second, Jitter: policy.JitterNone}}},
	})
	require.NoError(t, err)
	return set
}

// The next call goes by the new tables; what was learnt before is not forgotten.
func TestReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, err := breaker.New(breaker.Config{})
		require.NoError(t, err)
		r := newRetrier(t, retry.Config{Breaker: b})
		s := play(repeated(code(400, "777"), 2)...)
		require.ErrorIs(t, retry.Do(t.Context(), r, s.op), retry.ErrFixAndResend, "unknown: the status decides")
		r.Lockout().Lock("spare", breaker.LockCause{Code: "100"})
		require.Error(t, retry.Do(t.Context(), r, always(code(503))))
		tokens := r.Budget().Tokens()
		b.Isolate("by hand")

		require.NoError(t, r.Reload(knowing(t, "777", 2)))
		require.Equal(t, tokens, r.Budget().Tokens())
		require.Equal(t, breaker.Open, b.State())
		require.Error(t, r.Lockout().Check("spare"))

		b.Reset()
		require.NoError(t, retry.Do(t.Context(), r, s.op), "now it is sent again")
		require.Equal(t, 3, len(s.sent))
	})
}

// A call goes on with what it began with.
func TestReloadDuringACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRetrier(t, retry.Config{Policies: knowing(t, "777", 3)})
		s := play(repeated(code(400, "777"), 5)...)
		time.AfterFunc(500*time.Millisecond, func() { require.NoError(t, r.Reload(knowing(t, "778", 3))) })
		e := asError(t, retry.Do(t.Context(), r, s.op))
		require.Equal(t, retry.ErrAttempts, e.Reason)
		require.Equal(t, 3, e.Attempts)
		e = asError(t, retry.Do(t.Context(), r, s.op))
		require.Equal(t, 1, e.Attempts)
	})
}

func TestReloadMistakes(t *testing.T) {
	budget, err := retry.NewBudget(retry.BudgetConfig{Capacity: 10})
	require.NoError(t, err)
	r := newRetrier(t, retry.Config{Budget: budget})
	require.ErrorContains(t, r.Reload(nil), "nil")
	dear, err := policy.Nexpay().With(policy.Table{Default: policy.Policy{Cost: 11}})
	require.NoError(t, err)
	require.ErrorContains(t, r.Reload(dear), "Default: Cost 11 is more than the 10 tokens that the budget holds")
	require.Equal(t, 4, asError(t, retry.Do(t.Context(), newRetrier(t, retry.Config{}), always(code(503)))).Attempts, "as before")
}

// A classifier of the caller's own stays, and so does the catalog where the new policies have none.
func TestReloadAndTheClassifier(t *testing.T) {
	own := newRetrier(t, retry.Config{Classifier: classify.Func(classify.JSONRPC().Classify)})
	require.NoError(t, own.Reload(knowing(t, "777", 2)))
	require.Equal(t, classify.Unclassified, asError(t, retry.Do(t.Context(), own, always(coded(777)))).Verdict.Class)

	r := newRetrier(t, retry.Config{})
	set, err := policy.New(policy.Table{Default: policy.Policy{MaxAttempts: 1}})
	require.NoError(t, err)
	require.NoError(t, r.Reload(set))
	require.Equal(t, classify.Code("80"), asError(t, retry.Do(t.Context(), r, always(code(403, "80")))).Verdict.Code)
}

// Calls and reloads at the same time, for the race detector.
func TestReloadConcurrently(t *testing.T) {
	r := newRetrier(t, retry.Config{})
	sets := []*policy.Set{knowing(t, "777", 1), knowing(t, "778", 1)}
	var group sync.WaitGroup
	for i := range 4 {
		group.Go(func() {
			for range 200 {
				require.NoError(t, r.Reload(sets[i%2]))
				_ = retry.Do(t.Context(), r, play(code(400, "777")).op)
				_ = r.Stats()
			}
		})
	}
	group.Wait()
}

// The first sight of a code that nobody knows is news, and the list is what a table can be completed from.
func TestUnknownCodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var news []retry.Event
		var log bytes.Buffer
		lines := retry.LogEvents(slog.New(slog.NewTextHandler(&log, nil)))
		r := newRetrier(t, retry.Config{OnEvent: func(ctx context.Context, e retry.Event) {
			if e.Kind == retry.EventUnknownCode {
				news = append(news, e)
				lines(ctx, e)
			}
		}})
		require.Empty(t, r.Stats().Unknown)
		first := time.Now()
		strange := code(409, "777", "80", "778")
		strange.Details[0].Message = "canary"
		for range 3 {
			require.Error(t, retry.Do(t.Context(), r, always(strange)))
		}
		require.Error(t, retry.Do(t.Context(), r, always(coded(779))))
		require.Error(t, retry.Do(t.Context(), r, func(ctx context.Context) error {
			return retry.Do(ctx, r, always(coded(779))) // the outer call has nothing of its own to say
		}))
		require.Error(t, retry.Do(t.Context(), r, always(errors.New("without a code"))))

		s := r.Stats()
		require.EqualValues(t, 8, s.UnknownCodes)
		require.Equal(t, []retry.UnknownCode{
			{Code: "777", Count: 3, Status: 409, TraceID: "5f2c", First: first},
			{Code: "778", Count: 3, Status: 409, TraceID: "5f2c", First: first},
			{Code: "779", Count: 2, First: first},
		}, s.Unknown)
		require.Len(t, news, 3)
		require.Equal(t, classify.Code("777"), news[0].Unknown)
		require.Equal(t, 409, news[0].Verdict.Status)
		require.Contains(t, log.String(), "unknown code")
		require.Contains(t, log.String(), "unknown_code=777")
		require.NotContains(t, log.String()+fmt.Sprintf("%+v", news), "canary")

		require.NoError(t, r.Reload(knowing(t, "778", 1)))
		require.Len(t, r.Stats().Unknown, 2, "what a table knows by now is no news")

		for n := range 1000 {
			_ = retry.Do(t.Context(), r, always(coded(100_000+n)))
		}
		require.LessOrEqual(t, len(r.Stats().Unknown), 100, "a server can make up any number")
		require.Equal(t, 101, len(news), "code 778, which the catalog knows by now, made room for one")
		require.EqualValues(t, 1008, r.Stats().UnknownCodes)
	})
}

// A full list has room again for as many codes as a later catalog knows.
func TestUnknownCodesMakeRoom(t *testing.T) {
	for _, known := range []int{1, 50, 100} {
		synctest.Test(t, func(t *testing.T) {
			r := newRetrier(t, retry.Config{})
			for n := range 100 {
				_ = retry.Do(t.Context(), r, always(coded(500_000+n)))
			}
			require.Len(t, r.Stats().Unknown, 100)
			catalog, err := classify.Nexpay().With(classify.Rule{
				Codes: fmt.Sprintf("500000..%d", 500_000+known-1), Name: "known by now", Class: classify.Fatal, Effect: classify.NotApplied,
			})
			require.NoError(t, err)
			set, err := policy.Nexpay().With(policy.Table{Catalog: catalog})
			require.NoError(t, err)
			require.NoError(t, r.Reload(set))
			require.Len(t, r.Stats().Unknown, 100-known)
			for n := range 2 * known {
				_ = retry.Do(t.Context(), r, always(coded(600_000+n)))
			}
			require.Len(t, r.Stats().Unknown, 100)
		})
	}
}

// A server that once made up a hundred codes hides no new one: what has not come for
// an hour makes room.
func TestUnknownCodesThatCameOnceMakeRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		news := 0
		r := newRetrier(t, retry.Config{OnEvent: func(_ context.Context, e retry.Event) {
			if e.Kind == retry.EventUnknownCode {
				news++
			}
		}})
		come := func(from, to int) {
			for n := from; n < to; n++ {
				_ = retry.Do(t.Context(), r, always(coded(500_000+n)))
			}
		}
		come(0, 1000)
		time.Sleep(30 * time.Minute)
		come(0, 1)
		time.Sleep(30*time.Minute - 1)
		come(2000, 2001)
		require.Equal(t, 100, news, "a nanosecond early")
		time.Sleep(time.Nanosecond)
		come(2000, 2001)
		require.Equal(t, 101, news)
		unknown := r.Stats().Unknown
		require.Len(t, unknown, 2)
		require.EqualValues(t, 2, unknown[0].Count, "it came within the hour, and is still counted")
		come(3000, 9000)
		require.Equal(t, 199, news, "in an hour a hundred at most, and those that stayed")
	})
}
