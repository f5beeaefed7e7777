package retry_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// A call of the same Retrier is otherwise not there: it emits no event, takes no
// token, makes no deposit and counts for nothing at the breaker, whatever it ends with.
func TestCallInsideACallCountsForNothing(t *testing.T) {
	for where, p := range places {
		for name, answer := range map[string]error{"success": nil, "503": code(503), "refused": code(400, "30010"), "locked": code(403, "100"), "code 50": code(403, "50")} {
			for how, call := range calls {
				if how == "DoOnce" {
					continue
				}
				t.Run(where+"/"+name+"/"+how, func(t *testing.T) {
					around := func(op func(context.Context, *retry.Retrier)) (seen []string) {
						synctest.Test(t, func(t *testing.T) {
							b := newBreaker(t, breaker.Config{ConsecutiveFailures: 1})
							cfg := retry.Config{
								Breaker: b, Policies: steady(t, policy.Table{AttemptTimeout: p.timeout}),
								OnEvent: func(_ context.Context, e retry.Event) { seen = append(seen, e.Kind.String()) },
							}
							switch p.source {
							case "lane":
								cfg.Nonces = newLane(t)
							case "pool":
								cfg.Nonces = newPool(t)
							}
							r := newRetrier(t, cfg)
							_ = p.run(t.Context(), r, func(ctx context.Context) { op(ctx, r) })
							seen = append(seen, b.State().String(), fmt.Sprint(r.Budget().Tokens()), fmt.Sprint(r.Stats().UnknownCodes), fmt.Sprint(r.Lockout().Check("lane")))
						})
						return seen
					}
					without := around(func(context.Context, *retry.Retrier) {})
					with := around(func(ctx context.Context, r *retry.Retrier) {
						for range 5 {
							require.Equal(t, answer, call(ctx, r, always(answer)))
						}
					})
					require.Equal(t, without, with)
				})
			}
		}
	}
}

// The number of the attempt is that of the call around it.
func TestAttemptFromInsideACallInside(t *testing.T) {
	for _, where := range []string{"Do, second attempt", "Do, second attempt, in a turn"} {
		synctest.Test(t, func(t *testing.T) {
			g := places[where].rig(t)
			require.NoError(t, places[where].run(t.Context(), g.outer, func(ctx context.Context) {
				require.NoError(t, retry.Do(ctx, g.outer, func(ctx context.Context) error {
					a, ok := retry.AttemptFrom(ctx)
					require.True(t, ok)
					require.Equal(t, 2, a.Number)
					return nil
				}))
			}))
		})
	}
}

// Several at the same time are not queued; each has a nonce of its own.
func TestCallsInsideACallAtTheSameTime(t *testing.T) {
	for where, p := range places {
		t.Run(where, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := p.rig(t)
				var mu sync.Mutex
				var nonces []uint64
				require.NoError(t, p.run(t.Context(), g.outer, func(ctx context.Context) {
					began := time.Now()
					var all sync.WaitGroup
					for range 10 {
						all.Go(func() {
							err := retry.Do(ctx, g.outer, func(ctx context.Context) error {
								ticket, ok := nonce.FromContext(ctx)
								if ok {
									mu.Lock()
									nonces = append(nonces, ticket.Nonce())
									mu.Unlock()
								}
								time.Sleep(100 * time.Millisecond)
								return nil
							})
							if err != nil {
								t.Error(err)
							}
						})
					}
					all.Wait()
					require.Equal(t, 100*time.Millisecond, time.Since(began))
				}))
				slices.Sort(nonces)
				require.Equal(t, len(nonces), len(slices.Compact(slices.Clone(nonces))))
				if p.source != "" {
					require.Len(t, nonces, 10)
				}
			})
		})
	}
}

// A turn is found however far out it is held: who would wait for it is told at once.
func TestTurnTwoLevelsOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := places["Do, in a turn"].rig(t)
		require.NoError(t, retry.Do(t.Context(), g.outer, func(ctx context.Context) error {
			return retry.Do(ctx, g.another, func(ctx context.Context) error {
				for _, ctx := range []context.Context{ctx, retry.Apart(ctx)} {
					for how, call := range calls {
						came := inner(t, func(op func(context.Context) error) error { return call(ctx, g.sameNonces, op) })
						require.Equal(t, nested, came, how)
					}
				}
				return nil
			})
		}))
	})
}

// A panic, or an exit, inside an inner call gives everything back that the calls around
// it hold: turn, probe and ID.
func TestPanicInACallInsideACall(t *testing.T) {
	for how, leave := range map[string]func(){"panic": func() { panic("x") }, "exit": runtime.Goexit} {
		for where, p := range places {
			for way, call := range calls {
				t.Run(how+"/"+where+"/"+way, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						g := p.rig(t)
						for _, who := range []string{"same", "apart, another"} {
							done := make(chan struct{})
							go func() {
								defer close(done)
								defer func() { _ = recover() }()
								_ = p.run(t.Context(), g.outer, func(ctx context.Context) {
									ctx, r := callers[who](ctx, g)
									_ = call(ctx, r, func(context.Context) error { leave(); return nil })
								})
							}()
							<-done
							for range 5 { // every key of a pool
								require.NoError(t, retry.Do(t.Context(), g.outer, always(nil)))
								require.NoError(t, retry.Do(t.Context(), g.another, always(nil)))
							}
							// What was left in doubt may stay so, as there is no Verify.
							require.NotErrorIs(t, inSend(t.Context(), g.outer, func(context.Context) {}), retry.ErrBusy)
						}
					})
				})
			}
		}
	}
}

// What a payment in an attempt came to ends the call around it: a payment of which
// nobody knows is not made again because a Do is.
func TestPaymentInABareAttemptIsNotRepeated(t *testing.T) {
	for name, wrap := range map[string]func(error) error{
		"as it is": func(err error) error { return err },
		"wrapped":  func(err error) error { return fmt.Errorf("pay: %w", err) },
		"joined":   func(err error) error { return errors.Join(code(503), err) },
	} {
		for what, p := range map[string]*payment{
			"unknown": {sends: []error{errTimeout}, looks: []found{undecided}},
			"applied": {sends: []error{errTimeout}, looks: []found{{retry.Applied, errors.New("half of it")}}},
			"refused": {sends: []error{code(400, "30010")}},
		} {
			t.Run(name+"/"+what, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := newRetrier(t, retry.Config{Policies: steady(t, policy.Table{AttemptTimeout: policy.None})})
					script := *p
					runs := 0
					err := retry.Do(t.Context(), r, func(ctx context.Context) error {
						runs++
						_, err := retry.DoOnce(ctx, r, script.operation())
						require.Error(t, err)
						return wrap(err)
					})
					require.Error(t, err)
					require.Equal(t, 1, runs)
					require.Len(t, script.sent, 1)
				})
			})
		}
	}
}

// What a call apart does about connections is no business of a call that is sent again
// on proof, either.
func TestConnectionsOfACallApartOnProof(t *testing.T) {
	for name, tt := range map[string]struct {
		token, send func(context.Context)
		err         error
		sends       int
	}{
		"a token, and no connection":             {connected, asked, errRefused, 2},
		"a token, and one that was had":          {func(context.Context) {}, connected, errRefused, 1},
		"none for the token, and nobody reports": {asked, func(context.Context) {}, errTimeout, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := play(tt.err)
				err := retry.Do(t.Context(), newRetrier(t, retry.Config{}), func(ctx context.Context) error {
					tt.token(withHooks(retry.Apart(ctx)))
					tt.send(ctx)
					return s.op(ctx)
				}, retry.Resend(retry.ResendOnProof))
				require.Len(t, s.sent, tt.sends)
				require.Equal(t, tt.sends == 1, errors.Is(err, retry.ErrDoubt))
			})
		})
	}
}
