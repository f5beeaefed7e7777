package retry_test

import (
	"context"
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

// How a call is made, around others or inside one.
var ways = map[string]func(ctx context.Context, r *retry.Retrier, op func(context.Context) error, opts ...retry.Option) error{
	"Do": retry.Do,
	"DoValue": func(ctx context.Context, r *retry.Retrier, op func(context.Context) error, opts ...retry.Option) error {
		_, err := retry.DoValue(ctx, r, func(ctx context.Context) (int, error) { return 1, op(ctx) }, opts...)
		return err
	},
	"Hedge": func(ctx context.Context, r *retry.Retrier, op func(context.Context) error, opts ...retry.Option) error {
		_, err := retry.Hedge(ctx, r, time.Hour, func(ctx context.Context) (int, error) { return 1, op(ctx) }, opts...)
		return err
	},
}

// Where a call can be made: inside an attempt of r.
var places = map[string]func(ctx context.Context, r *retry.Retrier, inner func(context.Context)) error{
	"an attempt": func(ctx context.Context, r *retry.Retrier, inner func(context.Context)) error {
		return retry.Do(ctx, r, func(ctx context.Context) error { inner(ctx); return nil })
	},
	"a hedge": func(ctx context.Context, r *retry.Retrier, inner func(context.Context)) error {
		return ways["Hedge"](ctx, r, func(ctx context.Context) error { inner(ctx); return nil })
	},
	"Send": func(ctx context.Context, r *retry.Retrier, inner func(context.Context)) error {
		_, err := retry.DoOnce(ctx, r, retry.Operation[int]{ID: "p", Send: func(ctx context.Context) (int, error) { inner(ctx); return 1, nil }})
		return err
	},
	"Verify": func(ctx context.Context, r *retry.Retrier, inner func(context.Context)) error {
		_, err := retry.DoOnce(ctx, r, retry.Operation[int]{
			ID: "p", Send: func(context.Context) (int, error) { return 0, errTimeout },
			Verify: func(ctx context.Context) (int, retry.Outcome, error) { inner(ctx); return 1, retry.Applied, nil },
		})
		return err
	},
}

// Inside an attempt a call of the same Retrier runs once, with the next nonce, and its
// error goes out as it is; one that decides about sending again is ErrNested.
func TestSameRetrierInside(t *testing.T) {
	failure := code(500, -32603)
	for place, in := range places {
		for way, call := range ways {
			t.Run(way+" in "+place, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := newRetrier(t, retry.Config{Nonces: newLane(t)})
					runs := 0
					var nonces []uint64
					require.NoError(t, in(t.Context(), r, func(ctx context.Context) {
						outer, _ := nonce.FromContext(ctx)
						nonces = append(nonces, outer.Nonce())
						require.Equal(t, error(failure), call(ctx, r, func(ctx context.Context) error {
							runs++
							ticket, _ := nonce.FromContext(ctx)
							nonces = append(nonces, ticket.Nonce())
							return failure
						}, retry.Named("inner")))
						for name, opt := range map[string]retry.Option{
							"Resend": retry.Resend(retry.ResendNever), "Fix": retry.Fix(func(context.Context, *classify.Error) (bool, error) { return false, nil }),
						} {
							err := call(ctx, r, func(context.Context) error { runs++; return nil }, opt)
							require.ErrorIs(t, err, retry.ErrNested)
							require.ErrorContains(t, err, name+" decides about sending again")
						}
					}))
					require.Equal(t, 1, runs)
					require.Greater(t, nonces[1], nonces[0])
				})
			})
		}
		t.Run("DoOnce in "+place, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRetrier(t, retry.Config{Nonces: newLane(t)})
				require.NoError(t, in(t.Context(), r, func(ctx context.Context) {
					_, err := retry.DoOnce(ctx, r, retry.Operation[int]{ID: "inner", Send: func(context.Context) (int, error) { t.Error("sent"); return 0, nil }})
					require.ErrorIs(t, err, retry.ErrNested)
				}))
			})
		})
	}
}

// Another Retrier inside a payment is ErrNested, and so is one on the same nonces
// inside any turn; Apart makes it a call of its own. Inside another attempt it is one.
func TestAnotherRetrierInside(t *testing.T) {
	for place, in := range places {
		payment := place == "Send" || place == "Verify"
		t.Run(place, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				lane := newLane(t)
				r, same := newRetrier(t, retry.Config{Nonces: lane}), newRetrier(t, retry.Config{Nonces: lane})
				own, err := nonce.NewLane(nonce.LaneConfig{Key: "own"})
				require.NoError(t, err)
				other := newRetrier(t, retry.Config{Nonces: own, Policies: steady(t, policy.Table{})})
				require.NoError(t, in(t.Context(), r, func(ctx context.Context) {
					s := play(code(503))
					err := retry.Do(ctx, other, s.op)
					if payment {
						require.ErrorIs(t, err, retry.ErrNested)
						require.Empty(t, s.sent)
					} else {
						require.NoError(t, err)
						require.Len(t, s.sent, 2, "with retries of its own")
					}
					require.ErrorIs(t, retry.Do(ctx, same, always(nil)), retry.ErrNested)
					require.ErrorIs(t, retry.Do(retry.Apart(ctx), same, always(nil)), retry.ErrNested, "it would wait for itself, whatever it is about")

					apart := retry.Apart(ctx)
					_, ok := nonce.FromContext(apart)
					require.False(t, ok, "the ticket is hidden")
					s = play(code(503))
					require.NoError(t, retry.Do(apart, other, s.op))
					require.Len(t, s.sent, 2)
					_, err = retry.DoOnce(apart, other, retry.Operation[int]{ID: "another", Send: func(context.Context) (int, error) { return 1, nil }})
					require.NoError(t, err)
				}))
			})
		})
	}
	ctx := t.Context()
	require.Equal(t, ctx, retry.Apart(ctx), "outside of an attempt there is nothing to be apart from")
}

// An Absent that Verify learned through Apart does not count (M4), and the error of a
// call apart is no proof (M3).
func TestApartProvesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		other := newRetrier(t, retry.Config{Key: "other"})
		p := &payment{sends: []error{errTimeout}, looks: []found{absent}}
		p.onLook = func(ctx context.Context) { require.NoError(t, retry.Do(retry.Apart(ctx), other, always(nil))) }
		_, err := pay(t, t.Context(), retry.Config{Nonces: newLane(t)}, p)
		requireOnly(t, err, retry.ErrOutcomeUnknown)
		require.Len(t, p.sent, 1)

		r := newRetrier(t, retry.Config{Nonces: newLane(t)})
		mixed := &payment{sends: []error{errTimeout}, looks: []found{absent}}
		mixed.onLook = func(ctx context.Context) {
			require.NoError(t, retry.Do(retry.Apart(ctx), other, always(nil)))
			require.NoError(t, retry.Do(ctx, r, always(nil)))
		}
		_, err = retry.DoOnce(t.Context(), r, mixed.operation())
		require.NoError(t, err, "what was asked with the operation's own key counts")
		require.Len(t, mixed.sent, 2)

		refused := &payment{looks: []found{applied}}
		refused.changes = func(op *retry.Operation[string]) {
			op.Send = func(ctx context.Context) (string, error) {
				return "", retry.Do(retry.Apart(ctx), other, always(code(400, 30010)))
			}
		}
		_, err = pay(t, t.Context(), retry.Config{}, refused)
		require.NoError(t, err, "so Verify is asked")
		require.NotEmpty(t, refused.looked)
	})
}

// An attempt that is over counts no more, whoever keeps its context; one that is under
// way counts however far out it is, so that nobody waits for itself.
func TestKeptAndOuterContexts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRetrier(t, retry.Config{Nonces: newLane(t)})
		var kept context.Context
		require.NoError(t, retry.Do(t.Context(), r, func(ctx context.Context) error { kept = context.WithoutCancel(ctx); return nil }))
		s := play(code(500, -32603))
		require.NoError(t, retry.Do(kept, r, s.op))
		require.Len(t, s.sent, 2, "a call of its own")
		_, err := retry.DoOnce(kept, r, retry.Operation[int]{ID: "p", Send: func(context.Context) (int, error) { return 1, nil }})
		require.NoError(t, err)

		began := time.Now()
		require.NoError(t, retry.Do(t.Context(), r, func(outer context.Context) error {
			return retry.Do(outer, r, func(context.Context) error {
				return retry.Do(outer, r, func(context.Context) error { return retry.Do(outer, r, always(nil)) })
			})
		}))
		require.Equal(t, began, time.Now())
	})
}

// A first attempt without a turn and an attempt timeout leaves no trace: a call inside
// is one of its own, and its end is the end of the outer one.
func TestInsideABareAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRetrier(t, retry.Config{Policies: steady(t, policy.Table{AttemptTimeout: policy.None})})
		outer, inner := 0, 0
		err := retry.Do(t.Context(), r, func(ctx context.Context) error {
			outer++
			return retry.Do(ctx, r, func(context.Context) error { inner++; return code(500, -32603) })
		})
		require.ErrorIs(t, err, retry.ErrAttempts)
		require.Equal(t, 1, outer)
		require.Equal(t, 4, inner)
	})
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
				require.Error(t, retry.Do(t.Context(), r, always(code(500, -32603))))
				time.Sleep(15 * time.Second)
				require.NoError(t, retry.Do(t.Context(), r, func(ctx context.Context) error { return inside(ctx, r, other) }))
				require.Equal(t, breaker.Closed, b.State())
			})
		})
	}
}
