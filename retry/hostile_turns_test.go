package retry_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

func pool2(t *testing.T) *nonce.Pool {
	a, err := nonce.NewLane(nonce.LaneConfig{Key: "a"})
	require.NoError(t, err)
	b, err := nonce.NewLane(nonce.LaneConfig{Key: "b"})
	require.NoError(t, err)
	p, err := nonce.NewPool(a, b)
	require.NoError(t, err)
	return p
}

// one of two keys is locked: an Apart call waits for the turn that the call around it holds
func TestHostileApartWaitsForItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lock := new(breaker.Lockout)
		lock.Lock("b", breaker.LockCause{})
		r := newRetrier(t, retry.Config{Nonces: pool2(t), Lockout: lock, Policies: policy.Standard()})
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		began := time.Now()
		var in error
		err := retry.Do(ctx, r, func(ctx context.Context) error {
			in = retry.Do(retry.Apart(ctx), r, func(context.Context) error { return nil })
			return nil
		})
		t.Log(err, in, time.Since(began))
		require.Less(t, time.Since(began), time.Minute)
	})
}

// two calls, two keys, each wants one more
func TestHostileApartTwoWaitForEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRetrier(t, retry.Config{Nonces: pool2(t), Policies: policy.Standard()})
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		began := time.Now()
		done := make(chan error, 2)
		for range 2 {
			go func() {
				done <- retry.Do(ctx, r, func(ctx context.Context) error {
					time.Sleep(time.Second)
					return retry.Do(retry.Apart(ctx), r, func(context.Context) error { return nil })
				})
			}()
		}
		e1, e2 := <-done, <-done
		t.Log(e1, e2, time.Since(began))
		require.Less(t, time.Since(began), time.Minute)
	})
}

// an error of Verify's with retry-after / lockout of another API
func TestHostileApartLockoutInSend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lock := new(breaker.Lockout)
		r := newRetrier(t, retry.Config{Key: "k", Lockout: lock})
		other := newRetrier(t, retry.Config{Key: "o"})
		p := &payment{looks: []found{absent}}
		p.changes = func(o *retry.Operation[string]) {
			o.Send = func(ctx context.Context) (string, error) {
				err := retry.Do(retry.Apart(ctx), other, func(context.Context) error { return code(401, "40") })
				return "", err
			}
		}
		_, err := retry.DoOnce(t.Context(), r, p.operation())
		t.Log(err)
		require.NoError(t, lock.Check("k"), "the other API's lockout locked this key")
	})
}

// breaker half-open: a payment whose Begin fails gives the probe back
func TestHostileProbeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker(t, breaker.Config{ConsecutiveFailures: 1, OpenFor: time.Second, Probes: 1})
		l, _ := b.Acquire()
		l.Done(breaker.Failure)
		time.Sleep(5 * time.Second)
		j := &failing{Journal: new(retry.MemoryJournal)}
		hooked := &hookJournal{}
		hooked.hook = func() {}
		_ = hooked
		r := newRetrier(t, retry.Config{Breaker: b, Journal: j})
		p := &payment{looks: []found{absent}}
		jj := time.AfterFunc(0, func() {})
		_ = jj
		_, err := retry.DoOnce(t.Context(), r, p.operation())
		require.NoError(t, err)
		require.Equal(t, breaker.Closed, b.State())
	})
}

// Hedge inside DoOnce's Send, winner fails etc: at most one
func TestHostileHedgeInSend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRetrier(t, retry.Config{Nonces: newLane(t)})
		n := 0
		p := &payment{looks: []found{applied}}
		p.changes = func(o *retry.Operation[string]) {
			o.Send = func(ctx context.Context) (string, error) {
				return retry.Hedge(ctx, r, time.Millisecond, func(context.Context) (string, error) { n++; time.Sleep(time.Second); return "x", nil })
			}
		}
		_, err := retry.DoOnce(t.Context(), r, p.operation())
		require.NoError(t, err)
		require.Equal(t, 1, n)
	})
}

// a late goroutine of a Send that is over uses its context for a new call of the same Retrier
func TestHostileLateGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRetrier(t, retry.Config{Nonces: newLane(t)})
		var kept context.Context
		p := &payment{sends: []error{errTimeout}, looks: []found{absent}}
		p.onSend = func(ctx context.Context) { kept = ctx }
		var nonces []uint64
		p.onLook = func(context.Context) {
			_ = retry.Do(context.WithoutCancel(kept), r, func(ctx context.Context) error {
				tk, ok := nonce.FromContext(ctx)
				if ok {
					nonces = append(nonces, tk.Nonce())
				}
				return nil
			})
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		_, err := retry.DoOnce(ctx, r, p.operation())
		t.Log(err, p.nonces, nonces)
		seen := map[uint64]bool{}
		for _, n := range append(p.nonces, nonces...) {
			require.False(t, seen[n], "nonce %d twice", n)
			seen[n] = true
		}
	})
}
