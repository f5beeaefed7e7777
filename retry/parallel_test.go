package retry_test

import (
	"context"
	"errors"
	"math/rand/v2"
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

// A strict server accepts a nonce that is higher than all before it, and takes
// up to 5 ms to see it.
type strict struct {
	mu       sync.Mutex
	inFlight int
	highest  uint64
	t        testing.TB
}

func (s *strict) op(ctx context.Context) error {
	ticket, _ := nonce.FromContext(ctx)
	s.mu.Lock()
	if s.inFlight++; s.inFlight > 1 {
		s.t.Errorf("%d requests on the wire", s.inFlight)
	}
	s.mu.Unlock()
	time.Sleep(time.Duration(rand.IntN(5000)) * time.Microsecond)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inFlight--
	if ticket.Nonce() <= s.highest {
		return code(403, 50)
	}
	s.highest = ticket.Nonce()
	return nil
}

// parallel runs op n times at once, in the context that it gets.
func parallel(n int, op func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		var all sync.WaitGroup
		errs := make([]error, n)
		for i := range errs {
			all.Go(func() { errs[i] = op(ctx) })
		}
		all.Wait()
		return errors.Join(errs...)
	}
}

// Parts of one attempt that are made at once share its one turn: they go out one
// after the other, and calls further in do not wait for those around them.
func TestPartsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRetrier(t, retry.Config{Nonces: newLane(t), Policies: steady(t, policy.Table{AttemptTimeout: policy.None})})
		server := &strict{t: t}
		call := func(op func(context.Context) error) func(context.Context) error {
			return func(ctx context.Context) error { return retry.Do(ctx, r, op) }
		}
		for range 20 {
			require.NoError(t, call(parallel(5, call(server.op)))(t.Context()))
			require.NoError(t, call(parallel(3, call(parallel(3, call(server.op)))))(t.Context()), "two levels")
			require.NoError(t, parallel(3, call(parallel(3, call(server.op))))(t.Context()), "several turns")
		}
	})
}

// What ends a part that waits for another one.
func TestPartThatWaitsForAnother(t *testing.T) {
	answer := code(500, -32603)
	for _, tt := range []struct {
		name      string
		meanwhile func(r *retry.Retrier, cancel context.CancelFunc)
		reason    error
		sends     int
	}{
		{"nothing", func(*retry.Retrier, context.CancelFunc) {}, nil, 1},
		{"its context ends", func(_ *retry.Retrier, cancel context.CancelFunc) { cancel() }, retry.ErrCanceled, 0},
		{"the key is locked", func(r *retry.Retrier, _ context.CancelFunc) { r.Lockout().Lock("lane", breaker.LockCause{}) }, retry.ErrLockedOut, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRetrier(t, retry.Config{Nonces: newLane(t)})
				s := play(answer)
				_ = retry.Do(t.Context(), r, func(ctx context.Context) error {
					var first sync.WaitGroup
					first.Go(func() {
						require.NoError(t, retry.Do(ctx, r, func(context.Context) error { time.Sleep(time.Second); return nil }))
					})
					synctest.Wait()
					waiting, cancel := context.WithCancel(ctx)
					defer cancel()
					time.AfterFunc(500*time.Millisecond, func() { tt.meanwhile(r, cancel) })
					err := retry.Do(waiting, r, s.op)
					require.Len(t, s.sent, tt.sends)
					if tt.reason == nil {
						require.Equal(t, error(answer), err, "as the operation returned it")
					} else {
						require.Equal(t, tt.reason, asError(t, err).Reason)
						require.Zero(t, asError(t, err).Attempts)
					}
					first.Wait()
					return nil
				})
			})
		})
	}
}

// A part whose attempt is over before its turn in it comes is a call of its own.
func TestPartThatWaitsForTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRetrier(t, retry.Config{Nonces: newLane(t), Policies: steady(t, policy.Table{AttemptTimeout: policy.None})})
		done := make(chan error, 2)
		s := play(code(500, -32603))
		require.NoError(t, retry.Do(t.Context(), r, func(ctx context.Context) error {
			go func() {
				done <- retry.Do(ctx, r, func(context.Context) error { time.Sleep(time.Second); return nil })
			}()
			synctest.Wait()
			go func() { done <- retry.Do(ctx, r, s.op) }()
			synctest.Wait()
			return nil
		}))
		require.NoError(t, <-done)
		require.NoError(t, <-done)
		require.Equal(t, seconds(0, 1), s.sent, "with a resend")
	})
}
