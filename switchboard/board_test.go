package switchboard_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/switchboard"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A line is a store as one process reaches it: cut off, or slow.
type line struct {
	switchboard.Store
	mu   sync.Mutex
	cut  error
	slow time.Duration
	puts int
}

func (l *line) pass(ctx context.Context) error {
	l.mu.Lock()
	err, slow := l.cut, l.slow
	l.mu.Unlock()
	if slow == 0 { // no timer, with which the race detector of Go 1.26 has trouble in a bubble
		return cmp.Or(ctx.Err(), err)
	}
	select {
	case <-time.After(slow):
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l *line) set(cut error, slow time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut, l.slow = cut, slow
}

func (l *line) Put(ctx context.Context, e switchboard.Entry, sent time.Duration) error {
	if err := l.pass(ctx); err != nil {
		return err
	}
	l.mu.Lock()
	l.puts++
	l.mu.Unlock()
	return l.Store.Put(ctx, e, sent)
}

func (l *line) All(ctx context.Context) ([]switchboard.Entry, error) {
	if err := l.pass(ctx); err != nil {
		return nil, err
	}
	return l.Store.All(ctx)
}

type process struct {
	*switchboard.Board
	lockout  *breaker.Lockout
	breakers *breaker.Group
	line     *line
	mu       sync.Mutex
	events   []switchboard.Event
}

func start(t *testing.T, store switchboard.Store, name string) *process {
	t.Helper()
	p := &process{lockout: new(breaker.Lockout), breakers: new(breaker.Group), line: &line{Store: store}}
	b, err := switchboard.New(t.Context(), switchboard.Config{
		Store: p.line, Lockout: p.lockout, Process: name, Breakers: p.breakers.Get,
		OnEvent: func(e switchboard.Event) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.events = append(p.events, e)
		},
	})
	require.NoError(t, err)
	p.Board = b
	t.Cleanup(b.Close)
	return p
}

// heard returns the events so far.
func (p *process) heard() []switchboard.Event {
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.events
}

func fleet(t *testing.T, store switchboard.Store, n int) (all []*process) {
	for i := range n {
		all = append(all, start(t, store, fmt.Sprintf("p-%d", i)))
	}
	return all
}

var cause = breaker.LockCause{Code: "100", TraceID: "5f2c", Reason: "API key locked", Advice: "Call them."}

// What one finds out all know within half a second, with all of the cause; and a new one
// before its first call.
func TestALockoutIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := new(switchboard.MemoryStore)
		all := fleet(t, store, 8)
		require.True(t, all[3].lockout.Lock("main", cause))
		time.Sleep(500 * time.Millisecond)
		for _, p := range all {
			require.ErrorIs(t, p.lockout.Check("main"), breaker.ErrLockedOut)
		}
		text := all[0].lockout.Check("main").Error()
		require.Contains(t, text, "by code 100 (API key locked)")
		require.Contains(t, text, "reported by p-3, trace 5f2c; action: Call them")
		require.NotContains(t, all[3].lockout.Check("main").Error(), "reported by")
		require.Error(t, start(t, store, "new").lockout.Check("main"))

		require.True(t, all[5].lockout.Unlock("main")) // a person has acted
		time.Sleep(500 * time.Millisecond)
		for _, p := range all {
			require.NoError(t, p.lockout.Check("main"))
		}
		puts := 0
		for _, p := range all {
			puts += p.line.puts
		}
		require.Equal(t, 2, puts, "who hears of it does not say it again")
	})
}

// An answer to a request that was sent before a person unlocked the key locks it nowhere,
// also where the unlock is not known yet.
func TestALateLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := new(switchboard.MemoryStore)
		all := fleet(t, store, 3)
		all[0].lockout.Lock("main", cause)
		time.Sleep(time.Second)
		sent := time.Now()
		time.Sleep(time.Second)
		all[2].line.set(errors.New("partition"), 0)
		all[1].lockout.Unlock("main")
		time.Sleep(100 * time.Millisecond)
		all[2].lockout.Unlock("main") // it is not told, and so somebody acts here as well
		all[2].lockout.Lock("main", breaker.LockCause{Code: "90", Sent: time.Now()})
		all[2].line.set(nil, 0)
		time.Sleep(time.Second)
		require.Error(t, all[0].lockout.Check("main"), "found locked after the unlock")

		all[1].lockout.Unlock("main")
		late := cause
		late.Sent = sent
		require.False(t, all[1].lockout.Lock("main", late))
		require.NoError(t, store.Put(t.Context(), switchboard.Entry{Kind: switchboard.Key, Name: "main", On: true, Cause: late}, time.Since(sent)))
		time.Sleep(time.Second)
		for _, p := range all {
			require.NoError(t, p.lockout.Check("main"))
		}
	})
}

// A store that hangs or is gone costs no call anything, and what was said meanwhile is
// passed on when it is back.
func TestTheStoreIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := fleet(t, new(switchboard.MemoryStore), 2)
		for _, slow := range []time.Duration{0, time.Hour} {
			all[0].line.set(errors.New("gone"), slow)
			time.Sleep(time.Second)
			began := time.Now()
			all[0].lockout.Lock("main", cause)
			all[0].lockout.Unlock("main")
			all[0].lockout.Lock("main", cause)
			require.Error(t, all[0].lockout.Check("main"))
			require.Zero(t, time.Since(began))
			time.Sleep(5 * time.Second)
			require.NoError(t, all[1].lockout.Check("main"))
			all[0].line.set(nil, 0)
			time.Sleep(2 * time.Second)
			require.Error(t, all[1].lockout.Check("main"))
			all[1].lockout.Unlock("main")
			time.Sleep(time.Second)
			require.NoError(t, all[0].lockout.Check("main"))
		}
		require.Len(t, all[0].heard(), 4)
		require.True(t, all[0].heard()[0].Gone)
		require.False(t, all[0].heard()[1].Gone)
		require.Empty(t, all[1].heard())
	})
}

func TestAStoreThatIsGoneAtTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{Store: new(switchboard.MemoryStore), slow: time.Hour}
		lockout := new(breaker.Lockout)
		began := time.Now()
		b, err := switchboard.New(t.Context(), switchboard.Config{Store: l, Lockout: lockout})
		require.NoError(t, err)
		require.Equal(t, time.Second, time.Since(began))
		lockout.Lock("main", cause)
		b.Close()
		l.set(nil, 0)
	})
}

// What is still to be said when a process ends is said.
func TestCloseSaysTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := fleet(t, new(switchboard.MemoryStore), 2)
		all[0].lockout.Lock("main", cause)
		all[0].Close()
		time.Sleep(time.Second)
		require.Error(t, all[1].lockout.Check("main"))
	})
}

func TestBreakers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := fleet(t, new(switchboard.MemoryStore), 3)
		all[0].Isolate("payments", "maintenance until 6 o'clock")
		require.Equal(t, breaker.Open, all[0].breakers.Get("payments").State())
		time.Sleep(time.Second)
		require.ErrorContains(t, all[2].breakers.Get("payments").Check(), "isolated: maintenance until 6 o'clock (by p-0)")
		require.NoError(t, all[2].breakers.Get("other").Check())
		all[1].Reset("payments")
		time.Sleep(time.Second)
		for _, p := range all {
			require.NoError(t, p.breakers.Get("payments").Check())
		}
		// A breaker that a person has isolated here alone stays so.
		all[1].breakers.Get("payments").Isolate("here")
		time.Sleep(time.Second)
		require.Error(t, all[1].breakers.Get("payments").Check())
	})
}

// What a process was cut off with is as old as it is: a Reset of before is not put over an
// Isolate that another process has said since, nor an unlock over a lock, and the process
// does as the others do.
func TestWhatWasSaidLastHolds(t *testing.T) {
	for _, tt := range []struct {
		name         string
		first, other func(*process)
		want         bool
	}{
		{"isolated since", func(p *process) { p.Reset("payments") }, func(p *process) { p.Isolate("payments", "maintenance") }, true},
		{"reset since", func(p *process) { p.Isolate("payments", "maintenance") }, func(p *process) { p.Reset("payments") }, false},
		{"isolated twice", func(p *process) { p.Reset("payments") }, func(p *process) {
			p.Isolate("payments", "maintenance") // as it is already
		}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				all := fleet(t, new(switchboard.MemoryStore), 3)
				if tt.name != "isolated since" {
					all[2].Isolate("payments", "maintenance")
					time.Sleep(time.Second)
				}
				all[0].line.set(errors.New("partition"), 0)
				tt.first(all[0])
				time.Sleep(time.Minute)
				tt.other(all[1])
				time.Sleep(time.Minute)
				all[0].line.set(nil, 0)
				time.Sleep(time.Second)
				for _, p := range append(all, start(t, all[0].line.Store, "new")) {
					require.Equal(t, tt.want, p.breakers.Get("payments").Check() != nil)
				}
				all[0].Reset("payments") // and now that is the last word
				time.Sleep(time.Second)
				for _, p := range all {
					require.NoError(t, p.breakers.Get("payments").Check())
				}
			})
		})
	}
}

// The same of keys: an unlock of before the request was sent that found the key locked.
func TestAnUnlockOfBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := fleet(t, new(switchboard.MemoryStore), 3)
		all[2].lockout.Lock("main", cause)
		time.Sleep(time.Second)
		all[0].line.set(errors.New("partition"), 0)
		all[0].lockout.Unlock("main")
		time.Sleep(time.Minute)
		all[1].lockout.Unlock("main")
		time.Sleep(time.Minute)
		all[1].lockout.Lock("main", cause)
		time.Sleep(time.Minute)
		all[0].line.set(nil, 0)
		time.Sleep(time.Second)
		for _, p := range all {
			require.ErrorIs(t, p.lockout.Check("main"), breaker.ErrLockedOut)
		}
	})
}

// What a person says here is done here, whatever the Board knows of the breaker: it may
// have opened by itself, or somebody may have reset it past the Board.
func TestIsolateAndResetAreDoneHere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := start(t, new(switchboard.MemoryStore), "p")
		of := p.breakers.Get("payments")
		of.Isolate("by itself")
		p.Reset("payments")
		require.Equal(t, breaker.Closed, of.State())
		p.Isolate("payments", "maintenance")
		of.Reset()
		p.Isolate("payments", "maintenance")
		require.Equal(t, breaker.Open, of.State())
	})
}

// What a person types every database can hold: one that refused it would be asked for ever.
func TestAReasonThatNoDatabaseTakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := new(switchboard.MemoryStore)
		start(t, store, "p").Isolate("payments", "until \x00six\xff")
		time.Sleep(time.Second)
		all, err := store.All(t.Context())
		require.NoError(t, err)
		require.Equal(t, "until six", all[0].Cause.Reason)
	})
}

// A breaker that is isolated while a reset of before is being done is isolated in the end.
func TestIsolatedDuringAReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := new(switchboard.MemoryStore)
		other := start(t, store, "other")
		of, asked, held := new(breaker.Group), make(chan bool), make(chan bool)
		close(held)
		var mu sync.Mutex
		p, err := switchboard.New(t.Context(), switchboard.Config{
			Store: store, Lockout: new(breaker.Lockout), Breakers: func(name string) *breaker.Breaker {
				mu.Lock()
				first, wait := asked, held
				asked = nil
				mu.Unlock()
				if first != nil {
					close(first)
					<-wait
				}
				return of.Get(name)
			},
		})
		require.NoError(t, err)
		defer p.Close()
		first := asked
		other.Isolate("payments", "maintenance")
		<-first
		time.Sleep(time.Second)
		require.Equal(t, breaker.Open, of.Get("payments").State())
		mu.Lock()
		asked, held = make(chan bool), make(chan bool)
		first, wait := asked, held
		mu.Unlock()
		other.Reset("payments")
		<-first
		p.Isolate("payments", "once more")
		close(wait)
		time.Sleep(3 * time.Second)
		require.Equal(t, breaker.Open, of.Get("payments").State())
		require.Equal(t, breaker.Open, other.breakers.Get("payments").State())
	})
}

func TestConfig(t *testing.T) {
	_, err := switchboard.New(t.Context(), switchboard.Config{Poll: time.Microsecond})
	for _, wrong := range []string{"Store is required", "Lockout is required", "Poll 1µs is not between"} {
		require.ErrorContains(t, err, wrong)
	}
}
