package retry_test

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

func TestFix(t *testing.T) {
	noSuch := errors.New("no such symbol")
	for _, tt := range []struct {
		name   string
		steps  []error
		fixes  func(n int, e *classify.Error) (bool, error) // the n-th, from 1
		over   policy.Table
		asked  []classify.Code // codes that Fix was asked about
		sends  int
		reason error
		cause  error
		says   string
	}{
		{name: "changed, and it was that", steps: []error{code(400, "30010")},
			asked: []classify.Code{"30010"}, sends: 2},
		{name: "a no-op ends it", steps: []error{code(400, "30010")},
			fixes: func(int, *classify.Error) (bool, error) { return false, nil },
			asked: []classify.Code{"30010"}, sends: 1, reason: retry.ErrFixAndResend, says: ", and its Fix changed nothing: "},
		{name: "an error ends it", steps: []error{code(400, "30010")},
			fixes: func(int, *classify.Error) (bool, error) { return true, noSuch },
			asked: []classify.Code{"30010"}, sends: 1, reason: retry.ErrFixAndResend, cause: noSuch, says: ", and its Fix failed: "},
		{name: "each code once", steps: []error{code(400, "30010"), code(400, "30010")},
			asked: []classify.Code{"30010"}, sends: 2, reason: retry.ErrFixAndResend},
		{name: "every code once", steps: []error{code(400, "30010"), code(400, "30240"), code(400, "-32600"), code(400, "30010")},
			asked: []classify.Code{"30010", "30240", "-32600"}, sends: 4, reason: retry.ErrFixAndResend},
		{name: "without a code", steps: []error{code(400), code(422)},
			asked: []classify.Code{""}, sends: 2, reason: retry.ErrFixAndResend},
		{name: "it takes nothing from the attempts", steps: []error{code(500, "-32603"), code(400, "30010"), code(500, "-32603"), code(403, "50"), code(500, "-32603")},
			asked: []classify.Code{"30010"}, sends: 6},
		{name: "the policy forbids it", steps: []error{code(400, "30010")},
			over:  policy.Table{Codes: map[classify.Code]policy.Policy{"30010": {MaxAttempts: 1}}},
			sends: 1, reason: retry.ErrFixAndResend},
		{name: "an error of another type", steps: []error{coded(30010)},
			asked: []classify.Code{"30010"}, sends: 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var asked []classify.Code
				s := play(tt.steps...)
				err := retry.Do(t.Context(), newRetrier(t, retry.Config{Policies: steady(t, tt.over)}), s.op,
					retry.Fix(func(_ context.Context, e *classify.Error) (bool, error) {
						var c classify.Code
						if len(e.Details) > 0 {
							c = e.Details[0].Code
						}
						asked = append(asked, c)
						if tt.fixes == nil {
							return true, nil
						}
						return tt.fixes(len(asked), e)
					}))
				require.Equal(t, tt.asked, asked)
				require.Len(t, s.sent, tt.sends)
				if tt.reason == nil {
					require.NoError(t, err)
					return
				}
				require.Equal(t, tt.reason, asError(t, err).Reason)
				require.ErrorContains(t, err, tt.says)
				if tt.cause != nil {
					require.ErrorIs(t, err, tt.cause)
				}
			})
		})
	}
}

// coded is an error of some other library that carries a code.
type coded int

func (c coded) Error() string  { return "secret request data" }
func (c coded) ErrorCode() int { return int(c) }

// While a Fix runs, neither the turn on the key nor the breaker is held: it may
// ask the same API.
func TestFixMayCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lane := newLane(t)
		r := newRetrier(t, retry.Config{Nonces: lane})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		s := play(code(400, "30010"))
		err := retry.Do(ctx, r, s.op, retry.Fix(func(ctx context.Context, _ *classify.Error) (bool, error) {
			return true, retry.Do(ctx, r, s.op)
		}))
		require.NoError(t, err)
		require.Len(t, s.nonces, 3)
		require.Less(t, s.nonces[0], s.nonces[1])
		require.Less(t, s.nonces[1], s.nonces[2])
	})
}

// A server that finds a new mistake in every correction gets no hot loop out of
// it, and the time of the call counts.
func TestFixHasAnEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sends := 0
		op := func(context.Context) error {
			sends++
			return code(400, classify.Code(strconv.Itoa(40000+sends)))
		}
		patch := retry.Fix(func(context.Context, *classify.Error) (bool, error) { return true, nil })
		r := newRetrier(t, retry.Config{})
		require.Equal(t, retry.ErrFixAndResend, asError(t, retry.Do(t.Context(), r, op, patch)).Reason)
		require.Equal(t, 6, sends, "five fixes")

		sends = 0
		slow := retry.Fix(func(context.Context, *classify.Error) (bool, error) { time.Sleep(20 * time.Second); return true, nil })
		require.Equal(t, retry.ErrElapsed, asError(t, retry.Do(t.Context(), r, op, slow)).Reason)
		require.Equal(t, 3, sends, "after 40 s of 30")
	})
}

// What a Fix says is the cause, even if the context ends meanwhile.
func TestErrorOfAFix(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	noSuch := errors.New("no such symbol")
	err := retry.Do(ctx, newRetrier(t, retry.Config{}), always(code(400, "30010")),
		retry.Fix(func(context.Context, *classify.Error) (bool, error) { cancel(); return true, noSuch }))
	require.Equal(t, noSuch, asError(t, err).Cause)
}

// Nobody is asked for a fix that could not be sent.
func TestFixIsNotAskedInVain(t *testing.T) {
	b := newBreaker(t, breaker.Config{})
	r := newRetrier(t, retry.Config{Breaker: b})
	err := retry.Do(t.Context(), r, func(context.Context) error {
		b.Isolate("test")
		return code(400, "30010")
	}, retry.Fix(func(context.Context, *classify.Error) (bool, error) { t.Error("asked"); return true, nil }))
	require.Equal(t, retry.ErrOpen, asError(t, err).Reason)
}

// A server that asks for a correction and for a wait gets both, or neither.
func TestFixAndRetryAfter(t *testing.T) {
	for _, tt := range []struct {
		after  time.Duration
		sent   []time.Duration
		reason error
	}{
		{20 * time.Second, seconds(0, 20), nil},
		{20*time.Second + 1, seconds(0), retry.ErrRetryAfter},
	} {
		synctest.Test(t, func(t *testing.T) {
			lane := newLane(t)
			var wait time.Duration
			r := newRetrier(t, retry.Config{Policies: steady(t, policy.Table{}), Nonces: lane, OnEvent: func(_ context.Context, e retry.Event) {
				wait = max(wait, e.Wait)
			}})
			wrong := code(400, "30010")
			wrong.RetryAfter = tt.after
			s := play(wrong)
			asked := 0
			err := retry.Do(t.Context(), r, s.op, retry.Fix(func(context.Context, *classify.Error) (bool, error) { asked++; return true, nil }))
			require.Equal(t, tt.sent, s.sent)
			require.Equal(t, len(tt.sent)-1, asked)
			if tt.reason != nil {
				require.Equal(t, tt.reason, asError(t, err).Reason)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.after, wait)
		})
	}
}
