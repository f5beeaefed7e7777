package switchboard_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/switchboard"
)

// A key that was locked before there was a Board is shared like any other, and stays locked
// though somebody had unlocked it before that.
func TestLockedBeforeTheBoard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := new(switchboard.MemoryStore)
		other := start(t, store, "other")
		other.lockout.Lock("main", cause)
		time.Sleep(time.Second)
		other.lockout.Unlock("main")
		time.Sleep(time.Second)

		lockout := new(breaker.Lockout)
		lockout.Lock("main", cause)
		b, err := switchboard.New(t.Context(), switchboard.Config{Store: store, Lockout: lockout})
		require.NoError(t, err)
		defer b.Close()
		require.Error(t, lockout.Check("main"))
		time.Sleep(time.Second)
		require.Error(t, lockout.Check("main"))
		require.Error(t, other.lockout.Check("main"))

		late := new(breaker.Lockout) // an answer to a request of before the unlock
		other.lockout.Unlock("main")
		time.Sleep(time.Second)
		sent := cause
		sent.Sent = time.Now().Add(-time.Minute)
		late.Lock("main", sent)
		b, err = switchboard.New(t.Context(), switchboard.Config{Store: store, Lockout: late})
		require.NoError(t, err)
		defer b.Close()
		time.Sleep(time.Second)
		require.NoError(t, late.Check("main"))
		require.NoError(t, other.lockout.Check("main"))
	})
}

// What a Board has only heard of it does not repeat when another one follows it.
func TestHearsayIsNotRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := new(switchboard.MemoryStore)
		other := start(t, store, "other")
		other.lockout.Lock("main", cause)
		p := start(t, store, "p")
		time.Sleep(time.Second)
		p.Close()
		time.Sleep(time.Second)
		other.lockout.Unlock("main")
		time.Sleep(time.Second)
		require.Error(t, p.lockout.Check("main"))
		b, err := switchboard.New(t.Context(), switchboard.Config{Store: store, Lockout: p.lockout})
		require.NoError(t, err)
		defer b.Close()
		require.NoError(t, p.lockout.Check("main"))
	})
}

// A breaker that is not there yet is isolated when it is.
func TestABreakerOfLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := new(switchboard.MemoryStore)
		start(t, store, "other").Isolate("payments", "maintenance")
		var there breaker.Group
		var known *breaker.Breaker
		made := make(chan struct{})
		b, err := switchboard.New(t.Context(), switchboard.Config{
			Store: store, Lockout: new(breaker.Lockout), Breakers: func(name string) *breaker.Breaker {
				select {
				case <-made:
					return known
				default:
					return nil
				}
			},
		})
		require.NoError(t, err)
		defer b.Close()
		time.Sleep(time.Second)
		known = there.Get("payments")
		close(made)
		time.Sleep(time.Second)
		require.Equal(t, breaker.Open, known.State())
		known.Reset() // past the Board: it is not isolated again each time
		time.Sleep(time.Second)
		require.Equal(t, breaker.Closed, known.State())
	})
}

// A Group that is too small forgets the breaker just before it is isolated: the one that
// takes its place is isolated as well.
func TestIsolatedAndForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, err := breaker.NewGroup(breaker.Config{}, 1)
		require.NoError(t, err)
		busy := true
		b, err := switchboard.New(t.Context(), switchboard.Config{
			Store: new(switchboard.MemoryStore), Lockout: new(breaker.Lockout), Breakers: func(name string) *breaker.Breaker {
				of := g.Get(name)
				if busy {
					busy = false
					g.Get("another")
				}
				return of
			},
		})
		require.NoError(t, err)
		defer b.Close()
		b.Isolate("payments", "maintenance")
		require.Equal(t, breaker.Open, g.Get("payments").State())
	})
}

// A function of the user's that panics harms no Board.
func TestPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := new(switchboard.MemoryStore)
		other := start(t, store, "other")
		l := &line{Store: store}
		lockout := new(breaker.Lockout)
		b, err := switchboard.New(t.Context(), switchboard.Config{
			Store: l, Lockout: lockout, Breakers: func(name string) *breaker.Breaker { panic(name) },
			OnEvent: func(switchboard.Event) { panic("event") },
		})
		require.NoError(t, err)
		defer b.Close()
		require.NotPanics(t, func() { b.Isolate("payments", "maintenance") })
		other.Isolate("lookups", "maintenance")
		l.set(errors.New("gone"), 0)
		time.Sleep(time.Second)
		l.set(nil, 0)
		other.lockout.Lock("main", cause)
		time.Sleep(time.Second)
		require.Error(t, lockout.Check("main"))
	})
}

// What cannot be written at the end is lost, and that is not silent.
func TestCloseReportsWhatItLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, slow := range []time.Duration{0, time.Hour} {
			p := start(t, new(switchboard.MemoryStore), "p")
			time.Sleep(100 * time.Millisecond)
			p.line.set(errors.New("gone"), slow)
			p.Isolate("payments", "maintenance")
			began := time.Now()
			p.Close()
			require.LessOrEqual(t, time.Since(began), time.Second)
			require.Len(t, p.heard(), 1)
			require.True(t, p.heard()[0].Gone)
		}
		p := start(t, new(switchboard.MemoryStore), "p")
		p.line.set(nil, 500*time.Millisecond)
		time.Sleep(400 * time.Millisecond) // in the middle of a poll
		p.Close()
		require.Empty(t, p.heard(), "it was Close that broke it off")
	})
}

// strict takes only what every database takes.
type strict struct {
	switchboard.Store
	t *testing.T
}

func (s strict) Put(ctx context.Context, e switchboard.Entry, age time.Duration) error {
	for _, text := range []string{e.Name, e.Cause.By, e.Cause.Reason} {
		require.Regexp(s.t, `\A[ -~]{0,256}\z`, text)
	}
	return s.Store.Put(ctx, e, age)
}

// One entry that a database refuses would be asked for ever.
func TestTextsThatNoDatabaseTakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := new(switchboard.MemoryStore)
		p := start(t, strict{store, t}, "pod\x00\xff")
		p.Isolate("pay\x00ments", "until \x00six\xff")
		p.lockout.Lock("main", cause)
		time.Sleep(time.Second)
		require.Equal(t, breaker.Open, p.breakers.Get("payments").State())
		require.NotContains(t, p.lockout.Check("main").Error(), "reported by")
		all, err := store.All(t.Context())
		require.NoError(t, err)
		require.Len(t, all, 2)
	})
}

// Whoever says what, and whoever is cut off meanwhile: in the end all processes do as was
// said last.
func TestTheLastWordHolds(t *testing.T) {
	for seed := range uint64(30) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1))
			store := new(switchboard.MemoryStore)
			all := fleet(t, store, 3)
			locked, isolated := false, false
			for range 60 {
				p := all[random.IntN(len(all))]
				switch random.IntN(8) {
				case 0, 1:
					if p.lockout.Lock("main", breaker.LockCause{Code: "100", Sent: time.Now()}) {
						locked = true
					}
				case 2, 3:
					if p.lockout.Unlock("main") {
						locked = false
					}
				case 4:
					p.Isolate("payments", "maintenance")
					isolated = true
				case 5:
					p.Reset("payments")
					isolated = false
				case 6:
					p.line.set(errors.New("partition"), 0)
				default:
					p.line.set(nil, 0)
				}
				time.Sleep(time.Duration(1+random.IntN(300)) * time.Millisecond)
			}
			for _, p := range all {
				p.line.set(nil, 0)
			}
			time.Sleep(time.Second)
			for _, p := range append(all, start(t, store, "new")) {
				require.Equal(t, locked, p.lockout.Check("main") != nil, seed)
				require.Equal(t, isolated, p.breakers.Get("payments").Check() != nil, seed)
			}
		})
	}
}

// The same where everybody speaks at once: all agree in the end.
func TestAllAgree(t *testing.T) {
	for range 30 {
		synctest.Test(t, func(t *testing.T) {
			store := new(switchboard.MemoryStore)
			all := fleet(t, store, 3)
			var speakers sync.WaitGroup
			for _, p := range all {
				for i := range 4 {
					speakers.Go(func() {
						for range 20 {
							switch i {
							case 0:
								p.lockout.Lock("main", cause)
							case 1:
								p.lockout.Unlock("main")
							case 2:
								p.Isolate("payments", "maintenance")
							case 3:
								p.Reset("payments")
							}
							time.Sleep(50 * time.Millisecond) // when the others poll, too
						}
					})
				}
			}
			speakers.Wait()
			time.Sleep(time.Second)
			entries, err := store.All(t.Context())
			require.NoError(t, err)
			for _, p := range all {
				for _, e := range entries {
					switch e.Kind {
					case switchboard.Key:
						require.Equal(t, e.On, p.lockout.Check("main") != nil)
					case switchboard.Breaker:
						require.Equal(t, e.On, p.breakers.Get("payments").Check() != nil)
					}
				}
			}
		})
	}
}

// A hook that hangs holds up neither the Board nor what a person does about the same
// breaker, and may close the Board.
func TestHooksThatHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := new(switchboard.MemoryStore)
		other := start(t, store, "other")
		goesOn := make(chan struct{})
		defer close(goesOn)
		hang := func() { <-goesOn }
		g, err := breaker.NewGroup(breaker.Config{OnStateChange: func(breaker.StateChange) { hang() }}, 0)
		require.NoError(t, err)
		lockout, l := new(breaker.Lockout), &line{Store: store}
		lockout.Watch(func(breaker.LockoutChange) { hang() })
		b, err := switchboard.New(t.Context(), switchboard.Config{
			Store: l, Lockout: lockout, Breakers: g.Get, OnEvent: func(switchboard.Event) { hang() },
		})
		require.NoError(t, err)
		other.lockout.Lock("main", cause)
		other.Isolate("payments", "maintenance")
		time.Sleep(3 * time.Second)
		require.Error(t, lockout.Check("main"))
		require.Equal(t, breaker.Open, g.Get("payments").State())
		other.lockout.Unlock("main")
		other.Reset("payments")
		l.set(errors.New("gone"), 0)
		time.Sleep(time.Second)
		l.set(nil, 0)
		time.Sleep(3 * time.Second)
		require.NoError(t, lockout.Check("main"))
		require.Equal(t, breaker.Closed, g.Get("payments").State())
		b.Isolate("payments", "no, not yet")
		require.Equal(t, breaker.Open, g.Get("payments").State())
		b.Close()
	})
}

// A hook that ends its goroutine, as FailNow of a test does, ends no Board.
func TestHooksThatExit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := new(switchboard.MemoryStore)
		other := start(t, store, "other")
		lockout, l := new(breaker.Lockout), &line{Store: store}
		lockout.Watch(func(breaker.LockoutChange) { runtime.Goexit() })
		b, err := switchboard.New(t.Context(), switchboard.Config{
			Store: l, Lockout: lockout, OnEvent: func(switchboard.Event) { runtime.Goexit() },
			Breakers: func(string) *breaker.Breaker { runtime.Goexit(); return nil },
		})
		require.NoError(t, err)
		defer b.Close()
		l.set(errors.New("gone"), 0)
		time.Sleep(time.Second)
		l.set(nil, 0)
		other.Isolate("payments", "maintenance")
		for range 3 {
			other.lockout.Lock("main", cause)
			time.Sleep(time.Second)
			require.Error(t, lockout.Check("main"))
			other.lockout.Unlock("main")
			time.Sleep(time.Second)
			require.NoError(t, lockout.Check("main"))
		}
	})
}

// OnEvent may close the Board.
func TestAHookCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b *switchboard.Board
		l := &line{Store: new(switchboard.MemoryStore)}
		closed := make(chan struct{})
		b, err := switchboard.New(t.Context(), switchboard.Config{Store: l, Lockout: new(breaker.Lockout), OnEvent: func(switchboard.Event) {
			b.Close()
			close(closed)
		}})
		require.NoError(t, err)
		l.set(errors.New("gone"), 0)
		<-closed
	})
}

// A lockout is shared though another watcher hangs.
func TestAnotherWatcherHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := new(switchboard.MemoryStore)
		other := start(t, store, "other")
		lockout := new(breaker.Lockout)
		goesOn := make(chan struct{})
		defer close(goesOn)
		lockout.Watch(func(breaker.LockoutChange) { <-goesOn })
		b, err := switchboard.New(t.Context(), switchboard.Config{Store: store, Lockout: lockout})
		require.NoError(t, err)
		defer b.Close()
		go lockout.Lock("main", cause)
		time.Sleep(time.Second)
		require.Error(t, other.lockout.Check("main"))
		go lockout.Unlock("main")
		time.Sleep(time.Second)
		require.NoError(t, other.lockout.Check("main"))
	})
}
