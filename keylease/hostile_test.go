package keylease_test

import (
	"context"
	"errors"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/internal/wallclock"
	"github.com/nexpay-go/resilience/keylease"
	"github.com/nexpay-go/resilience/nonce"
)

// A liar is a store whose answers are changed on the way.
type liar struct {
	keylease.Store
	mu     sync.Mutex
	lie    func(r keylease.Round, s *keylease.Standing)
	rounds atomic.Int64
}

func (l *liar) says(lie func(r keylease.Round, s *keylease.Standing)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lie = lie
}

func (l *liar) Round(ctx context.Context, r keylease.Round) (keylease.Standing, error) {
	l.rounds.Add(1)
	s, err := l.Store.Round(ctx, r)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lie != nil && !r.Leaving {
		l.lie(r, &s)
	}
	return s, err
}

// An answer that cannot be is no answer: it changes nothing, an event says so, and it leaves
// no trace in the store.
func TestAnswersThatCannotBe(t *testing.T) {
	for name, lie := range map[string]func(r keylease.Round, s *keylease.Standing){
		"an unknown key": func(_ keylease.Round, s *keylease.Standing) {
			s.Records = append(s.Records, keylease.Record{Key: "other", Epoch: 1})
		},
		"a key twice": func(_ keylease.Round, s *keylease.Standing) {
			s.Records = append(s.Records, keylease.Record{Key: keys(1)[0], Epoch: 7, High: 3})
		},
		"a high above the highest nonce": func(_ keylease.Round, s *keylease.Standing) { s.Records[0].High = nonce.MaxNonce + 1 },
		"a high below the one renewed":   func(_ keylease.Round, s *keylease.Standing) { s.Records[0].High = 0 },
		"epoch 0":                        func(_ keylease.Round, s *keylease.Standing) { s.Records[0].Epoch = 0 },
		"a negative epoch":               func(_ keylease.Round, s *keylease.Standing) { s.Records[0].Epoch = -1 },
		"nobody alive":                   func(_ keylease.Round, s *keylease.Standing) { s.Alive = 0 },
		"fewer than nobody":              func(_ keylease.Round, s *keylease.Standing) { s.Alive = math.MinInt },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := &liar{Store: new(keylease.MemoryStore)}
				p := start(t, store, func(c *keylease.Config) { c.Keys = keys(2) })
				time.Sleep(time.Second)
				require.Equal(t, keys(2), p.Keys())
				time.Sleep(5 * time.Second) // both keys have their first grants
				store.says(lie)
				before := store.rounds.Load()
				var err error
				for began := time.Now(); time.Since(began) < 5*time.Second; {
					var ticket *nonce.Ticket
					ctx, cancel := context.WithTimeout(t.Context(), time.Second)
					ticket, err = p.Enter(ctx)
					cancel()
					require.NoError(t, err)
					require.LessOrEqual(t, ticket.Nonce(), uint64(time.Now().UnixMicro())+1000)
					ticket.Leave()
					time.Sleep(50 * time.Millisecond)
				}
				require.Equal(t, keys(2), p.Keys())
				require.Equal(t, 1, p.heard(keylease.StoreGone))
				time.Sleep(6 * time.Second)
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				_, err = p.Enter(ctx)
				require.Error(t, err)
				require.Less(t, store.rounds.Load()-before, int64(60))
				store.says(nil)
				time.Sleep(4 * time.Second)
				require.Equal(t, 1, p.heard(keylease.StoreBack))
				ticket, err := p.Enter(ctx)
				require.NoError(t, err)
				require.LessOrEqual(t, ticket.Nonce(), uint64(time.Now().UnixMicro())+1000)
				ticket.Leave()
				require.Equal(t, 2, p.heard(keylease.Taken))
				require.Zero(t, p.heard(keylease.Lost))
			})
		})
	}
}

// A process whose clock is beyond all nonces uses none, and leaves the keys usable when it
// crashes.
func TestAClockBeyondAllNonces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wallclock.Wrong = func() time.Time { return time.Now().AddDate(400, 0, 0) }
		defer func() { wallclock.Wrong = nil }()
		store := new(keylease.MemoryStore)
		p := start(t, store, func(c *keylease.Config) { c.Keys = keys(1) })
		time.Sleep(time.Minute)
		_, err := p.Enter(t.Context())
		_, exhausted := errors.AsType[*nonce.ExhaustedError](err)
		require.True(t, exhausted)
		p.gate.cut(errors.New("it crashes"))
		_ = p.Close(t.Context())

		wallclock.Wrong = nil
		next := start(t, store, func(c *keylease.Config) { c.Keys = keys(1) })
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		ticket, err := next.Enter(ctx)
		require.NoError(t, err)
		require.Less(t, ticket.Nonce(), uint64(time.Now().UnixMicro())+1000)
		ticket.Leave()
	})
}

// Keys that a round has taken while Close broke it off are returned, too: nobody would use
// them for TTL, which may be an hour.
func TestCloseReturnsWhatItWasNotTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := new(keylease.MemoryStore)
		lost := &lostAnswers{Store: store}
		p := start(t, lost, func(c *keylease.Config) { c.TTL = time.Hour })
		time.Sleep(time.Second) // it is in the middle of its first round
		lost.over.Store(true)
		began := time.Now()
		require.NoError(t, p.Close(t.Context()))
		require.Less(t, time.Since(began), time.Second)
		s, err := store.Round(t.Context(), keylease.Round{Owner: "next", Keys: keys(4), TTL: time.Minute})
		require.NoError(t, err)
		require.Len(t, s.Records, 4)
		require.Equal(t, 1, s.Alive)
	})
}

// lostAnswers is a store whose answers are lost.
type lostAnswers struct {
	keylease.Store
	over atomic.Bool
}

func (l *lostAnswers) Round(ctx context.Context, r keylease.Round) (keylease.Standing, error) {
	s, err := l.Store.Round(ctx, r)
	if !l.over.Load() {
		<-ctx.Done()
		return keylease.Standing{}, ctx.Err()
	}
	return s, err
}

// A hook that hangs, or ends its goroutine, keeps no key from being renewed, and may call
// Close.
func TestHooksThatHangOrExit(t *testing.T) {
	for name, hook := range map[string]func(p *keylease.Leases){
		"hang":  func(p *keylease.Leases) { time.Sleep(time.Hour) },
		"exit":  func(p *keylease.Leases) { runtime.Goexit() },
		"panic": func(p *keylease.Leases) { panic("hook") },
		"close": func(p *keylease.Leases) { _ = p.Close(context.Background()) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := new(keylease.MemoryStore)
				var l *keylease.Leases
				made := make(chan struct{})
				l, err := keylease.New(keylease.Config{Store: store, Keys: keys(1), OnEvent: func(keylease.Event) {
					<-made
					hook(l)
				}})
				require.NoError(t, err)
				close(made)
				time.Sleep(5 * time.Minute)
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				if ticket, err := l.Enter(ctx); name == "close" {
					require.ErrorIs(t, err, keylease.ErrClosed)
				} else {
					require.NoError(t, err)
					ticket.Leave()
				}
				require.NoError(t, l.Close(t.Context()))
				time.Sleep(2 * time.Hour) // the hook that hangs has gone on
			})
		})
	}
}
