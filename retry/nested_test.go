package retry_test

import (
	"context"
	"errors"
	"fmt"
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

// nest wraps op into calls inside calls, depth deep.
func nest(r *retry.Retrier, depth int, op func(context.Context) error) func(context.Context) error {
	for range depth - 1 {
		inner := op
		op = func(ctx context.Context) error {
			if err := retry.Do(ctx, r, inner); err != nil {
				return fmt.Errorf("a layer that wraps what it gets: %w", err)
			}
			return nil
		}
	}
	return op
}

// L3: however deep calls are nested, no more is sent than by one call, and none waits
// for itself.
func TestNestingDoesNotMultiply(t *testing.T) {
	for _, lane := range []bool{false, true} {
		for depth := 1; depth <= 4; depth++ {
			t.Run(fmt.Sprintf("lane %v, %d deep", lane, depth), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					cfg := retry.Config{Policies: steady(t, policy.Table{AttemptTimeout: policy.None})}
					if lane {
						cfg.Nonces = newLane(t)
					}
					r := newRetrier(t, cfg)
					ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
					defer cancel()

					internal := code(500, "-32603")
					s := play(internal, internal, internal, internal, internal, internal, internal, internal)
					err := retry.Do(ctx, r, nest(r, depth, s.op))
					require.Equal(t, seconds(0, 1, 3, 7), s.sent, "as one call")
					require.Equal(t, retry.ErrAttempts, asError(t, err).Reason)
					require.Equal(t, 4, asError(t, err).Attempts)
					require.ErrorIs(t, err, internal)

					s = play(internal, code(403, "50"), internal)
					require.NoError(t, retry.Do(ctx, r, nest(r, depth, s.op)))
					require.Len(t, s.sent, 4)
					for i := range s.nonces[:max(len(s.nonces), 1)-1] {
						require.Less(t, s.nonces[i], s.nonces[i+1], "each send has a nonce of its own")
					}
				})
			})
		}
	}
}

// An operation may send more than once in its turn: each inner call takes a
// newer nonce.
func TestInnerCallsShareTheTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRetrier(t, retry.Config{Nonces: newLane(t)})
		s := play()
		require.NoError(t, retry.Do(t.Context(), r, func(ctx context.Context) error {
			require.NoError(t, s.op(ctx))
			for range 3 {
				require.NoError(t, retry.Do(ctx, r, s.op))
			}
			return nil
		}))
		require.NoError(t, retry.Do(t.Context(), r, s.op))
		require.Len(t, s.nonces, 5)
		for i := range s.nonces[1:] {
			require.Less(t, s.nonces[i], s.nonces[i+1])
		}
	})
}

// A call inside the one probe of a half-open breaker goes with that probe, and the
// breaker recovers, or does not, like with a flat call.
func TestNestingInAProbe(t *testing.T) {
	for _, lane := range []bool{false, true} {
		for depth := 1; depth <= 3; depth++ {
			t.Run(fmt.Sprintf("lane %v, %d deep", lane, depth), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b := newBreaker(t, breaker.Config{ConsecutiveFailures: 1, Probes: 1})
					cfg := retry.Config{Breaker: b, Policies: steady(t, policy.Table{})}
					if lane {
						cfg.Nonces = newLane(t)
					}
					r := newRetrier(t, cfg)
					internal := code(500, "-32603")
					s := play(internal, internal, nil)
					op := nest(r, depth, s.op)

					require.ErrorIs(t, retry.Do(t.Context(), r, op), retry.ErrOpen)
					time.Sleep(12 * time.Second)
					require.Equal(t, breaker.HalfOpen, b.State())
					require.ErrorIs(t, retry.Do(t.Context(), r, op), internal, "the probe fails")
					require.Equal(t, breaker.Open, b.State())
					time.Sleep(24 * time.Second)
					require.NoError(t, retry.Do(t.Context(), r, op))
					require.Equal(t, breaker.Closed, b.State())
					require.Len(t, s.sent, 3)
				})
			})
		}
	}
}

// A probe that makes calls is one probe: they go with it, so that the breaker closes.
func TestCallsInsideAProbe(t *testing.T) {
	for name, inside := range map[string]func(ctx context.Context, r, other *retry.Retrier) error{
		"the same Retrier":         func(ctx context.Context, r, _ *retry.Retrier) error { return retry.Do(ctx, r, always(nil)) },
		"another, on that breaker": func(ctx context.Context, _, other *retry.Retrier) error { return retry.Do(ctx, other, always(nil)) },
		"another, apart": func(ctx context.Context, _, other *retry.Retrier) error {
			return retry.Do(retry.Apart(ctx), other, always(nil))
		},
		"a payment, apart": func(ctx context.Context, _, other *retry.Retrier) error {
			_, err := retry.DoOnce(retry.Apart(ctx), other, retry.Operation[int]{ID: "p", Send: func(context.Context) (int, error) { return 1, nil }})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBreaker(t, breaker.Config{ConsecutiveFailures: 1, Probes: 1})
				r, other := newRetrier(t, retry.Config{Breaker: b}), newRetrier(t, retry.Config{Breaker: b, Key: "other"})
				require.Error(t, retry.Do(t.Context(), r, always(code(500, "-32603"))))
				time.Sleep(15 * time.Second)
				require.NoError(t, retry.Do(t.Context(), r, func(ctx context.Context) error { return inside(ctx, r, other) }))
				require.Equal(t, breaker.Closed, b.State())
			})
		})
	}
}

// A failure inside an attempt counts against the breaker once, for that attempt,
// whose call ever it came out of.
func TestInnerFailuresCountOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker(t, breaker.Config{ConsecutiveFailures: 5})
		r := newRetrier(t, retry.Config{Breaker: b, Policies: steady(t, policy.Table{})})
		err := retry.Do(t.Context(), r, nest(r, 3, always(code(500, "-32603"))))
		require.Equal(t, retry.ErrAttempts, asError(t, err).Reason)
		require.Equal(t, breaker.Closed, b.State(), "four sends, four failures")

		other := newRetrier(t, retry.Config{Policies: steady(t, policy.Table{})})
		err = retry.Do(t.Context(), r, nest(other, 2, always(code(500, "-32603"))))
		require.Error(t, err)
		require.Equal(t, breaker.Open, b.State(), "that of another Retrier, without this breaker: one more")
	})
}

// An inner call of another Retrier, on a key of its own, is a call of its own.
func TestInnerCallOnAnotherKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		outer := newRetrier(t, retry.Config{Nonces: newLane(t), Policies: steady(t, policy.Table{AttemptTimeout: policy.None})})
		lane, err := nonce.NewLane(nonce.LaneConfig{Key: "another"})
		require.NoError(t, err)
		inner := newRetrier(t, retry.Config{Nonces: lane, Policies: steady(t, policy.Table{})})
		s := play(code(500, "-32603"), code(500, "-32603"))
		require.NoError(t, retry.Do(t.Context(), outer, func(ctx context.Context) error {
			return retry.Do(ctx, inner, s.op)
		}))
		require.Equal(t, seconds(0, 1, 3), s.sent)
	})
}

// Somebody keeps the context of an attempt that is over: a call with it is
// a call like any other.
func TestContextOfAnAttemptThatIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker(t, breaker.Config{ConsecutiveFailures: 1, Probes: 1})
		r := newRetrier(t, retry.Config{Nonces: newLane(t), Breaker: b, Policies: steady(t, policy.Table{AttemptTimeout: policy.None})})
		require.Error(t, retry.Do(t.Context(), r, always(code(500, "-32603"))))
		time.Sleep(15 * time.Second)
		var kept context.Context
		require.NoError(t, retry.Do(t.Context(), r, func(ctx context.Context) error { kept = ctx; return nil }))
		s := play(code(403, "50"), code(403, "50"))
		require.NoError(t, retry.Do(kept, r, s.op), "with the resyncs that an inner call leaves to the outer one")

		b.Isolate("test")
		require.ErrorIs(t, retry.Do(kept, r, s.op), retry.ErrOpen, "and refused like one")
	})
}

// What ends an inner call ends the outer one, for the inner one's reason.
func TestInnerEndIsPassedOn(t *testing.T) {
	inner := newRetrier(t, retry.Config{Key: "inner"})
	inner.Lockout().Lock("inner", breaker.LockCause{Code: "100"})
	outer := newRetrier(t, retry.Config{})
	sends := 0
	err := retry.Do(t.Context(), outer, func(ctx context.Context) error {
		sends++
		return retry.Do(ctx, inner, always(nil))
	})
	require.Equal(t, 1, sends)
	require.ErrorIs(t, err, retry.ErrLockedOut)
	require.NotErrorIs(t, err, retry.ErrUnclassified)
	require.NoError(t, outer.Lockout().Check(""), "the inner key is no business of the outer lockout")
}

// An operation that returns an inner error beside another one is judged by the
// inner one.
func TestJoinedInnerError(t *testing.T) {
	r := newRetrier(t, retry.Config{Policies: steady(t, policy.Table{})})
	sends := 0
	err := retry.Do(t.Context(), r, func(ctx context.Context) error {
		sends++
		return errors.Join(errors.New("rollback"), retry.Do(ctx, r, always(code(403, "80"))))
	})
	require.Equal(t, 1, sends)
	require.ErrorIs(t, err, retry.ErrFatal)
	var answer *classify.Error
	require.ErrorAs(t, err, &answer)
}

// On one goroutine over the keys a, b and a again: the innermost call finds the
// turn of the outermost.
func TestInnermostCallOnTheOutermostKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r [2]*retry.Retrier
		for i, key := range []string{"a", "b"} {
			lane, err := nonce.NewLane(nonce.LaneConfig{Key: key})
			require.NoError(t, err)
			r[i] = newRetrier(t, retry.Config{Nonces: lane})
		}
		var keys []string
		note := func(ctx context.Context) {
			ticket, _ := nonce.FromContext(ctx)
			keys = append(keys, ticket.Key())
		}
		begin := time.Now()
		require.NoError(t, retry.Do(t.Context(), r[0], func(ctx context.Context) error {
			note(ctx)
			return retry.Do(ctx, r[1], func(ctx context.Context) error {
				note(ctx)
				return retry.Do(ctx, r[0], func(ctx context.Context) error {
					note(ctx)
					return retry.Do(ctx, r[1], func(ctx context.Context) error { note(ctx); return nil })
				})
			})
		}))
		require.Equal(t, begin, time.Now(), "nobody waits")
		require.Equal(t, []string{"a", "b", "a", "b"}, keys)
	})
}

// In a probe, an inner call on another key goes out with that key, or not at all
// if it is locked.
func TestNestingInAProbeOnAnotherKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker(t, breaker.Config{ConsecutiveFailures: 1, Probes: 1})
		other, err := nonce.NewLane(nonce.LaneConfig{Key: "other"})
		require.NoError(t, err)
		outer := newRetrier(t, retry.Config{Nonces: newLane(t), Breaker: b})
		inner := newRetrier(t, retry.Config{Nonces: other, Breaker: b})
		probe := func(op func(context.Context) error) error {
			b.Reset()
			require.Error(t, retry.Do(t.Context(), outer, always(code(500, "-32603"))))
			time.Sleep(15 * time.Second)
			return retry.Do(t.Context(), outer, func(ctx context.Context) error { return retry.Do(ctx, inner, op) })
		}
		require.NoError(t, probe(func(ctx context.Context) error {
			ticket, ok := nonce.FromContext(ctx)
			require.True(t, ok)
			require.Equal(t, "other", ticket.Key())
			return nil
		}))
		ticket, err := other.Enter(t.Context())
		require.NoError(t, err, "and its turn is given back")
		ticket.Leave()
		inner.Lockout().Lock("other", breaker.LockCause{Code: "100"})
		s := play()
		require.ErrorIs(t, probe(s.op), retry.ErrLockedOut)
		require.Empty(t, s.sent)

		own := newRetrier(t, retry.Config{Key: "other", Breaker: b, Lockout: inner.Lockout()})
		inner = own
		require.ErrorIs(t, probe(s.op), retry.ErrLockedOut, "without a source as well")
		require.Empty(t, s.sent)
	})
}

// Calls of another Retrier obey their own lockout and breaker, and are repeated.
func TestInnerCallToAnotherAPI(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		outer := newRetrier(t, retry.Config{Nonces: newLane(t), Policies: steady(t, policy.Table{AttemptTimeout: policy.None})})
		b := newBreaker(t, breaker.Config{})
		fx := newRetrier(t, retry.Config{Key: "fx", Breaker: b, Policies: steady(t, policy.Table{})})
		s := play(code(500, "-32603"))
		call := func() error {
			return retry.Do(t.Context(), outer, func(ctx context.Context) error { return retry.Do(ctx, fx, s.op) })
		}
		require.NoError(t, call())
		require.Equal(t, seconds(0, 1), s.sent, "repeated")

		require.ErrorIs(t, retry.Do(t.Context(), outer, func(ctx context.Context) error {
			return retry.Do(ctx, fx, always(code(403, "100")))
		}), retry.ErrFatal)
		require.NoError(t, outer.Lockout().Check("lane"), "its answers lock its own key only")
		require.Error(t, fx.Lockout().Check("fx"))
		require.ErrorIs(t, call(), retry.ErrLockedOut)
		fx.Lockout().Unlock("fx")
		b.Isolate("test")
		require.ErrorIs(t, call(), retry.ErrOpen)
		require.Len(t, s.sent, 2)
	})
}

// Three levels deep, the one in the middle of another Retrier: the innermost call
// still goes with the outermost one's probe.
func TestProbeTwoLevelsOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker(t, breaker.Config{ConsecutiveFailures: 1, Probes: 1})
		r := newRetrier(t, retry.Config{Breaker: b})
		middle := newRetrier(t, retry.Config{Key: "another"})
		require.Error(t, retry.Do(t.Context(), r, always(code(500, "-32603"))))
		time.Sleep(15 * time.Second)
		s := play()
		require.NoError(t, retry.Do(t.Context(), r, func(ctx context.Context) error {
			return retry.Do(ctx, middle, func(ctx context.Context) error { return retry.Do(ctx, r, s.op) })
		}))
		require.Len(t, s.sent, 1)
		require.Equal(t, breaker.Closed, b.State())
	})
}

// Inside a probe, too, nothing is sent on a context that is over.
func TestCallInAProbeOnAnEndedContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker(t, breaker.Config{ConsecutiveFailures: 1, Probes: 1})
		r := newRetrier(t, retry.Config{Breaker: b})
		require.Error(t, retry.Do(t.Context(), r, always(code(500, "-32603"))))
		time.Sleep(15 * time.Second)
		ctx, cancel := context.WithCancel(t.Context())
		s := play()
		require.ErrorIs(t, retry.Do(ctx, r, func(ctx context.Context) error {
			cancel()
			return retry.Do(ctx, r, s.op)
		}), retry.ErrCanceled)
		require.Empty(t, s.sent)
	})
}

// Without a lane, too, a probe that is over is nothing to go with.
func TestContextOfAProbeThatIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker(t, breaker.Config{ConsecutiveFailures: 1, Probes: 1})
		r := newRetrier(t, retry.Config{Breaker: b, Policies: steady(t, policy.Table{AttemptTimeout: policy.None})})
		require.Error(t, retry.Do(t.Context(), r, always(code(500, "-32603"))))
		time.Sleep(15 * time.Second)
		var kept context.Context
		require.NoError(t, retry.Do(t.Context(), r, func(ctx context.Context) error { kept = ctx; return nil }))
		b.Isolate("test")
		s := play()
		require.ErrorIs(t, retry.Do(kept, r, s.op), retry.ErrOpen)
		require.Empty(t, s.sent)
	})
}

// In the first attempt of an inner call the outer one's number is no number.
func TestAttemptFromInAnInnerCall(t *testing.T) {
	inner := newRetrier(t, retry.Config{Policies: policy.Standard()})
	outer := newRetrier(t, retry.Config{Policies: steady(t, policy.Table{Default: policy.Policy{Backoff: policy.Backoff{Initial: policy.None}}})})
	s := play(code(500, "-32603"), code(500, "-32603"))
	require.NoError(t, retry.Do(t.Context(), outer, func(ctx context.Context) error {
		require.NoError(t, retry.Do(ctx, inner, func(ctx context.Context) error {
			_, ok := retry.AttemptFrom(ctx)
			require.False(t, ok)
			return nil
		}))
		return s.op(ctx)
	}))
	require.Len(t, s.sent, 3)
}
