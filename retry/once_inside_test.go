package retry_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/retry"
)

// Whatever calls Send makes, its request goes out once for each send of the payment: a
// call of the same Retrier runs once, and one of another is ErrNested. Where it is made
// apart all the same, what came of it proves nothing, however well its last send was
// refused (M3).
func TestCallsInsideSendSendOnce(t *testing.T) {
	for name, tt := range map[string]struct {
		inside func(same, other *retry.Retrier) func(context.Context, func(context.Context) error) error
		sends  int
		want   error // nil: paid, by what Verify finds
	}{
		"the same Retrier": {func(same, _ *retry.Retrier) func(context.Context, func(context.Context) error) error {
			return func(ctx context.Context, op func(context.Context) error) error { return retry.Do(ctx, same, op) }
		}, 1, nil},
		"the same, three deep": {func(same, _ *retry.Retrier) func(context.Context, func(context.Context) error) error {
			return func(ctx context.Context, op func(context.Context) error) error {
				return retry.Do(ctx, same, inDo(same, op))
			}
		}, 1, nil},
		"another": {func(_, other *retry.Retrier) func(context.Context, func(context.Context) error) error {
			return func(ctx context.Context, op func(context.Context) error) error { return retry.Do(ctx, other, op) }
		}, 0, retry.ErrNested},
		"another, with a fallback": {func(_, other *retry.Retrier) func(context.Context, func(context.Context) error) error {
			return func(ctx context.Context, op func(context.Context) error) error {
				_, err := retry.DoValue(ctx, other, func(ctx context.Context) (int, error) { return 1, op(ctx) }, fallingBackTo(7))
				return err
			}
		}, 0, retry.ErrNested},
		"the same, with a fallback": {func(same, _ *retry.Retrier) func(context.Context, func(context.Context) error) error {
			return func(ctx context.Context, op func(context.Context) error) error {
				_, err := retry.DoValue(ctx, same, func(ctx context.Context) (int, error) { return 1, op(ctx) }, fallingBackTo(7))
				return err
			}
		}, 0, retry.ErrNested},
		"another, apart": {func(_, other *retry.Retrier) func(context.Context, func(context.Context) error) error {
			return func(ctx context.Context, op func(context.Context) error) error {
				return retry.Do(retry.Apart(ctx), other, op)
			}
		}, 2, nil},
		"apart, and wrapped": {func(_, other *retry.Retrier) func(context.Context, func(context.Context) error) error {
			return func(ctx context.Context, op func(context.Context) error) error {
				return fmt.Errorf("gateway: %w", retry.Do(retry.Apart(ctx), other, op))
			}
		}, 2, nil},
		"apart, and joined": {func(_, other *retry.Retrier) func(context.Context, func(context.Context) error) error {
			return func(ctx context.Context, op func(context.Context) error) error {
				return errors.Join(code(400, "30010"), retry.Do(retry.Apart(ctx), other, op))
			}
		}, 2, nil},
	} {
		for _, lane := range []bool{false, true} {
			for _, noReplay := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/lane %v/no replay %v", name, lane, noReplay), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						b, sends := newTill(), 0
						cfg := retry.Config{Journal: new(retry.MemoryJournal)}
						if lane {
							cfg.Nonces = newLane(t)
						}
						same, other := newRetrier(t, cfg), newRetrier(t, retry.Config{Key: "other"})
						call := tt.inside(same, other)
						v, err := retry.DoOnce(t.Context(), same, retry.Operation[string]{
							ID: "inv-7", NoReplay: noReplay, Verify: b.find("inv-7"),
							Send: func(ctx context.Context) (string, error) {
								return "sent", call(ctx, func(ctx context.Context) error {
									connected(ctx)
									if sends++; sends == 1 {
										b.apply("inv-7")
										return code(503)
									}
									return code(400, "30010") // such a payment exists
								})
							},
						})
						require.Equal(t, tt.sends, sends)
						require.Equal(t, min(tt.sends, 1), b.count("inv-7"))
						if tt.want == nil {
							require.NoError(t, err)
							require.Equal(t, "found", v)
							return
						}
						requireOnly(t, err, tt.want)
						require.Equal(t, retry.EntryNotApplied, held(t, cfg.Journal).State, "and not as paid, for ever")
					})
				})
			}
		}
	}
}

// A payment made in a context that outlived its attempt is one like any other, with a
// journal and lookups of its own.
func TestPaymentInAKeptContext(t *testing.T) {
	for where, p := range places {
		t.Run(where, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := p.rig(t)
				var kept context.Context
				require.NoError(t, p.run(t.Context(), g.outer, func(ctx context.Context) { kept = context.WithoutCancel(ctx) }))
				pay := &payment{sends: []error{errTimeout}, looks: []found{absent}}
				v, err := retry.DoOnce(kept, g.outer, pay.operation())
				require.NoError(t, err)
				require.Equal(t, "sent", v)
				require.Len(t, pay.sent, 2)
			})
		})
	}
}

// A payment's own error of a call apart, ErrLockedOut or ErrOpen among them, is no
// refusal of the payment: it is looked up.
func TestErrorOfACallApartIsNoProof(t *testing.T) {
	for name, setup := range map[string]func(*testing.T) (*retry.Retrier, error){
		"locked out": func(t *testing.T) (*retry.Retrier, error) {
			r := newRetrier(t, retry.Config{Key: "other"})
			r.Lockout().Lock("other", breaker.LockCause{Code: "100"})
			return r, nil
		},
		"open": func(t *testing.T) (*retry.Retrier, error) {
			return newRetrier(t, retry.Config{Breaker: isolated(t)}), nil
		},
		"refused": func(t *testing.T) (*retry.Retrier, error) { return newRetrier(t, retry.Config{}), code(400, "30010") },
		"fatal":   func(t *testing.T) (*retry.Retrier, error) { return newRetrier(t, retry.Config{}), code(403, "80") },
		"no connection": func(t *testing.T) (*retry.Retrier, error) {
			return newRetrier(t, retry.Config{}), errRefused
		},
	} {
		for what, look := range map[string]found{"applied": applied, "absent": absent} {
			t.Run(name+", "+what, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					other, answer := setup(t)
					p := &payment{looks: []found{look}}
					p.changes = func(op *retry.Operation[string]) {
						op.NoReplay = true
						op.Send = func(ctx context.Context) (string, error) {
							p.sent = append(p.sent, p.now())
							return "", retry.Do(retry.Apart(ctx), other, always(answer))
						}
					}
					_, err := pay(t, t.Context(), retry.Config{Nonces: newLane(t)}, p)
					require.NotEmpty(t, p.looked)
					require.Len(t, p.sent, 1)
					if what == "applied" {
						require.NoError(t, err)
						return
					}
					require.Equal(t, classify.NotApplied, asError(t, err).Effect)
					require.NotErrorIs(t, err, retry.ErrOutcomeUnknown)
				})
			})
		}
	}
}
