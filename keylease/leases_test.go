package keylease_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/nexpay-go/resilience/internal/wallclock"
	"github.com/nexpay-go/resilience/keylease"
	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/nonce/noncetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func keys(n int) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprintf("key-%02d", i))
	}
	return all
}

// a gate is a store as one process sees it: it may be cut off.
type gate struct {
	keylease.Store
	mu   sync.Mutex
	shut error
}

func (g *gate) cut(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut = err
}

func (g *gate) Round(ctx context.Context, r keylease.Round) (keylease.Standing, error) {
	g.mu.Lock()
	err := g.shut
	g.mu.Unlock()
	if err != nil {
		return keylease.Standing{}, err
	}
	return g.Store.Round(ctx, r)
}

type process struct {
	*keylease.Leases
	gate   *gate
	mu     sync.Mutex
	events []keylease.Event
}

func start(t *testing.T, store keylease.Store, change func(*keylease.Config)) *process {
	t.Helper()
	p := &process{gate: &gate{Store: store}}
	cfg := keylease.Config{Store: p.gate, Keys: keys(4), OnEvent: func(e keylease.Event) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.events = append(p.events, e)
	}}
	if change != nil {
		change(&cfg)
	}
	l, err := keylease.New(cfg)
	require.NoError(t, err)
	p.Leases = l
	t.Cleanup(func() { _ = l.Close(context.Background()) })
	return p
}

func (p *process) heard(kind keylease.EventKind) (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.events {
		if e.Kind == kind {
			n++
		}
	}
	return n
}

func TestKeepsTheRulesOfASource(t *testing.T) {
	for _, n := range []int{1, 3} {
		synctest.Test(t, func(t *testing.T) {
			p := start(t, new(keylease.MemoryStore), func(c *keylease.Config) { c.Keys = keys(n) })
			noncetest.Run(t, p)
			require.NoError(t, p.Close(t.Context()))
		})
	}
}

// Each gets its share, and all of it passes on: by Close at once, by a crash after TTL and a round.
func TestSharesPassOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := new(keylease.MemoryStore)
		a, b := start(t, store, nil), start(t, store, nil)
		time.Sleep(20 * time.Second)
		require.Len(t, a.Keys(), 2)
		require.Len(t, b.Keys(), 2)
		require.NotEqual(t, a.Keys(), b.Keys())
		require.Equal(t, 2, a.Stats().Alive)
		for i, lane := range a.Lanes() {
			require.Equal(t, a.Keys()[i], lane.Key)
		}
		require.Len(t, a.Lanes(), 2)

		require.NoError(t, a.Close(t.Context()))
		time.Sleep(4 * time.Second)
		require.Equal(t, keys(4), b.Keys())
		_, err := a.Enter(t.Context())
		require.ErrorIs(t, err, keylease.ErrClosed)

		b.gate.cut(errors.New("gone")) // as if it had crashed
		c := start(t, store, nil)
		began := time.Now()
		ticket, err := c.Enter(t.Context())
		require.NoError(t, err)
		require.LessOrEqual(t, time.Since(began), 14*time.Second, "TTL and a round")
		ticket.Leave()
		time.Sleep(4 * time.Second)
		require.NotEmpty(t, c.Keys())
		require.Equal(t, 1, b.heard(keylease.StoreGone))
	})
}

// Every nonce of an epoch is below every nonce of the next, also where the former holder
// is still there and knows nothing.
func TestEpochsDoNotOverlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := new(keylease.MemoryStore)
		one := func(c *keylease.Config) { c.Keys = keys(1) }
		a := start(t, store, one)
		highest := uint64(0)
		draw := func(p *process) uint64 {
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			ticket, err := p.Enter(ctx)
			if err != nil {
				return 0
			}
			defer ticket.Leave()
			return ticket.Nonce()
		}
		for range 100 {
			highest = max(highest, draw(a))
		}
		a.gate.cut(errors.New("partition"))
		b := start(t, store, one)
		first := draw(b)
		require.NotZero(t, first)
		for range 100 { // it draws what it was granted, and then no more
			n := draw(a)
			if n == 0 {
				break
			}
			require.Less(t, n, first)
		}
		require.Greater(t, first, highest)
		a.gate.cut(nil)
		time.Sleep(5 * time.Second)
		require.Equal(t, 1, a.heard(keylease.Lost))
		require.Empty(t, a.Keys())
	})
}

// A lease ends with TTL also where the lane is ahead of the clock, as a former holder's was:
// it then has nonces for much longer.
func TestALeaseEndsThoughNoncesAreLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := new(keylease.MemoryStore)
		former := keylease.Round{Owner: "former", Keys: keys(1), TTL: time.Second}
		_, err := store.Round(t.Context(), former)
		require.NoError(t, err)
		former.Renew = []keylease.Record{{Key: keys(1)[0], Epoch: 1, High: uint64(time.Now().Add(time.Hour).UnixMicro())}}
		_, err = store.Round(t.Context(), former)
		require.NoError(t, err)
		p := start(t, store, func(c *keylease.Config) { c.Keys = keys(1) })
		ticket, err := p.Enter(t.Context())
		require.NoError(t, err)
		ticket.Leave()
		p.gate.cut(errors.New("gone"))
		began := time.Now()
		for err == nil {
			if ticket, err = p.Enter(t.Context()); err == nil {
				ticket.Leave()
				time.Sleep(100 * time.Millisecond)
			}
		}
		require.ErrorContains(t, err, "the store has not answered for 10")
		require.LessOrEqual(t, time.Since(began), 11100*time.Millisecond)
		p.gate.cut(nil)
		ticket, err = p.Enter(t.Context())
		for err != nil {
			time.Sleep(100 * time.Millisecond)
			ticket, err = p.Enter(t.Context())
		}
		ticket.Leave()
		require.Zero(t, p.heard(keylease.Lost))
	})
}

// A stopped store answers nothing until it goes on.
type stopped struct {
	keylease.Store
	goesOn atomic.Pointer[chan struct{}]
}

func (s *stopped) Round(ctx context.Context, r keylease.Round) (keylease.Standing, error) {
	time.Sleep(100 * time.Millisecond) // as a busy one takes
	if wait := s.goesOn.Load(); wait != nil {
		select {
		case <-*wait:
		case <-ctx.Done():
			return keylease.Standing{}, ctx.Err()
		}
	}
	return s.Store.Round(ctx, r)
}

// A store that is gone for half of TTL changes nothing, whether it is stopped or fails, and
// whenever that begins: a round that failed is followed by another one soon.
func TestHalfATTLIsNothing(t *testing.T) {
	for _, stops := range []bool{true, false} {
		for at := range 20 {
			synctest.Test(t, func(t *testing.T) {
				s := &stopped{Store: new(keylease.MemoryStore)}
				p := start(t, s, func(c *keylease.Config) { c.Keys = keys(1) })
				time.Sleep(10*time.Second + time.Duration(at)*200*time.Millisecond)
				if goesOn := make(chan struct{}); stops {
					s.goesOn.Store(&goesOn)
					time.AfterFunc(5*time.Second, func() { close(goesOn) })
				} else {
					p.gate.cut(errors.New("gone"))
					time.AfterFunc(5*time.Second, func() { p.gate.cut(nil) })
				}
				for range 200 {
					ticket, err := p.Enter(t.Context())
					require.NoError(t, err)
					ticket.Leave()
					time.Sleep(100 * time.Millisecond)
				}
			})
		}
	}
}

// A store that is gone for less than TTL is no news to a call. One that is gone for longer
// is, and calls come back with it.
func TestStoreIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := start(t, new(keylease.MemoryStore), nil)
		call := func() error {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			ticket, err := p.Enter(ctx)
			if err == nil {
				ticket.Leave()
			}
			return err
		}
		require.NoError(t, call())
		p.gate.cut(errors.New("dial tcp db: secret"))
		for range 5 {
			time.Sleep(time.Second)
			began := time.Now()
			require.NoError(t, call())
			require.Zero(t, time.Since(began), "no call waits for it")
		}
		time.Sleep(12 * time.Second)
		err := call()
		require.ErrorContains(t, err, "cannot be renewed: the store has not answered for ")
		require.NotContains(t, err.Error(), "secret")
		require.Equal(t, 1, p.heard(keylease.StoreGone))
		p.gate.cut(nil)
		time.Sleep(4 * time.Second)
		require.NoError(t, call())
		require.Equal(t, 1, p.heard(keylease.StoreBack))
		require.Zero(t, p.heard(keylease.Lost))
	})
}

// A round that fails just when a lane needs its first grant, or its next one, is made once
// more soon: no call ends for that before the store has been silent for TTL.
func TestARoundThatFailsIsMadeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := start(t, new(keylease.MemoryStore), func(c *keylease.Config) { c.Keys = keys(1) })
		time.Sleep(time.Second) // taken, and nothing drawn
		began := time.Now()
		p.gate.cut(errors.New("a connection was lost"))
		time.AfterFunc(100*time.Millisecond, func() { p.gate.cut(nil) })
		ticket, err := p.Enter(t.Context())
		require.NoError(t, err)
		ticket.Leave()
		require.Less(t, time.Since(began), 600*time.Millisecond)
		require.Equal(t, 1, p.heard(keylease.StoreGone))
	})
}

// Where the store stays silent, who needs a grant waits as long as the caller wants, and
// TTL at most; and that costs few rounds.
func TestAGrantThatDoesNotCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rounds := &counted{Store: new(keylease.MemoryStore)}
		g := &gate{Store: rounds.Store}
		rounds.Store = g
		p := start(t, rounds, func(c *keylease.Config) { c.Keys = keys(1) })
		time.Sleep(time.Second)
		g.cut(errors.New("gone"))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := p.Enter(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		began, before := time.Now(), rounds.rounds.Load()
		_, err = p.Enter(t.Context())
		require.ErrorContains(t, err, "cannot be renewed: the store has not answered for 10")
		require.LessOrEqual(t, time.Since(began), 8500*time.Millisecond)
		require.LessOrEqual(t, rounds.rounds.Load()-before, int64(27), "one in a thirtieth of TTL")
	})
}

// With more processes than keys, some wait for a key, and get one when a process ends.
func TestMoreProcessesThanKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := new(keylease.MemoryStore)
		one := func(c *keylease.Config) { c.Keys = keys(1) }
		a := start(t, store, one)
		time.Sleep(time.Second)
		b := start(t, store, one)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, err := b.Enter(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, "no key is free: 2 processes share 1")
		_, err = b.EnterKey(t.Context(), keys(1)[0])
		require.ErrorIs(t, err, nonce.ErrUnknownKey)
		done := make(chan error)
		go func() {
			ticket, err := b.Enter(t.Context())
			if err == nil {
				ticket.Leave()
			}
			done <- err
		}()
		require.NoError(t, a.Close(t.Context()))
		require.NoError(t, <-done)
	})
}

// A key is given back when its last turn is over, with the exact nonce.
func TestGivenBackExactly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := new(keylease.MemoryStore)
		one := func(c *keylease.Config) { c.Keys = keys(1) }
		a := start(t, store, one)
		ticket, err := a.Enter(t.Context())
		require.NoError(t, err)
		closed := make(chan error)
		go func() { closed <- a.Close(t.Context()) }()
		time.Sleep(time.Second)
		select {
		case <-closed:
			t.Fatal("a turn was under way")
		default:
		}
		ticket.Leave()
		require.NoError(t, <-closed)
		s, err := store.Round(t.Context(), keylease.Round{Owner: "next", Keys: keys(1), TTL: time.Second})
		require.NoError(t, err)
		require.Equal(t, []keylease.Record{{Key: keys(1)[0], Epoch: 2, High: ticket.Nonce()}}, s.Records)
	})
}

// OnTake has a context that ends with the lease, and Close waits for it.
func TestOnTake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		began, ended := map[string]int{}, 0
		p := start(t, new(keylease.MemoryStore), func(c *keylease.Config) {
			c.OnTake = func(ctx context.Context, key string) {
				mu.Lock()
				began[key]++
				mu.Unlock()
				<-ctx.Done()
				time.Sleep(time.Second)
				mu.Lock()
				ended++
				mu.Unlock()
			}
		})
		time.Sleep(time.Second)
		require.NoError(t, p.Close(t.Context()))
		require.Equal(t, map[string]int{"key-00": 1, "key-01": 1, "key-02": 1, "key-03": 1}, began)
		require.Equal(t, 4, ended)
		require.NoError(t, p.Close(t.Context()))
	})
}

// A turn that does not end keeps Close no longer than TTL, and the error says what is left.
func TestCloseWithATurnThatDoesNotEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := start(t, new(keylease.MemoryStore), func(c *keylease.Config) { c.Keys = keys(1) })
		_, err := p.Enter(t.Context())
		require.NoError(t, err)
		began := time.Now()
		require.EqualError(t, p.Close(t.Context()), "keylease: keys not returned, free when their leases expire, in 10s at most: key-00")
		require.LessOrEqual(t, time.Since(began), 11*time.Second)
	})
}

func TestConfig(t *testing.T) {
	_, err := keylease.New(keylease.Config{
		Keys: []string{"a", "a", ""}, TTL: time.Millisecond, Most: -1, Lane: nonce.LaneConfig{After: 5},
	})
	for _, wrong := range []string{"Store is required", "contains a key twice", "TTL 1ms is not between", "Most -1", "Lane: Key, After"} {
		require.ErrorContains(t, err, wrong)
	}
	_, err = keylease.New(keylease.Config{Store: new(keylease.MemoryStore), Keys: []string{"a", "\x00"}, Lane: nonce.LaneConfig{InFlight: -1}})
	require.ErrorContains(t, err, "InFlight -1")
	require.ErrorContains(t, err, "control characters")
	_, err = keylease.New(keylease.Config{Store: new(keylease.MemoryStore)})
	require.ErrorContains(t, err, "Keys is empty")
}

// Who takes over from a process whose clock was ahead goes on above its nonces, with a
// clock that is right.
func TestTakesOverFromAClockThatWasAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const ahead = 8 * time.Second
		store := new(keylease.MemoryStore)
		one := func(c *keylease.Config) { c.Keys = keys(1) }
		wallclock.Wrong = func() time.Time { return time.Now().Add(ahead) }
		a := start(t, store, one)
		last := uint64(0)
		for range 5 {
			time.Sleep(time.Second)
			ticket, err := a.Enter(t.Context())
			require.NoError(t, err)
			last = ticket.Nonce()
			require.InDelta(t, time.Now().Add(ahead).UnixMicro(), last, 100_000)
			ticket.Leave()
		}
		a.gate.cut(errors.New("it crashes"))
		_ = a.Close(t.Context())
		wallclock.Wrong = nil
		p := start(t, store, one)
		began := time.Now()
		for range 50 {
			ticket, err := p.Enter(t.Context())
			require.NoError(t, err)
			require.Greater(t, ticket.Nonce(), last)
			last = ticket.Nonce()
			time.Sleep(100 * time.Millisecond)
			ticket.Leave()
		}
		require.LessOrEqual(t, time.Since(began), 19*time.Second, "the lease, a round, and the turns")
	})
}
