package retry_test

import (
	"context"
	"errors"
	"net/url"
	"runtime"
	"sync"
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

// N2: whatever the reason for a send, its nonce is new and higher.
func TestEverySendHasANewNonce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRetrier(t, retry.Config{Nonces: newLane(t), Policies: steady(t, policy.Table{})})
		s := play(code(500, "-32603"), code(403, "50"), code(400, "30010"), code(403, "50"), code(500, "-32603"))
		err := retry.Do(t.Context(), r, s.op, retry.Fix(func(context.Context, *classify.Error) (bool, error) { return true, nil }))
		require.NoError(t, err)
		require.Equal(t, seconds(0, 1, 1, 1, 1, 3), s.sent)
		require.Len(t, s.nonces, 6)
		for i := range s.nonces[1:] {
			require.Less(t, s.nonces[i], s.nonces[i+1])
		}
	})
}

// The turn is given back for the time of a wait, and kept through a resync.
func TestTurnIsHeldWhileTheAnswerIsOutAndNoLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lane := newLane(t)
		r := newRetrier(t, retry.Config{Nonces: lane, Policies: steady(t, policy.Table{})})
		answers := []error{code(403, "50"), code(403, "50"), code(500, "-32603"), nil}
		go func() {
			_ = retry.Do(t.Context(), r, func(context.Context) error {
				time.Sleep(100 * time.Millisecond)
				err := answers[0]
				answers = answers[1:]
				return err
			})
		}()
		synctest.Wait()
		begin := time.Now()
		ticket, err := lane.Enter(t.Context())
		require.NoError(t, err)
		require.Equal(t, 300*time.Millisecond, time.Since(begin), "after three sends, before the wait")
		ticket.Leave()
	})
}

// Nor is it kept where a refused nonce comes with a wait.
func TestTurnIsNotHeldUntilALaterResync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRetrier(t, retry.Config{Policies: steady(t, policy.Table{}), Nonces: newLane(t)})
		later := code(429, "50")
		later.RetryAfter = 10 * time.Second
		s := play(later)
		done := make(chan error)
		go func() { done <- retry.Do(t.Context(), r, s.op) }()
		synctest.Wait()
		begin := time.Now()
		require.NoError(t, retry.Do(t.Context(), r, s.op), "another caller")
		require.Equal(t, begin, time.Now())
		require.NoError(t, <-done)
		require.Equal(t, seconds(0, 0, 10), s.sent)
		require.IsIncreasing(t, s.nonces)
	})
}

// Two hundred callers queue for a key; the first one's answer locks it. Nobody
// else sends.
func TestLockoutReachesTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRetrier(t, retry.Config{Nonces: newLane(t)})
		var callers sync.WaitGroup
		var mu sync.Mutex
		sends, refused := 0, 0
		for range 200 {
			callers.Go(func() {
				err := retry.Do(t.Context(), r, func(context.Context) error {
					sends++
					time.Sleep(time.Second)
					return code(403, "100")
				})
				mu.Lock()
				defer mu.Unlock()
				if errors.Is(err, retry.ErrLockedOut) {
					refused++
					var locked *breaker.LockedError
					require.ErrorAs(t, err, &locked)
					require.Equal(t, "lane", locked.Key)
					require.Equal(t, "100", locked.Code)
					require.Equal(t, "5f2c", locked.TraceID)
				}
			})
		}
		callers.Wait()
		require.Equal(t, 1, sends)
		require.Equal(t, 199, refused)

		require.True(t, r.Lockout().Unlock("lane"))
		require.NoError(t, retry.Do(t.Context(), r, always(nil)), "a person has dealt with it")
	})
}

// The same of a breaker that opens while they queue.
func TestOpenBreakerReachesTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker(t, breaker.Config{ConsecutiveFailures: 3})
		r := newRetrier(t, retry.Config{Nonces: newLane(t), Breaker: b, Policies: steady(t, policy.Table{Default: policy.Policy{MaxAttempts: 1}})})
		var callers sync.WaitGroup
		sends := 0
		for range 200 {
			callers.Go(func() {
				_ = retry.Do(t.Context(), r, func(context.Context) error {
					sends++
					time.Sleep(time.Second)
					return code(500, "-32603")
				})
			})
		}
		begin := time.Now()
		callers.Wait()
		require.Equal(t, 3, sends)
		require.Equal(t, 3*time.Second, time.Since(begin))
		late := play()
		require.ErrorIs(t, retry.Do(t.Context(), r, late.op), retry.ErrOpen)
		b.Reset()
		require.NoError(t, retry.Do(t.Context(), r, late.op), "the lane is free")
	})
}

func TestNoTicket(t *testing.T) {
	broken := errors.New("the database of nonces is down")
	r := newRetrier(t, retry.Config{Nonces: source(func(context.Context) (*nonce.Ticket, error) { return nil, broken })})
	s := play()
	err := retry.Do(t.Context(), r, s.op)
	require.Empty(t, s.sent)
	require.Equal(t, retry.ErrNonce, asError(t, err).Reason)
	require.ErrorIs(t, err, broken)

	r = newRetrier(t, retry.Config{Nonces: source(func(context.Context) (*nonce.Ticket, error) { return nil, nil })})
	require.ErrorIs(t, retry.Do(t.Context(), r, s.op), retry.ErrNonce, "a source that breaks its promise panics nobody")
}

type source func(context.Context) (*nonce.Ticket, error)

func (s source) Enter(ctx context.Context) (*nonce.Ticket, error) { return s(ctx) }

// A ticket that cannot be brought forward ends the call.
func TestResyncFails(t *testing.T) {
	left := 0
	r := newRetrier(t, retry.Config{Nonces: source(func(context.Context) (*nonce.Ticket, error) {
		return nonce.NewTicket("own", 7, nil, func() { left++ }), nil
	})})
	s := play(code(403, "50"))
	err := retry.Do(t.Context(), r, s.op)
	require.Equal(t, retry.ErrResync, asError(t, err).Reason)
	require.ErrorIs(t, err, nonce.ErrNoResync)
	require.Len(t, s.sent, 1)
	require.Equal(t, 1, left)
}

// The context may end while the source looks for a newer nonce.
func TestContextEndsInTheResync(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r := newRetrier(t, retry.Config{Nonces: source(func(context.Context) (*nonce.Ticket, error) {
		return nonce.NewTicket("own", 7, func(ctx context.Context, _ bool) (*nonce.Ticket, error) {
			cancel()
			return nil, ctx.Err()
		}, nil), nil
	})})
	s := play(code(403, "50"))
	require.Equal(t, retry.ErrCanceled, asError(t, retry.Do(ctx, r, s.op)).Reason)
	require.Len(t, s.sent, 1)
}

// A caller whose context ends in the queue sends nothing.
func TestContextEndsInTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lane := newLane(t)
		held, err := lane.Enter(t.Context())
		require.NoError(t, err)
		r := newRetrier(t, retry.Config{Nonces: lane})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		s := play()
		err = retry.Do(ctx, r, s.op)
		require.Empty(t, s.sent)
		require.Equal(t, retry.ErrDeadline, asError(t, err).Reason)
		held.Leave()
		require.NoError(t, retry.Do(t.Context(), r, s.op), "and its place is free")
	})
}

// With several keys a locked one is passed over.
func TestPoolPassesLockedKeysOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, err := nonce.NewLane(nonce.LaneConfig{Key: "a"})
		require.NoError(t, err)
		b, err := nonce.NewLane(nonce.LaneConfig{Key: "b"})
		require.NoError(t, err)
		pool, err := nonce.NewPool(a, b)
		require.NoError(t, err)
		r := newRetrier(t, retry.Config{Nonces: pool})
		used := map[string]int{}
		op := func(ctx context.Context) error {
			ticket, _ := nonce.FromContext(ctx)
			used[ticket.Key()]++
			return nil
		}
		r.Lockout().Lock("a", breaker.LockCause{Code: "100"})
		for range 10 {
			require.NoError(t, retry.Do(t.Context(), r, op))
		}
		require.Equal(t, map[string]int{"b": 10}, used)
		r.Lockout().Lock("b", breaker.LockCause{Code: "40"})
		err = retry.Do(t.Context(), r, op)
		require.Equal(t, retry.ErrLockedOut, asError(t, err).Reason)
		require.ErrorContains(t, err, `"a"`)
		require.ErrorContains(t, err, `"b"`)
	})
}

// A panic and a Goexit go on their way, and leave nothing held.
func TestPanicAndGoexit(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func()
	}{
		{"panic", func() { panic("boom") }},
		{"Goexit", runtime.Goexit},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBreaker(t, breaker.Config{ConsecutiveFailures: 1, Probes: 1})
				r := newRetrier(t, retry.Config{Nonces: newLane(t), Breaker: b})
				ended := func(cfg func(context.Context) error) (recovered any) {
					done := make(chan any)
					go func() {
						defer func() { done <- recover() }()
						_ = retry.Do(t.Context(), r, cfg)
						t.Error("it returned")
					}()
					return <-done
				}
				dies := func(context.Context) error { tt.end(); return nil }

				got := ended(dies)
				require.Equal(t, tt.name == "panic", got == any("boom"))
				require.Equal(t, breaker.Closed, b.State(), "it says nothing about the server")
				require.NoError(t, retry.Do(t.Context(), r, always(nil)), "lane and breaker are free")

				// B1: as the one probe of a half-open breaker.
				require.Error(t, retry.Do(t.Context(), r, always(code(500, "-32603"))))
				time.Sleep(time.Minute)
				require.Equal(t, breaker.HalfOpen, b.State())
				ended(dies)
				require.NoError(t, retry.Do(t.Context(), r, always(nil)), "the probe's slot is free")
				require.Equal(t, breaker.Closed, b.State())

				// In a classifier of the user's.
				r = newRetrier(t, retry.Config{Nonces: newLane(t), Breaker: b,
					Classifier: classify.Func(func(error) classify.Verdict { tt.end(); return classify.Verdict{} })})
				ended(always(errors.New("some error")))
				require.NoError(t, retry.Do(t.Context(), r, always(nil)))
			})
		})
	}
}

// N3: on a lane too, two resyncs are all, and none on a key that was locked
// meanwhile.
func TestResyncOnALane(t *testing.T) {
	lane := newLane(t)
	r := newRetrier(t, retry.Config{Nonces: lane})
	refused := code(403, "50")
	s := play(refused, refused, refused, refused, refused)
	require.Equal(t, retry.ErrResync, asError(t, retry.Do(t.Context(), r, s.op)).Reason)
	require.Len(t, s.sent, 3)
	require.NoError(t, retry.Do(t.Context(), r, play().op), "the lane is free")

	sends := 0
	err := retry.Do(t.Context(), r, func(context.Context) error {
		sends++
		r.Lockout().Lock("lane", breaker.LockCause{Code: "100"})
		return refused
	})
	require.Equal(t, retry.ErrLockedOut, asError(t, err).Reason)
	require.Equal(t, 1, sends)
	require.ErrorIs(t, err, refused)
}

// A source that knows nothing of locked keys is asked, and its ticket given
// back.
func TestLockoutWithASourceThatCannotChoose(t *testing.T) {
	left := 0
	r := newRetrier(t, retry.Config{Nonces: source(func(context.Context) (*nonce.Ticket, error) {
		return nonce.NewTicket("own", 7, nil, func() { left++ }), nil
	})})
	r.Lockout().Lock("own", breaker.LockCause{Code: "100"})
	s := play()
	require.ErrorIs(t, retry.Do(t.Context(), r, s.op), retry.ErrLockedOut)
	require.Empty(t, s.sent)
	require.Equal(t, 1, left)
}

// Nobody waits, for a turn or for time to pass, to be refused then.
func TestNobodyWaitsToBeRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker(t, breaker.Config{})
		lane := newLane(t)
		r := newRetrier(t, retry.Config{Nonces: lane, Breaker: b, Policies: steady(t, policy.Table{})})
		begin := time.Now()
		require.ErrorIs(t, retry.Do(t.Context(), r, func(context.Context) error {
			r.Lockout().Lock("lane", breaker.LockCause{Code: "100"}) // another call's answer
			return code(500, "-32603")
		}), retry.ErrLockedOut)
		require.Equal(t, begin, time.Now(), "locked")
		r.Lockout().Unlock("lane")

		ticket, err := lane.Enter(t.Context())
		require.NoError(t, err)
		defer ticket.Leave()
		b.Isolate("test")
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		require.ErrorIs(t, retry.Do(ctx, r, play().op), retry.ErrOpen)
		require.Equal(t, begin, time.Now(), "open")
	})
}

// A lockout goes before an open breaker: it is of no use to come back later.
func TestLockedAndOpen(t *testing.T) {
	b := newBreaker(t, breaker.Config{})
	b.Isolate("test")
	for _, cfg := range []retry.Config{{Breaker: b, Key: "lane"}, {Breaker: b, Nonces: newLane(t)}} {
		r := newRetrier(t, cfg)
		r.Lockout().Lock("lane", breaker.LockCause{Code: "100"})
		require.Equal(t, retry.ErrLockedOut, asError(t, retry.Do(t.Context(), r, play().op)).Reason)
	}
}

// An answer to what was sent before a person unlocked the key does not lock it
// again.
func TestUnlockIsNotUndoneByAnOldAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRetrier(t, retry.Config{Key: "main"})
		done := make(chan error)
		go func() {
			done <- retry.Do(t.Context(), r, func(context.Context) error { time.Sleep(8 * time.Second); return code(403, "100") })
		}()
		time.Sleep(time.Second)
		require.ErrorIs(t, retry.Do(t.Context(), r, always(code(403, "100"))), retry.ErrFatal)
		time.Sleep(time.Second)
		r.Lockout().Unlock("main")
		require.ErrorIs(t, <-done, retry.ErrFatal)
		require.NoError(t, retry.Do(t.Context(), r, play().op))
		require.Error(t, retry.Do(t.Context(), r, always(code(403, "100"))), "but a new one does")
		require.ErrorIs(t, retry.Do(t.Context(), r, play().op), retry.ErrLockedOut)
	})
}

// Other people's code runs in a turn in more places than the operation.
func TestTurnIsFreeAfterAnyPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker(t, breaker.Config{ConsecutiveFailures: 1, OnStateChange: func(breaker.StateChange) { runtime.Goexit() }})
		lane := newLane(t)
		r := newRetrier(t, retry.Config{Nonces: lane, Breaker: b, Policies: steady(t, policy.Table{})})
		ended := func(op func(context.Context) error) {
			done := make(chan bool)
			go func() {
				defer close(done)
				defer func() { _ = recover() }()
				_ = retry.Do(t.Context(), r, op)
			}()
			<-done
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()

		ended(always((*url.Error)(nil))) // its Unwrap panics
		require.NoError(t, retry.Do(ctx, r, play().op))

		ended(always(code(500, "-32603"))) // the hook exits in the report
		require.Equal(t, breaker.Open, b.State())
		time.Sleep(15 * time.Second)
		ended(always(nil)) // the hook exits when the lease is taken
		done := make(chan bool)
		go func() { // and again when the breaker closes
			defer close(done)
			_ = retry.Do(ctx, r, play().op)
		}()
		<-done
		time.Sleep(time.Minute)
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		ticket, err := lane.Enter(ctx)
		require.NoError(t, err, "the lane is free")
		ticket.Leave()
	})
}

// A turn that cannot come in time ends the call at once, as a deadline does. A source's own DeadlineExceeded is another
// matter.
func TestTurnThatCannotComeInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRetrier(t, retry.Config{Nonces: newLane(t)})
		second := func(context.Context) error { time.Sleep(time.Second); return nil }
		var callers sync.WaitGroup
		for range 40 {
			callers.Go(func() { _ = retry.Do(t.Context(), r, second) })
		}
		time.Sleep(20500 * time.Millisecond)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		begin := time.Now()
		e := asError(t, retry.Do(ctx, r, second))
		require.Equal(t, begin, time.Now())
		require.Equal(t, retry.ErrDeadline, e.Reason)
		require.ErrorIs(t, e, context.DeadlineExceeded)
		require.ErrorContains(t, e, "19 wait already")
		callers.Wait()
	})
	r := newRetrier(t, retry.Config{Nonces: source(func(context.Context) (*nonce.Ticket, error) { return nil, context.DeadlineExceeded })})
	require.Equal(t, retry.ErrNonce, asError(t, retry.Do(t.Context(), r, play().op)).Reason)
}

// Somebody else on the key: the call that ends for it says so.
func TestForeignWriterIsTheCause(t *testing.T) {
	r := newRetrier(t, retry.Config{Nonces: newLane(t)})
	refused := code(403, "50")
	for range 3 {
		err := retry.Do(t.Context(), r, play(refused, refused, refused).op)
		require.Equal(t, retry.ErrResync, asError(t, err).Reason)
		foreign, ok := errors.AsType[*nonce.ForeignError](asError(t, err).Cause)
		require.True(t, ok)
		require.Equal(t, "lane", foreign.Key)
		require.ErrorContains(t, err, "give each process a key of its own")
	}
}
