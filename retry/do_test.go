package retry_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// What each class of error does to one call, to the instant.
func TestWhatAnErrorAsksFor(t *testing.T) {
	slow := code(503)
	slow.RetryAfter = 7 * time.Second
	tooLong := code(503)
	tooLong.RetryAfter = 20*time.Second + 1
	justRight := code(503)
	justRight.RetryAfter = 20 * time.Second
	patient := code(429)
	patient.RetryAfter = 45 * time.Second
	internal := code(500, "-32603")
	laterNonce, muchLaterNonce := code(429, "50"), code(429, "50")
	laterNonce.RetryAfter, muchLaterNonce.RetryAfter = 20*time.Second, time.Minute+1

	for _, tt := range []struct {
		name   string
		steps  []error
		over   policy.Table
		sent   []time.Duration
		reason error // nil: success
	}{
		{name: "success", sent: seconds(0)},
		{name: "retryable, then success", steps: []error{internal, internal}, sent: seconds(0, 1, 3)},
		{name: "retryable to the end", steps: []error{internal, internal, internal, internal, internal},
			sent: seconds(0, 1, 3, 7), reason: retry.ErrAttempts},
		{name: "one send is one send", steps: []error{internal},
			over: policy.Table{Codes: map[classify.Code]policy.Policy{"-32603": {MaxAttempts: 1}}},
			sent: seconds(0), reason: retry.ErrAttempts},
		{name: "the wait would end after MaxElapsed", steps: []error{internal, internal, internal},
			over: policy.Table{Default: policy.Policy{MaxElapsed: 7*time.Second - 1}},
			sent: seconds(0, 1, 3), reason: retry.ErrElapsed},
		{name: "the wait ends at MaxElapsed", steps: []error{internal, internal, internal},
			over: policy.Table{Default: policy.Policy{MaxElapsed: 7 * time.Second}},
			sent: seconds(0, 1, 3, 7)},
		{name: "no limit of attempts, only of time", steps: []error{internal, internal, internal, internal, internal, internal},
			over: policy.Table{Default: policy.Policy{MaxAttempts: policy.None, MaxElapsed: 20 * time.Second}},
			sent: seconds(0, 1, 3, 7, 15), reason: retry.ErrElapsed},
		{name: "Retry-After is longer than the backoff", steps: []error{slow}, sent: seconds(0, 7)},
		{name: "Retry-After is shorter than the backoff", steps: []error{internal, internal, internal, slow},
			over: policy.Table{Default: policy.Policy{MaxAttempts: 9, MaxElapsed: time.Minute}},
			sent: seconds(0, 1, 3, 7, 15)},
		{name: "Retry-After at its cap", steps: []error{justRight}, sent: seconds(0, 20)},
		{name: "Retry-After above its cap is not shortened", steps: []error{tooLong}, sent: seconds(0), reason: retry.ErrRetryAfter},
		{name: "429 asks for patience", steps: []error{patient}, sent: seconds(0, 45)},
		{name: "no cap on Retry-After", steps: []error{tooLong},
			over: policy.Table{Default: policy.Policy{MaxRetryAfter: policy.None}},
			sent: []time.Duration{0, 20*time.Second + 1}},
		{name: "no wait", steps: []error{internal, internal},
			over: policy.Table{Default: policy.Policy{Backoff: policy.Backoff{Initial: policy.None}}},
			sent: seconds(0, 0, 0)},
		{name: "fatal", steps: []error{code(403, "80")}, sent: seconds(0), reason: retry.ErrFatal},
		{name: "fatal after a retry", steps: []error{internal, code(403, "80")}, sent: seconds(0, 1), reason: retry.ErrFatal},
		{name: "unclassified", steps: []error{errors.New("who am I")}, sent: seconds(0), reason: retry.ErrUnclassified},
		{name: "fix without a Fix", steps: []error{code(400, "30010")}, sent: seconds(0), reason: retry.ErrFixAndResend},
		{name: "resync where the operation draws its own nonces", steps: []error{code(403, "50"), code(403, "50")}, sent: seconds(0, 0, 0)},
		{name: "resync at most twice", steps: []error{code(403, "50"), code(403, "50"), code(403, "50")}, sent: seconds(0, 0, 0), reason: retry.ErrResync},
		{name: "resync forbidden", steps: []error{code(403, "50")},
			over: policy.Table{Codes: map[classify.Code]policy.Policy{"50": {MaxAttempts: 1}}},
			sent: seconds(0), reason: retry.ErrAttempts},
		{name: "resyncs take nothing from the attempts", steps: []error{internal, code(403, "50"), internal, code(403, "50"), internal},
			sent: seconds(0, 1, 1, 3, 3, 7)},
		{name: "resync, but later", steps: []error{laterNonce, code(403, "50")}, sent: seconds(0, 20, 20)},
		{name: "resync, but later, at most twice", steps: []error{laterNonce, laterNonce, laterNonce}, sent: seconds(0, 20, 40), reason: retry.ErrResync},
		{name: "resync, but much later", steps: []error{internal, muchLaterNonce}, sent: seconds(0, 1), reason: retry.ErrRetryAfter},
		{name: "resync, but later than MaxElapsed", steps: []error{laterNonce},
			over: policy.Table{Default: policy.Policy{MaxElapsed: 10 * time.Second}},
			sent: seconds(0), reason: retry.ErrElapsed},
		{name: "resync later takes nothing from the attempts", steps: []error{internal, laterNonce, internal, internal},
			over: policy.Table{Default: policy.Policy{MaxElapsed: time.Minute}},
			sent: seconds(0, 1, 21, 23, 27)},
		{name: "resync later forbidden", steps: []error{laterNonce},
			over: policy.Table{Codes: map[classify.Code]policy.Policy{"50": {MaxAttempts: 1}}},
			sent: seconds(0), reason: retry.ErrAttempts},
		{name: "suspended", steps: []error{code(403, "140")}, sent: seconds(0), reason: retry.ErrAttempts},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := play(tt.steps...)
				begin := time.Now()
				err := retry.Do(t.Context(), newRetrier(t, retry.Config{Policies: steady(t, tt.over)}), s.op)
				require.Equal(t, tt.sent, s.sent)
				require.Equal(t, s.sent[len(s.sent)-1], time.Since(begin), "it returns with its last send, whatever that was")
				if tt.reason == nil {
					require.NoError(t, err)
					return
				}
				e := asError(t, err)
				require.ErrorIs(t, err, tt.reason)
				require.Equal(t, tt.reason, e.Reason)
				require.ErrorIs(t, err, tt.steps[len(s.sent)-1], "the API's own error")
				require.Equal(t, len(s.sent), e.Attempts)
				require.Equal(t, time.Since(begin), e.Elapsed)
				require.Len(t, e.History, len(s.sent))
			})
		})
	}
}

func TestDoValue(t *testing.T) {
	r := newRetrier(t, retry.Config{})
	v, err := retry.DoValue(t.Context(), r, func(context.Context) (string, error) { return "paid", nil })
	require.NoError(t, err)
	require.Equal(t, "paid", v)
	v, err = retry.DoValue(t.Context(), r, func(context.Context) (string, error) { return "half", code(403, "80") })
	require.Error(t, err)
	require.Empty(t, v, "the zero value comes with an error")
}

func TestNil(t *testing.T) {
	require.ErrorContains(t, retry.Do(t.Context(), nil, always(nil)), "Retrier is nil")
	require.ErrorContains(t, retry.Do(t.Context(), newRetrier(t, retry.Config{}), nil), "operation is nil")
	_, err := retry.DoValue[int](t.Context(), newRetrier(t, retry.Config{}), nil)
	require.ErrorContains(t, err, "operation is nil")
}

func TestNewReportsEverything(t *testing.T) {
	var catalog *classify.Catalog
	_, err := retry.New(retry.Config{Classifier: catalog, Nonces: newLane(t), Key: "k"})
	require.ErrorContains(t, err, "nil *classify.Catalog")
	require.ErrorContains(t, err, "Config.Key")

	var lane *nonce.Lane
	_, err = retry.New(retry.Config{
		Classifier: catalog, Nonces: lane, Key: "k", Breaker: new(breaker.Breaker), Breakers: new(breaker.Group),
	})
	for _, mistake := range []string{"nil *classify.Catalog", "nil *nonce.Lane", "Config.Key", "Config.Breakers"} {
		require.ErrorContains(t, err, mistake)
	}

	_, err = retry.New(retry.Config{Policies: new(policy.Set), Key: "k", Nonces: newLane(t)})
	require.ErrorContains(t, err, "zero policy.Set")
	require.ErrorContains(t, err, "Config.Key")
	require.ErrorContains(t, newRetrier(t, retry.Config{}).Reload(new(policy.Set)), "zero policy.Set")
	for _, key := range []string{"main\n", strings.Repeat("k", 257)} {
		_, err := retry.New(retry.Config{Key: key, Classifier: catalog})
		require.ErrorContains(t, err, "Config.Key is longer than 256 bytes, or not printable")
		require.ErrorContains(t, err, "nil *classify.Catalog")
		require.NotContains(t, err.Error(), key)
	}
}

// What stands beside what, where a part of the configuration is left out.
func TestDefaults(t *testing.T) {
	sends := func(cfg retry.Config, err error) int {
		n := 0
		_ = retry.Do(t.Context(), newRetrier(t, cfg), func(context.Context) error { n++; return err })
		return n
	}
	catalog, err := classify.Nexpay().With(classify.Rule{Codes: "77", Name: "Closed on Sundays", Class: classify.Fatal, Effect: classify.NotApplied})
	require.NoError(t, err)
	policies, err := policy.Nexpay().With(policy.Table{Catalog: catalog, Default: policy.Policy{Backoff: policy.Backoff{Initial: policy.None}}})
	require.NoError(t, err)

	require.Equal(t, 1, sends(retry.Config{}, code(403, "140")), "the Nexpay policies beside the Nexpay catalog")
	require.Equal(t, 1, sends(retry.Config{Policies: policies}, code(500, "77")), "the catalog of the policies")
	require.Equal(t, 4, sends(retry.Config{Policies: policies, Classifier: classify.Nexpay()}, code(500, "77")), "or the one that is set")
	require.True(t, policies.Explain("77").Known)

	// policy.Standard() beside a classifier: it has no attempt timeout.
	require.NoError(t, retry.Do(t.Context(), newRetrier(t, retry.Config{Classifier: catalog}), func(ctx context.Context) error {
		_, limited := ctx.Deadline()
		require.False(t, limited)
		return nil
	}))
}

// Peers run the operation on a context that is over.
func TestContextOverAtTheStart(t *testing.T) {
	why := errors.New("the shop closed")
	canceled, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	expired, cancel2 := context.WithDeadlineCause(t.Context(), time.Now().Add(-time.Second), why)
	defer cancel2()
	for ctx, want := range map[context.Context][]error{
		canceled: {retry.ErrCanceled, context.Canceled, why},
		expired:  {retry.ErrDeadline, context.DeadlineExceeded, why},
	} {
		s := play()
		err := retry.Do(ctx, newRetrier(t, retry.Config{}), s.op)
		require.Empty(t, s.sent, "not run")
		for _, want := range want {
			require.ErrorIs(t, err, want)
		}
		e := asError(t, err)
		require.Zero(t, e.Attempts)
		require.NoError(t, e.Last)
	}
}

// All 12 retry loops tried sleep into a deadline that the wait cannot meet.
func TestDeadlineThatTheWaitCannotMeet(t *testing.T) {
	for _, tt := range []struct {
		left time.Duration
		sent []time.Duration
	}{
		{150 * time.Millisecond, seconds(0)},
		{time.Second, seconds(0)},             // the wait would end with the deadline
		{time.Second + 1, seconds(0, 1)},      // and now before it
		{3 * time.Second, seconds(0, 1)},      // the same of a later wait
		{3*time.Second + 1, seconds(0, 1, 3)}, //
		{time.Hour, seconds(0, 1, 3, 7)},      // no matter
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), tt.left)
			defer cancel()
			s := play(code(500, "-32603"), code(500, "-32603"), code(500, "-32603"), code(500, "-32603"))
			begin := time.Now()
			err := retry.Do(ctx, newRetrier(t, retry.Config{Policies: steady(t, policy.Table{})}), s.op)
			require.Equal(t, tt.sent, s.sent, "with %v left", tt.left)
			require.Equal(t, s.sent[len(s.sent)-1], time.Since(begin), "at once")
			if len(s.sent) == 4 {
				require.ErrorIs(t, err, retry.ErrAttempts)
				return
			}
			require.ErrorIs(t, err, retry.ErrDeadline)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			history := asError(t, err).History
			require.Zero(t, history[len(history)-1].Wait, "no send was to follow")
			require.NoError(t, ctx.Err(), "before the deadline, that is")
			var answer *classify.Error
			require.ErrorAs(t, err, &answer)
			require.Equal(t, "5f2c", asError(t, err).TraceID)
		})
	}
}

// Peers lose the API's error when the context ends in a wait.
func TestContextEndsInTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		why := errors.New("shutting down")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(300*time.Millisecond, func() { cancel(why) })
		s := play(code(500, "-32603"))
		budget, err := retry.NewBudget(retry.BudgetConfig{})
		require.NoError(t, err)
		begin := time.Now()
		err = retry.Do(ctx, newRetrier(t, retry.Config{Policies: steady(t, policy.Table{}), Budget: budget}), s.op)
		require.Equal(t, 300*time.Millisecond, time.Since(begin))
		require.Len(t, s.sent, 1)
		var answer *classify.Error
		require.ErrorAs(t, err, &answer)
		require.ErrorIs(t, err, retry.ErrCanceled)
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, err, why)
		require.Equal(t, 100, budget.Tokens(), "what was not sent is not paid")
	})
}

// The operation's own end of its context is no business of the caller's.
func TestContextEndsInTheAttempt(t *testing.T) {
	for _, tt := range []struct {
		name   string
		err    error // of the operation, once the context is over
		cancel bool  // or the deadline
		reason error
	}{
		{"canceled, as the transport says it", context.Canceled, true, retry.ErrCanceled},
		{"canceled, but the answer was a refusal", code(403, "80"), true, retry.ErrFatal},
		{"canceled, and the answer could be retried", code(500, "-32603"), true, retry.ErrCanceled},
		{"canceled, and the answer could be fixed", code(400, "30010"), true, retry.ErrFixAndResend},
		{"canceled, and the nonce was refused", code(403, "50"), true, retry.ErrCanceled},
		{"deadline", context.DeadlineExceeded, false, retry.ErrDeadline},
		{"deadline, and the answer could be retried", code(500, "-32603"), false, retry.ErrDeadline},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				why := errors.New("why")
				ctx, cancel := context.WithCancelCause(t.Context())
				if !tt.cancel {
					var stop context.CancelFunc
					ctx, stop = context.WithTimeoutCause(t.Context(), time.Second, why)
					defer stop()
				}
				sends := 0
				r := newRetrier(t, retry.Config{})
				fixed := retry.Fix(func(context.Context, *classify.Error) (bool, error) { t.Error("no fix is asked for"); return true, nil })
				err := retry.Do(ctx, r, func(ctx context.Context) error {
					sends++
					if tt.cancel {
						cancel(why)
					}
					<-ctx.Done()
					return tt.err
				}, fixed)
				require.Equal(t, 1, sends)
				require.Equal(t, tt.reason, asError(t, err).Reason)
				require.ErrorIs(t, err, tt.err)
				require.ErrorIs(t, err, why)
			})
		})
	}
}

// A success that arrives together with the cancellation is a success.
func TestSuccessBesideCancellation(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	v, err := retry.DoValue(ctx, newRetrier(t, retry.Config{}), func(context.Context) (int, error) {
		cancel()
		return 42, nil
	})
	require.NoError(t, err)
	require.Equal(t, 42, v)
}

// A silent server holds nobody for longer than the attempt timeout, and the
// error says whose time it was.
func TestAttemptTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sends := 0
		begin := time.Now()
		var cause error
		err := retry.Do(t.Context(), newRetrier(t, retry.Config{Policies: steady(t, policy.Table{Default: policy.Policy{MaxAttempts: 2}})}),
			func(ctx context.Context) error {
				sends++
				<-ctx.Done()
				cause = context.Cause(ctx)
				return ctx.Err()
			})
		require.Equal(t, 21*time.Second, time.Since(begin), "10 s, 1 s, 10 s")
		require.Equal(t, 2, sends)
		require.ErrorIs(t, err, retry.ErrAttempts)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.EqualError(t, cause, "no answer within the attempt timeout of 10s")
		require.ErrorIs(t, cause, context.DeadlineExceeded)
		require.Equal(t, classify.Retryable, classify.Nexpay().Classify(cause).Class, "as net/http passes it on")
		require.Equal(t, 10*time.Second, asError(t, err).History[0].Took)
		require.Equal(t, time.Second, asError(t, err).History[0].Wait)
	})
}

// The context of an attempt ends with it.
func TestContextOfAnAttemptEnds(t *testing.T) {
	var kept context.Context
	require.NoError(t, retry.Do(t.Context(), newRetrier(t, retry.Config{}), func(ctx context.Context) error { kept = ctx; return nil }))
	require.ErrorIs(t, kept.Err(), context.Canceled)
}

func TestAttemptFrom(t *testing.T) {
	r := newRetrier(t, retry.Config{Policies: steady(t, policy.Table{Default: policy.Policy{Backoff: policy.Backoff{Initial: policy.None}}})})
	_, ok := retry.AttemptFrom(t.Context())
	require.False(t, ok, "outside")
	var seen []retry.Attempt
	s := play(code(500, "-32603"), code(403, "50"))
	err := retry.Do(t.Context(), r, func(ctx context.Context) error {
		a, ok := retry.AttemptFrom(ctx)
		require.Equal(t, len(s.sent) > 0, ok)
		seen = append(seen, a)
		return s.op(ctx)
	})
	require.NoError(t, err)
	require.Equal(t, retry.Attempt{}, seen[0], "a first attempt carries nothing")
	require.Equal(t, 2, seen[1].Number)
	require.Equal(t, classify.Code("-32603"), seen[1].Verdict.Code)
	require.Equal(t, "5f2c", seen[1].TraceID)
	require.Equal(t, 3, seen[2].Number)
	require.Equal(t, classify.Code("50"), seen[2].Verdict.Code)
}

// Of a long call the first and the last attempts are kept.
func TestHistoryIsBounded(t *testing.T) {
	r := newRetrier(t, retry.Config{Budget: retry.NoBudget(), Policies: steady(t, policy.Table{Default: policy.Policy{
		MaxAttempts: 100, Backoff: policy.Backoff{Initial: policy.None},
	}})})
	e := asError(t, retry.Do(t.Context(), r, always(code(500, "-32603"))))
	require.Equal(t, 100, e.Attempts)
	var numbers []int
	for _, a := range e.History {
		numbers = append(numbers, a.Number)
		require.Equal(t, classify.Code("-32603"), a.Verdict.Code)
	}
	require.Equal(t, []int{1, 2, 3, 4, 97, 98, 99, 100}, numbers)
}
