package retry_test

import (
	"context"
	"errors"
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

func laneOf(t testing.TB, key string) *nonce.Lane {
	t.Helper()
	l, err := nonce.NewLane(nonce.LaneConfig{Key: key})
	require.NoError(t, err)
	return l
}

// halfOpen returns a breaker that lets one call through next, as a probe.
func halfOpen(t testing.TB) *breaker.Breaker {
	t.Helper()
	b := newBreaker(t, breaker.Config{ConsecutiveFailures: 1, Probes: 1})
	lease, err := b.Acquire()
	require.NoError(t, err)
	lease.Done(breaker.Failure)
	time.Sleep(15 * time.Second)
	require.Equal(t, breaker.HalfOpen, b.State())
	return b
}

// locked lists the keys that are locked.
func locked(l *breaker.Lockout) (keys []string) {
	for _, e := range l.Locked() {
		keys = append(keys, e.Key)
	}
	return keys
}

// What the API says of one key locks no other, though the send was part of an
// attempt with that.
func TestPartOnAnotherKeyJudgesItself(t *testing.T) {
	for name, nested := range map[string]func(t *testing.T, lockout *breaker.Lockout, op func(context.Context) error) (key string, err error){
		"in a probe": func(t *testing.T, lockout *breaker.Lockout, op func(context.Context) error) (string, error) {
			b := halfOpen(t)
			outer := newRetrier(t, retry.Config{Nonces: laneOf(t, "a"), Breaker: b, Lockout: lockout})
			inner := newRetrier(t, retry.Config{Nonces: laneOf(t, "b"), Breaker: b, Lockout: lockout})
			return "b", retry.Do(t.Context(), outer, nest(inner, 2, op))
		},
		"in a probe, without lanes": func(t *testing.T, lockout *breaker.Lockout, op func(context.Context) error) (string, error) {
			b := halfOpen(t)
			outer := newRetrier(t, retry.Config{Key: "a", Breaker: b, Lockout: lockout})
			inner := newRetrier(t, retry.Config{Key: "b", Breaker: b, Lockout: lockout})
			return "b", retry.Do(t.Context(), outer, nest(inner, 2, op))
		},
		"two turns further in": func(t *testing.T, lockout *breaker.Lockout, op func(context.Context) error) (string, error) {
			a := newRetrier(t, retry.Config{Nonces: laneOf(t, "a"), Lockout: lockout})
			b := newRetrier(t, retry.Config{Nonces: laneOf(t, "b"), Lockout: lockout})
			return "a", retry.Do(t.Context(), a, nest(b, 2, nest(a, 2, op)))
		},
		"behind a key without a lane": func(t *testing.T, lockout *breaker.Lockout, op func(context.Context) error) (string, error) {
			a := newRetrier(t, retry.Config{Nonces: laneOf(t, "a"), Lockout: lockout})
			b := newRetrier(t, retry.Config{Key: "b", Lockout: lockout})
			return "a", retry.Do(t.Context(), a, nest(b, 2, nest(a, 2, op)))
		},
		"with a ticket put there by hand": func(t *testing.T, lockout *breaker.Lockout, op func(context.Context) error) (string, error) {
			ticket, err := laneOf(t, "a").Enter(t.Context())
			require.NoError(t, err)
			return "a", retry.Do(nonce.NewContext(t.Context(), ticket), newRetrier(t, retry.Config{Lockout: lockout}), op)
		},
	} {
		for _, tt := range []struct {
			err    error
			reason error
		}{
			{code(403, 100), retry.ErrFatal},
			{code(403, 50), retry.ErrAttempts},
			{code(500, -32603), retry.ErrAttempts},
			{code(400, 30010), retry.ErrFixAndResend},
			{errors.New("?"), retry.ErrUnclassified},
		} {
			t.Run(name+", "+tt.err.Error(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					lockout := new(breaker.Lockout)
					sends := 0
					key, err := nested(t, lockout, func(context.Context) error { sends++; return tt.err })
					e := asError(t, err)
					require.Equal(t, tt.reason, e.Reason)
					require.Equal(t, 1, e.Attempts)
					require.Equal(t, 1, sends, "passed on, not repeated")
					require.ErrorIs(t, err, tt.err)
					if tt.reason == retry.ErrAttempts {
						require.ErrorContains(t, err, "retry: sent once, inside the attempt of another call: HTTP ")
					}
					if tt.reason == retry.ErrFatal {
						require.Equal(t, []string{key}, locked(lockout))
					} else {
						require.Empty(t, locked(lockout))
					}
				})
			})
		}
	}
}

// The probe that a part on another key is made in succeeds or fails with it.
func TestProbeThatAPartOnAnotherKeyIsMadeIn(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want breaker.State
	}{{nil, breaker.Closed}, {code(500, -32603), breaker.Open}, {code(403, 100), breaker.Closed}} {
		synctest.Test(t, func(t *testing.T) {
			b := halfOpen(t)
			outer := newRetrier(t, retry.Config{Key: "a", Breaker: b})
			inner := newRetrier(t, retry.Config{Nonces: laneOf(t, "b"), Breaker: b})
			_ = retry.Do(t.Context(), outer, nest(inner, 2, always(tt.err)))
			require.Equal(t, tt.want, b.State())
		})
	}
}

// A part that the end of its context ended says so, and is not hidden by the
// cause of that.
func TestPartOnAnotherKeyIsCanceled(t *testing.T) {
	b := newRetrier(t, retry.Config{Key: "b"})
	a := newRetrier(t, retry.Config{Nonces: laneOf(t, "a")})
	ctx, cancel := context.WithCancelCause(t.Context())
	sibling := code(403, 100)
	err := retry.Do(ctx, a, nest(b, 2, nest(a, 2, func(ctx context.Context) error {
		cancel(sibling)
		return context.Cause(ctx)
	})))
	require.Equal(t, retry.ErrCanceled, asError(t, err).Reason)
	require.Equal(t, context.Canceled, asError(t, err).Last)
	require.Empty(t, locked(a.Lockout()))
}

// A retrier without a name and a source goes along with a turn only if it has to
// do with the same API.
func TestPlainRetrierOfAnotherAPI(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		another, err := classify.NewCatalog("another", classify.Rule{First: 100, Name: "Too many rows", Class: classify.Fatal},
			classify.Rule{First: 1, Name: "Busy", Class: classify.Retryable})
		require.NoError(t, err)
		outer := newRetrier(t, retry.Config{Nonces: newLane(t)})
		policies, err := policy.Standard().With(policy.Table{Default: policy.Policy{Backoff: policy.Backoff{Initial: time.Second, Jitter: policy.JitterNone}}})
		require.NoError(t, err)
		s := play(code(500, 1))
		for name, other := range map[string]retry.Config{
			"a catalog of its own":    {Classifier: another, Policies: policies},
			"a classifier of its own": {Classifier: classify.Func(another.Classify), Policies: policies},
		} {
			s := play(code(500, 1))
			r := newRetrier(t, other)
			require.NoError(t, retry.Do(t.Context(), outer, nest(r, 2, s.op)), name)
			require.Equal(t, seconds(0, 1), s.sent, "a call of its own")
			require.Error(t, retry.Do(t.Context(), outer, nest(r, 2, always(code(403, 100)))))
			require.Empty(t, locked(outer.Lockout()), "the code of another API")
		}

		same := newRetrier(t, retry.Config{Classifier: another, Lockout: outer.Lockout()})
		first := uint64(0)
		require.NoError(t, retry.Do(t.Context(), outer, func(ctx context.Context) error {
			ticket, _ := nonce.FromContext(ctx)
			first = ticket.Nonce()
			return retry.Do(ctx, same, s.op)
		}))
		require.Len(t, s.nonces, 2, "a part, that the outer call repeats")
		require.Greater(t, s.nonces[1], first, "with a nonce of its own")
	})
}

// The breaker of an inner call hears of every send, though the turn is another
// call's that has another breaker, or none.
func TestPartWithABreakerOfItsOwn(t *testing.T) {
	for name, outerBreaker := range map[string]*breaker.Breaker{"none": nil, "another": newBreaker(t, breaker.Config{ConsecutiveFailures: 5})} {
		t.Run("outside "+name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBreaker(t, breaker.Config{ConsecutiveFailures: 5})
				lane, lockout := newLane(t), new(breaker.Lockout)
				outer := newRetrier(t, retry.Config{Nonces: lane, Lockout: lockout, Breaker: outerBreaker, Policies: steady(t, policy.Table{})})
				inner := newRetrier(t, retry.Config{Nonces: lane, Lockout: lockout, Breaker: b})

				err := retry.Do(t.Context(), outer, nest(inner, 3, always(code(500, -32603))))
				require.Equal(t, 4, asError(t, err).Attempts, "it is the outer call that repeats")
				require.Equal(t, breaker.Closed, b.State(), "four sends are four failures, however deep")
				require.Error(t, retry.Do(t.Context(), outer, nest(inner, 2, always(code(500, -32603)))))
				require.Equal(t, breaker.Open, b.State())
				if outerBreaker != nil {
					require.Equal(t, breaker.Open, outerBreaker.State(), "each breaker hears of each send")
					outerBreaker.Reset()
				}
				s := play()
				require.ErrorIs(t, retry.Do(t.Context(), outer, nest(inner, 2, s.op)), retry.ErrOpen)
				require.Empty(t, s.sent)

				b.Reset()
				require.Error(t, retry.Do(t.Context(), outer, nest(inner, 2, always(code(403, 140)))))
				require.ErrorContains(t, b.Check(), "140 REST API suspended")
			})
		})
	}
}

// A part is the probe of its own breaker if that is half-open, and then calls
// further in are a part of that.
func TestPartIsAProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := halfOpen(t)
		lane, err := nonce.NewLane(nonce.LaneConfig{Key: "lane", InFlight: 100})
		require.NoError(t, err)
		outer := newRetrier(t, retry.Config{Nonces: lane})
		inner := newRetrier(t, retry.Config{Nonces: lane, Breaker: b})
		sends := make(chan bool, 100)
		done := make(chan error, 100)
		for range 100 {
			go func() {
				done <- retry.Do(t.Context(), outer, nest(inner, 3, func(context.Context) error {
					sends <- true
					time.Sleep(time.Second)
					return nil
				}))
			}()
		}
		synctest.Wait()
		require.Len(t, sends, 1, "one probe")
		refused := 0
		for range 100 {
			if err := <-done; err != nil {
				require.ErrorIs(t, err, retry.ErrOpen)
				refused++
			}
		}
		require.Equal(t, 99, refused)
		require.Equal(t, breaker.Closed, b.State())
	})
}

// Whatever ends a part, its lease is given back.
func TestPartThatPanicsGivesItsLeaseBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := halfOpen(t)
		lane := newLane(t)
		outer := newRetrier(t, retry.Config{Nonces: lane})
		inner := newRetrier(t, retry.Config{Nonces: lane, Breaker: b})
		require.PanicsWithValue(t, "boom", func() {
			_ = retry.Do(t.Context(), outer, nest(inner, 2, func(context.Context) error { panic("boom") }))
		})
		require.NoError(t, retry.Do(t.Context(), outer, nest(inner, 2, play().op)), "lane, gate and breaker are free")
		require.Equal(t, breaker.Closed, b.State())
	})
}

// A silent server holds a part for no longer than its attempt timeout.
func TestPartHasItsAttemptTimeout(t *testing.T) {
	silent := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	for name, outer := range map[string]func(t *testing.T, lane *nonce.Lane) (cfg, inner retry.Config){
		"in a turn": func(t *testing.T, lane *nonce.Lane) (cfg, inner retry.Config) {
			return retry.Config{Nonces: lane}, retry.Config{Nonces: lane}
		},
		"in a probe": func(t *testing.T, lane *nonce.Lane) (cfg, inner retry.Config) {
			b := halfOpen(t)
			return retry.Config{Key: "other", Breaker: b}, retry.Config{Nonces: lane, Breaker: b}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg, inner := outer(t, newLane(t))
				cfg.Policies = steady(t, policy.Table{AttemptTimeout: policy.None, Default: policy.Policy{MaxAttempts: 1}})
				ctx, cancel := context.WithTimeout(t.Context(), 24*time.Hour)
				defer cancel()
				begin := time.Now()
				err := retry.Do(ctx, newRetrier(t, cfg), nest(newRetrier(t, inner), 2, silent))
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.Equal(t, 10*time.Second, time.Since(begin))
			})
		})
	}
}

// Nor is it sent on a context that ended while the source was at work.
func TestContextEndsRightBeforeAPart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		last := uint64(1)
		r := newRetrier(t, retry.Config{Nonces: source(func(context.Context) (*nonce.Ticket, error) {
			return nonce.NewTicket("own", last, func(context.Context) (*nonce.Ticket, error) {
				cancel()
				last++
				return nonce.NewTicket("own", last, nil, nil), nil
			}, nil), nil
		})})
		s := play()
		err := retry.Do(ctx, r, nest(r, 2, s.op))
		require.Equal(t, retry.ErrCanceled, asError(t, err).Reason)
		require.Empty(t, s.sent, "in a turn")

		b := halfOpen(t)
		ctx, cancel = context.WithCancel(t.Context())
		left := false
		r = newRetrier(t, retry.Config{Breaker: b, Nonces: source(func(context.Context) (*nonce.Ticket, error) {
			cancel()
			return nonce.NewTicket("own", 1, nil, func() { left = true }), nil
		})})
		err = retry.Do(ctx, newRetrier(t, retry.Config{Breaker: b, Key: "other"}), nest(r, 2, s.op))
		require.Equal(t, retry.ErrCanceled, asError(t, err).Reason)
		require.Empty(t, s.sent, "in a probe")
		require.True(t, left)
	})
}
