package retry_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http/httptrace"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/retry"
)

type cyclic struct{ _ int }

func (c *cyclic) Error() string { return "cyclic" }
func (c *cyclic) Unwrap() error { return c }

func TestHostileCyclicSend(t *testing.T) {
	done := make(chan error, 1)
	go func() {
		r, _ := retry.New(retry.Config{})
		_, err := retry.DoOnce(context.Background(), r, retry.Operation[string]{ID: "inv-7", Settle: time.Millisecond, GiveUp: 2 * time.Millisecond,
			Send:   func(context.Context) (string, error) { return "", &cyclic{} },
			Verify: func(context.Context) (string, retry.Outcome, error) { return "", retry.Applied, nil }})
		done <- err
	}()
	select {
	case err := <-done:
		t.Log(err)
	case <-time.After(3 * time.Second):
		t.Fatal("DoOnce spins for ever over an error that wraps itself")
	}
}

type asAll struct{}

func (asAll) Error() string { return "as" }
func (asAll) As(any) bool   { return true }

func TestHostileAsAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		defer func() {
			if v := recover(); v != nil {
				t.Fatalf("DoOnce panicked: %v", v)
			}
		}()
		p := &payment{sends: []error{asAll{}}, looks: []found{applied}}
		_, err := pay(t, t.Context(), retry.Config{}, p)
		t.Log(err)
	})
}
func TestHostileAsAllVerify(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		defer func() {
			if v := recover(); v != nil {
				t.Fatalf("DoOnce panicked: %v", v)
			}
		}()
		p := &payment{sends: []error{errTimeout}, looks: []found{{retry.Undecided, asAll{}}, applied}}
		_, err := pay(t, t.Context(), retry.Config{}, p)
		require.NoError(t, err)
	})
}

// An entry in a state of a later version
type fixedJournal struct {
	retry.MemoryJournal
	state retry.EntryState
}

func (j *fixedJournal) Begin(ctx context.Context, e retry.Entry) (retry.Entry, error) {
	if e.Generation == retry.ReadGeneration {
		return retry.Entry{ID: e.ID, Generation: 1, State: j.state, Owner: "x", At: time.Now(), First: time.Now(), Takes: time.Second}, nil
	}
	e.Generation++
	return e, nil
}
func (j *fixedJournal) End(context.Context, retry.Entry) error { return nil }

func TestHostileUnknownState(t *testing.T) {
	for _, state := range []retry.EntryState{0, 4, 9} {
		synctest.Test(t, func(t *testing.T) {
			p := &payment{looks: []found{applied}}
			_, err := pay(t, t.Context(), retry.Config{Journal: &fixedJournal{state: state}}, p)
			if len(p.sent) > 0 {
				t.Errorf("state %v: sent, err %v, though nobody knows what the journal holds", state, err)
			}
		})
	}
}

// Other fingerprint comes between read and the end of a call that sends nothing.
type hookJournal struct {
	retry.MemoryJournal
	hook func()
	once sync.Once
}

func (j *hookJournal) Begin(ctx context.Context, e retry.Entry) (retry.Entry, error) {
	held, err := j.MemoryJournal.Begin(ctx, e)
	if e.Generation == retry.ReadGeneration && j.hook != nil {
		j.once.Do(j.hook)
	}
	return held, err
}

func TestHostileFingerprintInClosing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &hookJournal{}
		other := &payment{}
		other.changes = func(o *retry.Operation[string]) { o.Fingerprint = "pay 1 to B" }
		j.hook = func() {
			_, err := pay(t, t.Context(), retry.Config{Journal: &j.MemoryJournal}, other)
			require.NoError(t, err)
		}
		lock := new(breaker.Lockout)
		lock.Lock("k", breaker.LockCause{})
		p := &payment{looks: []found{applied}}
		p.changes = func(o *retry.Operation[string]) { o.Fingerprint = "pay 900 to A" }
		_, err := pay(t, t.Context(), retry.Config{Journal: j, Key: "k", Lockout: lock}, p)
		requireOnly(t, err, retry.ErrOutcomeUnknown)
	})
}

// the same with a nil result: the key is unlocked, but the breaker has one slot... the budget of time is over on Send side only
func TestHostileFingerprintInClosingNil(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &hookJournal{}
		other := &payment{}
		other.changes = func(o *retry.Operation[string]) { o.Fingerprint = "pay 1 to B" }
		lane := newLane(t)
		lock := new(breaker.Lockout)
		j.hook = func() {
			_, err := pay(t, t.Context(), retry.Config{Journal: &j.MemoryJournal}, other)
			require.NoError(t, err)
			lock.Lock("lane", breaker.LockCause{})
		}
		p := &payment{looks: []found{applied}}
		p.changes = func(o *retry.Operation[string]) { o.Fingerprint = "pay 900 to A" }
		cfg := retry.Config{Journal: j, Nonces: lane, Lockout: lock, OnEvent: func(context.Context, retry.Event) {}}
		_, err := pay(t, t.Context(), cfg, p)
		t.Log(err)
		requireOnly(t, err, retry.ErrOutcomeUnknown)
	})
}

// The error of an Apart call in Verify ends the looking
func TestHostileApartInVerifyEndsLooking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tokens := newRetrier(t, retry.Config{})
		n := 0
		p := &payment{sends: []error{errTimeout}, looks: []found{applied}}
		p.changes = func(o *retry.Operation[string]) {
			o.Verify = func(ctx context.Context) (string, retry.Outcome, error) {
				n++
				if n == 1 { // the token service of another vendor: code 10 is ours
					if err := retry.Do(retry.Apart(ctx), tokens, func(context.Context) error { return code(400, "10") }); err != nil {
						return "", retry.Undecided, err
					}
				}
				return "v", retry.Applied, nil
			}
		}
		v, err := pay(t, t.Context(), retry.Config{}, p)
		require.NoError(t, err, "one failed token call turned the payment into a question for a person")
		require.Equal(t, "v", v)
	})
}

// Overtaken by itself
type slowOnce struct {
	retry.MemoryJournal
	n     atomic.Int32
	which int32
	takes time.Duration
	fail  bool
}

func (j *slowOnce) Begin(ctx context.Context, e retry.Entry) (retry.Entry, error) {
	held, err := j.MemoryJournal.Begin(ctx, e)
	if e.Generation != retry.ReadGeneration {
		if n := j.n.Add(1); n >= j.which && n < j.which+4 {
			if j.fail {
				return retry.Entry{}, errors.New("connection lost")
			}
			if n == j.which {
				time.Sleep(j.takes)
			}
		}
	}
	return held, err
}

func TestHostileOvertakenByItself(t *testing.T) {
	for _, fail := range []bool{false, true} {
		t.Run(fmt.Sprint(fail), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				j := &slowOnce{which: 1, takes: 6 * time.Second, fail: fail}
				_, err := j.MemoryJournal.Begin(t.Context(), retry.Entry{ID: "inv-7", Owner: "crashed", State: retry.EntryOpen, At: time.Now(), First: time.Now(), Takes: 10 * time.Second})
				require.NoError(t, err)
				p := &payment{looks: []found{absent}}
				p.changes = func(o *retry.Operation[string]) { o.Idempotent = 24 * time.Hour }
				_, err = pay(t, t.Context(), retry.Config{Journal: j}, p)
				t.Log(err, p.sent, held(t, &j.MemoryJournal).State)
				require.False(t, errors.Is(err, retry.ErrBusy), "busy with nobody else there")
			})
		})
	}
}

// Recover cannot be ended where the journal hangs
type deadJournal struct{ retry.MemoryJournal }

func (j *deadJournal) Begin(ctx context.Context, e retry.Entry) (retry.Entry, error) {
	<-ctx.Done()
	return retry.Entry{}, ctx.Err()
}
func (j *deadJournal) Pending(ctx context.Context) iter.Seq2[retry.Entry, error] {
	return func(yield func(retry.Entry, error) bool) {
		for i := range 1000 {
			if !yield(retry.Entry{ID: fmt.Sprint("i", i)}, nil) {
				return
			}
		}
	}
}

func TestHostileRecoverCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		_, err := retry.Recover(ctx, newRetrier(t, retry.Config{}), &deadJournal{}, func(e retry.Entry) (retry.Operation[string], bool) {
			id := e.ID
			return retry.Operation[string]{ID: id, Send: func(context.Context) (string, error) { return "", nil }}, true
		})
		t.Log(err)
		require.LessOrEqual(t, time.Since(began), 11*time.Second)
	})
}

// The trace of a lookup comes late
func TestHostileLookupRace(t *testing.T) {
	lane := newLane(t)
	for range 20 {
		n := 0
		var wg sync.WaitGroup
		p := &payment{sends: []error{errTimeout}, looks: []found{applied}}
		p.changes = func(o *retry.Operation[string]) {
			o.Verify = func(ctx context.Context) (string, retry.Outcome, error) {
				n++
				if n == 1 {
					wg.Add(1)
					go func() { // writeLoop of net/http: the server answered before it had read all
						defer wg.Done()
						time.Sleep(100 * time.Microsecond)
						httptrace.ContextClientTrace(ctx).WroteRequest(httptrace.WroteRequestInfo{})
					}()
					return "", retry.Undecided, code(400, "50")
				}
				time.Sleep(time.Millisecond)
				return "v", retry.Applied, nil
			}
		}
		_, err := pay(t, t.Context(), retry.Config{Nonces: lane}, p)
		require.NoError(t, err)
		wg.Wait()
	}
}

// A journal that contradicts itself
type contrary struct {
	retry.MemoryJournal
	ends atomic.Int32
}

func (j *contrary) Begin(ctx context.Context, e retry.Entry) (retry.Entry, error) {
	if e.Generation != retry.ReadGeneration {
		<-ctx.Done() // stored in the end, when nobody waits any more
		time.AfterFunc(time.Millisecond, func() { _, _ = j.MemoryJournal.Begin(context.Background(), e) })
		return retry.Entry{}, ctx.Err()
	}
	held, err := j.MemoryJournal.Begin(ctx, e)
	time.Sleep(10 * time.Millisecond)
	return held, err
}
func (j *contrary) End(ctx context.Context, e retry.Entry) error {
	if j.ends.Add(1) > 100 {
		panic(http100{})
	}
	return fmt.Errorf("the replica says: %w", retry.ErrBusy)
}

type http100 struct{}

func TestHostileClosingLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &contrary{}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		p := &payment{looks: []found{absent}}
		_, err := pay(t, ctx, retry.Config{Journal: j}, p)
		t.Log(err, j.ends.Load())
		require.Less(t, j.ends.Load(), int32(10))
	})
}

type uncomparable struct{ v any }

func (uncomparable) Error() string  { return "u" }
func (uncomparable) ErrorCode() int { return 10 }

func TestHostileUncomparable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &payment{sends: []error{errTimeout}, looks: []found{{retry.Undecided, uncomparable{[]int{1}}}}}
		_, err := pay(t, t.Context(), retry.Config{}, p)
		require.NotPanics(t, func() { _ = err.Error() })
	})
}

func TestHostileJournalTraceIDs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := new(retry.MemoryJournal)
		_, _ = j.Begin(t.Context(), retry.Entry{ID: "inv-7", Owner: "o", State: retry.EntryOpen, At: time.Now(), First: time.Now(), Takes: time.Second,
			TraceIDs: []string{"a\nlevel=info msg=\"payment settled\"", strings.Repeat("x", 1<<20)}})
		p := &payment{looks: []found{undecided}}
		_, err := pay(t, t.Context(), retry.Config{Journal: j}, p)
		require.NotContains(t, err.Error(), "\n")
		require.Less(t, len(err.Error()), 1<<16)
	})
}

func TestHostileNestedDrawIgnoresLockout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lane := newLane(t)
		lock := new(breaker.Lockout)
		r := newRetrier(t, retry.Config{Nonces: lane, Lockout: lock})
		inner := 0
		p := &payment{sends: []error{errTimeout}, looks: []found{undecided}}
		p.changes = func(o *retry.Operation[string]) {
			o.GiveUp = 50 * time.Second
			o.Verify = func(ctx context.Context) (string, retry.Outcome, error) {
				time.Sleep(2 * time.Second) // the turn is given back
				return "", retry.Undecided, retry.Do(ctx, r, func(ctx context.Context) error {
					if lock.Check("lane") != nil {
						inner++
					}
					return errors.New("x")
				})
			}
		}
		go func() {
			time.Sleep(1500 * time.Millisecond)
			lock.Lock("lane", breaker.LockCause{})
		}()
		_, err := retry.DoOnce(t.Context(), r, p.operation())
		t.Log(err)
		require.Zero(t, inner, "sent on a locked key")
	})
}

type panicky struct{ retry.MemoryJournal }

func (j *panicky) Pending(context.Context) iter.Seq2[retry.Entry, error] {
	return func(yield func(retry.Entry, error) bool) {
		yield(retry.Entry{ID: "a"}, nil)
		panic("journal")
	}
}
func TestHostilePendingPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		running := false
		require.NotPanics(t, func() {
			_, _ = retry.Recover(t.Context(), newRetrier(t, retry.Config{}), &panicky{}, func(e retry.Entry) (retry.Operation[string], bool) {
				id := e.ID
				running = true
				return retry.Operation[string]{ID: id, Send: func(context.Context) (string, error) { return "", nil }}, true
			})
		})
		_ = running
	})
}

// An answer that is told by As only
type asAnswer struct{ e *classify.Error }

func (asAnswer) Error() string { return "x" }
func (a asAnswer) As(target any) bool {
	if p, ok := target.(**classify.Error); ok {
		*p = a.e
		return true
	}
	return false
}
func TestHostileAsAnswer409(t *testing.T) {
	for _, status := range []int{409, 429, 408, 302, 500, 200} {
		synctest.Test(t, func(t *testing.T) {
			p := &payment{sends: []error{asAnswer{code(status, "30010")}}, looks: []found{applied}}
			_, err := pay(t, t.Context(), retry.Config{}, p)
			if err != nil {
				t.Errorf("status %d: a %v: believed as a refusal", status, err)
			}
		})
	}
}

type latent struct {
	retry.MemoryJournal
	d time.Duration
}

func (j *latent) Begin(ctx context.Context, e retry.Entry) (retry.Entry, error) {
	select {
	case <-time.After(j.d):
	case <-ctx.Done():
		return retry.Entry{}, ctx.Err()
	}
	return j.MemoryJournal.Begin(ctx, e)
}
func TestHostileRecoverIdempotentSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &latent{d: 100 * time.Millisecond}
		n := 2000
		for i := range n {
			_, _ = j.MemoryJournal.Begin(t.Context(), retry.Entry{ID: fmt.Sprint("i", i), Owner: "o", State: retry.EntryOpen, At: time.Now(), First: time.Now(), Takes: time.Second})
		}
		rs, err := retry.Recover(t.Context(), newRetrier(t, retry.Config{}), j, func(e retry.Entry) (retry.Operation[string], bool) {
			id := e.ID
			return retry.Operation[string]{ID: id, Idempotent: 24 * time.Hour, Send: func(context.Context) (string, error) { return "ok", nil }}, true
		})
		require.NoError(t, err)
		bad := 0
		for _, r := range rs {
			if r.Err != nil {
				bad++
				if bad == 1 {
					t.Log(r.Err)
				}
			}
		}
		require.Zero(t, bad, "of %d", n)
	})
}

func TestHostileDAG(t *testing.T) {
	err := errors.New("x")
	for range 30 {
		err = errors.Join(err, err)
	}
	began := time.Now()
	done := make(chan struct{})
	go func() {
		defer close(done)
		p := &payment{sends: []error{err}, looks: []found{applied}}
		_, _ = pay(t, t.Context(), retry.Config{}, p)
	}()
	select {
	case <-done:
		t.Log(time.Since(began))
	case <-time.After(3 * time.Second):
		t.Fatal("a tree of 30 joined errors keeps DoOnce busy")
	}
}

var _ = nonce.ErrLeft
