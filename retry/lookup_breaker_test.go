package retry_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// Lookups have a breaker of their own: however many fail, payments go through, and
// those lookups that would only fail are not made (M9).
func TestLookupsThatFailOpenTheirOwnBreaker(t *testing.T) {
	for _, lane := range []bool{false, true} {
		t.Run(fmt.Sprint("lane ", lane), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBreaker(t, breaker.Config{ConsecutiveFailures: 3})
				cfg := retry.Config{Breaker: b}
				if lane {
					cfg.Nonces = newLane(t)
				}
				r := newRetrier(t, cfg)
				var doubts sync.WaitGroup
				ctx, cancel := context.WithCancel(t.Context())
				looks := make([]int, 5)
				for i := range looks {
					doubts.Go(func() {
						_, _ = retry.DoOnce(ctx, r, retry.Operation[int]{
							ID:   fmt.Sprint("doubt-", i),
							Send: func(context.Context) (int, error) { return 0, errTimeout },
							Verify: func(context.Context) (int, retry.Outcome, error) {
								looks[i]++
								return 0, retry.Undecided, code(503)
							},
						})
					})
					time.Sleep(time.Millisecond)
					require.NoError(t, retry.Do(t.Context(), r, always(nil)), "a sign of life between two that are lost")
				}
				time.Sleep(5 * time.Minute)
				require.Equal(t, breaker.Closed, b.State())
				require.NoError(t, retry.Do(t.Context(), r, always(nil)))
				cancel()
				doubts.Wait()
				all := 0
				for _, n := range looks {
					require.NotZero(t, n)
					all += n
				}
				require.Less(t, all, 60, "their breaker keeps most of them off")
			})
		})
	}
}

// While the breaker of the payments is open, whoever opened it, lookups wait as well:
// the API is down, or a person wants it left alone. That ends no doubt before its time.
func TestLookupsWaitForTheBreakerOfPayments(t *testing.T) {
	for name, opens := range map[string]struct {
		open  func(*testing.T, *breaker.Breaker)
		close func(*breaker.Breaker)
		after time.Duration
	}{
		"tripped": {func(t *testing.T, b *breaker.Breaker) {
			lease, err := b.Acquire()
			require.NoError(t, err)
			lease.Done(breaker.Trip)
		}, func(*breaker.Breaker) {}, 2 * time.Second},
		"isolated": {func(_ *testing.T, b *breaker.Breaker) { b.Isolate("maintenance") }, func(b *breaker.Breaker) { b.Reset() }, 3 * time.Minute},
	} {
		for _, lane := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/lane %v", name, lane), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b := newBreaker(t, breaker.Config{})
					cfg := retry.Config{Breaker: b}
					if lane {
						cfg.Nonces = newLane(t)
					}
					p := &payment{sends: []error{errTimeout}, looks: []found{applied}}
					p.onSend = func(context.Context) {
						opens.open(t, b)
						time.AfterFunc(3*time.Minute, func() { opens.close(b) })
					}
					v, err := pay(t, t.Context(), cfg, p)
					require.NoError(t, err)
					require.Equal(t, "verified", v)
					require.Len(t, p.sent, 1)
					require.Len(t, p.looked, 1)
					require.GreaterOrEqual(t, p.looked[0], opens.after)
				})
			})
		}
	}
}

// A lookup takes no probe from the payments, and decides nothing about their breaker.
func TestLookupIsNoProbeOfPayments(t *testing.T) {
	for name, look := range map[string]found{"answered": applied, "failed": {err: code(503)}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBreaker(t, breaker.Config{Probes: 1, OpenFor: time.Second, MaxOpenFor: time.Second})
				r := newRetrier(t, retry.Config{Breaker: b})
				p := &payment{sends: []error{errTimeout}, looks: []found{look, applied}}
				p.onSend = func(context.Context) {
					lease, err := b.Acquire()
					require.NoError(t, err)
					lease.Done(breaker.Trip)
				}
				p.onLook = func(context.Context) {
					require.Equal(t, breaker.HalfOpen, b.State())
					if len(p.looked) == 1 {
						lease, err := b.Acquire()
						require.NoError(t, err, "its one probe is there for a payment")
						lease.Done(breaker.Ignored)
					}
				}
				_, err := retry.DoOnce(t.Context(), r, p.operation())
				require.NoError(t, err)
				require.Equal(t, breaker.HalfOpen, b.State())
				require.NoError(t, retry.Do(t.Context(), r, always(nil)))
				require.Equal(t, breaker.Closed, b.State())
			})
		})
	}
}

// Whatever a probe consists of, and whatever becomes of that, it is over when it has
// returned: the breaker is closed or open, or has its probe left, and the next call
// that succeeds closes it.
func TestProbeWithCallsInsideIsOver(t *testing.T) {
	outcomes := map[string]func(*payment){
		"succeeds": func(*payment) {},
		"fails":    func(p *payment) { p.sends = repeated(code(503), 100) },
		"panics":   func(p *payment) { p.onSend = func(context.Context) { panic("x") } },
		"doubt":    func(p *payment) { p.sends = []error{errTimeout} },
		"refused":  func(p *payment) { p.sends = []error{code(400, "30010")} },
	}
	for where, p := range places {
		for outcome, script := range outcomes {
			for how, call := range calls {
				t.Run(where+"/"+outcome+"/"+how, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						b := newBreaker(t, breaker.Config{Probes: 1, OpenFor: time.Second, MaxOpenFor: time.Second, ConsecutiveFailures: 3})
						cfg := retry.Config{Breaker: b, Policies: steady(t, policy.Table{AttemptTimeout: p.timeout})}
						switch p.source {
						case "lane":
							cfg.Nonces = newLane(t)
						case "pool":
							cfg.Nonces = newPool(t)
						}
						r, other := newRetrier(t, cfg), newRetrier(t, retry.Config{Breaker: b, Key: "other"})
						lease, err := b.Acquire()
						require.NoError(t, err)
						lease.Done(breaker.Trip)
						time.Sleep(time.Second)
						require.Equal(t, breaker.HalfOpen, b.State())
						for _, apart := range []bool{false, true} {
							func() {
								defer func() { _ = recover() }()
								_ = p.run(t.Context(), r, func(ctx context.Context) {
									within := r
									if apart {
										ctx, within = retry.Apart(ctx), other
									}
									s := &payment{looks: []found{absent}}
									script(s)
									op := s.operation()
									_ = call(ctx, within, func(ctx context.Context) error { _, err := op.Send(ctx); return err })
								})
							}()
						}
						time.Sleep(10 * time.Second)
						require.NoError(t, retry.Do(t.Context(), r, always(nil)))
						require.Equal(t, breaker.Closed, b.State())
					})
				})
			}
		}
	}
}
