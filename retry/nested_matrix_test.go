package retry_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// A nesting is a way to put a call into another one, and what it is to be compared
// with: the same without the inner call.
type nesting struct {
	name         string
	nested, flat func(ctx context.Context, r *retry.Retrier, op func(context.Context) error) error
}

var nestings = []nesting{
	{"Do in Do", func(ctx context.Context, r *retry.Retrier, op func(context.Context) error) error {
		return retry.Do(ctx, r, inDo(r, op))
	}, flatDo},
	{"DoValue in Do", func(ctx context.Context, r *retry.Retrier, op func(context.Context) error) error {
		return retry.Do(ctx, r, inDoValue(r, op))
	}, flatDo},
	{"Do in DoValue in Do", func(ctx context.Context, r *retry.Retrier, op func(context.Context) error) error {
		return retry.Do(ctx, r, inDoValue(r, inDo(r, op)))
	}, flatDo},
	{"Do in Hedge", func(ctx context.Context, r *retry.Retrier, op func(context.Context) error) error {
		_, err := retry.Hedge(ctx, r, time.Hour, func(ctx context.Context) (int, error) { return 0, inDo(r, op)(ctx) })
		return err
	}, flatDo},
	{"Do in DoOnce's Send", func(ctx context.Context, r *retry.Retrier, op func(context.Context) error) error {
		return paid(ctx, r, inDo(r, op), absentAlways)
	}, flatSend},
	{"three deep in DoOnce's Send", func(ctx context.Context, r *retry.Retrier, op func(context.Context) error) error {
		return paid(ctx, r, inDo(r, inDoValue(r, op)), absentAlways)
	}, flatSend},
	{"Do in DoOnce's Verify", func(ctx context.Context, r *retry.Retrier, op func(context.Context) error) error {
		return paid(ctx, r, always(errTimeout), inDo(r, op))
	}, flatVerify},
	{"three deep in DoOnce's Verify", func(ctx context.Context, r *retry.Retrier, op func(context.Context) error) error {
		return paid(ctx, r, always(errTimeout), inDoValue(r, inDo(r, op)))
	}, flatVerify},
}

func flatDo(ctx context.Context, r *retry.Retrier, op func(context.Context) error) error {
	return retry.Do(ctx, r, op)
}

func flatSend(ctx context.Context, r *retry.Retrier, op func(context.Context) error) error {
	return paid(ctx, r, op, absentAlways)
}

func flatVerify(ctx context.Context, r *retry.Retrier, op func(context.Context) error) error {
	return paid(ctx, r, always(errTimeout), op)
}

func inDo(r *retry.Retrier, op func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error { return retry.Do(ctx, r, op) }
}

func inDoValue(r *retry.Retrier, op func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := retry.DoValue(ctx, r, func(ctx context.Context) (int, error) { return 7, op(ctx) })
		return err
	}
}

func absentAlways(context.Context) error { return errAbsent }

var errAbsent = fmt.Errorf("the API knows of no such payment")

// paid makes a payment whose lookup says Absent where look fails so, and Applied
// where it does not fail.
func paid(ctx context.Context, r *retry.Retrier, send, look func(context.Context) error) error {
	_, err := retry.DoOnce(ctx, r, retry.Operation[int]{
		ID:   "inv-7",
		Send: func(ctx context.Context) (int, error) { return 7, send(ctx) },
		Verify: func(ctx context.Context) (int, retry.Outcome, error) {
			switch err := look(ctx); err {
			case nil:
				return 7, retry.Applied, nil
			case errAbsent:
				return 0, retry.Absent, nil
			default:
				return 0, retry.Undecided, err
			}
		},
	})
	return err
}

// What a call comes to, as far as the world sees it.
type seen struct {
	sends   int
	reason  error
	took    time.Duration
	breaker string
	tokens  int
}

// agrees compares a nested call with a flat one. The waits between lookups are
// drawn, and so is how many of them fit into the time.
func (got seen) agrees(t *testing.T, flat seen) {
	t.Helper()
	require.Equal(t, flat.reason, got.reason)
	require.Equal(t, flat.breaker, got.breaker)
	require.InDelta(t, flat.sends, got.sends, float64(flat.sends/8), "sends")
	require.InDelta(t, flat.took.Seconds(), got.took.Seconds(), 15+flat.took.Seconds()/8, "time")
	require.Equal(t, flat.tokens, got.tokens, "tokens")
}

// L3: in every combination a call inside a call of the same Retrier sends as often as
// one by itself, comes to the same end in the same time, and does the same to breaker
// and budget: so it never waits for itself, and never multiplies.
func TestNestingMatrix(t *testing.T) {
	scripts := map[string]func() *script{
		"succeeds":         func() *script { return play() },
		"fails for ever":   func() *script { return play(repeated(code(503), 1000)...) },
		"fails for good":   func() *script { return play(repeated(code(403, "80"), 1000)...) },
		"recovers":         func() *script { return play(code(503), code(503)) },
		"code 50":          func() *script { return play(code(403, "50")) },
		"answers too late": func() *script { return play(errTimeout, errTimeout) },
	}
	breakers := []string{"no breaker", "closed", "half-open with one probe"}
	for _, n := range nestings {
		for script, play := range scripts {
			for _, lane := range []bool{false, true} {
				for _, state := range breakers {
					t.Run(fmt.Sprintf("%s/%s/lane %v/%s", n.name, script, lane, state), func(t *testing.T) {
						flat := see(t, lane, state, n.flat, play())
						nested := see(t, lane, state, n.nested, play())
						nested.agrees(t, flat)
					})
				}
			}
		}
	}
}

func repeated(err error, n int) []error {
	errs := make([]error, n)
	for i := range errs {
		errs[i] = err
	}
	return errs
}

// see makes the call in a world of its own.
func see(t *testing.T, lane bool, state string, call func(context.Context, *retry.Retrier, func(context.Context) error) error, s *script) (got seen) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		cfg := retry.Config{Policies: steady(t, policy.Table{})}
		if lane {
			cfg.Nonces = newLane(t)
		}
		if state != "no breaker" {
			b, err := breaker.New(breaker.Config{Probes: 1, OpenFor: 10 * time.Second, MaxOpenFor: 10 * time.Second, ConsecutiveFailures: 3})
			require.NoError(t, err)
			cfg.Breaker = b
		}
		r := newRetrier(t, cfg)
		if state == "half-open with one probe" {
			lease, err := cfg.Breaker.Acquire()
			require.NoError(t, err)
			lease.Done(breaker.Trip)
			time.Sleep(10 * time.Second)
			require.Equal(t, breaker.HalfOpen, cfg.Breaker.State())
		}
		began := time.Now()
		err := call(t.Context(), r, s.op)
		got = seen{sends: len(s.sent), took: time.Since(began), tokens: r.Budget().Tokens()}
		if err != nil {
			got.reason = asError(t, err).Reason
		}
		if cfg.Breaker != nil {
			got.breaker = cfg.Breaker.State().String()
		}
	})
	return got
}
