package nonce_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/nonce"
)

func TestLeaveTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLane(t, nonce.LaneConfig{})
		first := enter(t, l)
		callers := queueUp(l, 2)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(first.Leave)
		}
		wg.Wait()
		synctest.Wait()
		require.NotNil(t, callers[0].ticket)
		require.True(t, callers[1].waits(), "one turn ended, one begins")
		callers[0].ticket.Leave()
		first.Leave()
		synctest.Wait()
		callers[1].ticket.Leave()
		require.Zero(t, nonce.Load(l))
	})
}

// N2: a resend has a nonce of its own, above the one before and below the next turn's.
func TestResyncKeepsTheTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLane(t, nonce.LaneConfig{})
		first := enter(t, l)
		waiting := arrive(l.Enter)
		synctest.Wait()
		nonces := []uint64{first.Nonce()}
		var tickets []*nonce.Ticket
		for _, from := range []func() *nonce.Ticket{
			func() *nonce.Ticket { return first },
			func() *nonce.Ticket { return tickets[0] },
			func() *nonce.Ticket { return first }, // spent long ago, but the turn lives
		} {
			renew := from().Resync
			if len(tickets)%2 > 0 { // a second refusal in a row would be somebody else's doing
				renew = from().Next
			}
			newer, err := renew(t.Context())
			require.NoError(t, err)
			require.Equal(t, "main", newer.Key())
			tickets = append(tickets, newer)
			nonces = append(nonces, newer.Nonce())
			synctest.Wait()
			require.True(t, waiting.waits(), "nobody gets in between")
		}
		require.Equal(t, nonces[0], first.Nonce())

		tickets[1].Leave()
		synctest.Wait()
		next := waiting.ticket
		requireRising(t, append(nonces, next.Nonce()))
		for _, old := range append(tickets, first) {
			old.Leave() // the turn is left already
			_, err := old.Resync(t.Context())
			require.ErrorIs(t, err, nonce.ErrLeft)
		}
		require.Equal(t, 1, nonce.Load(l))
		require.Equal(t, next.Nonce(), l.Last())
		next.Leave()
	})
}

// N3: however many requests a turn has, the nonce is the clock, or one more than the last.
func TestNextNeverLeaps(t *testing.T) {
	l := newLane(t, nonce.LaneConfig{})
	c := clockOf(l, 1_000_000)
	ticket := enter(t, l)
	for i := range uint64(100) {
		require.Equal(t, 1_000_000+i, ticket.Nonce())
		var err error
		ticket, err = ticket.Next(t.Context())
		require.NoError(t, err)
	}
	c.step(time.Hour)
	ticket, err := ticket.Next(t.Context())
	require.NoError(t, err)
	require.Equal(t, uint64(3_601_000_000), ticket.Nonce())
	require.Zero(t, l.Stats().Refusals)
}

func TestResyncWithContextOver(t *testing.T) {
	l := newLane(t, nonce.LaneConfig{})
	ticket := enter(t, l)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := ticket.Resync(ctx)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, ticket.Nonce(), l.Last())
	ticket.Leave()
	_, err = ticket.Resync(ctx)
	require.ErrorIs(t, err, nonce.ErrLeft)
}

// The turn ends, and the next one begins, while Resync is about to draw a nonce: that would be above the next one's.
func TestResyncFindsTheTurnLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLane(t, nonce.LaneConfig{})
		ticket := enter(t, l)
		next := arrive(l.Enter)
		synctest.Wait()
		_, err := ticket.Resync(errContext{t.Context(), func() error {
			ticket.Leave()
			synctest.Wait()
			return nil
		}})
		require.ErrorIs(t, err, nonce.ErrLeft)
		require.Equal(t, next.ticket.Nonce(), l.Last())
		next.ticket.Leave()
	})
}

// A resync that succeeds while another goroutine leaves is still below the nonce of the turn that follows.
func TestResyncRacesWithLeave(t *testing.T) {
	l := newLane(t, nonce.LaneConfig{})
	for range 300 {
		ticket := enter(t, l)
		var wg sync.WaitGroup
		var resynced, next uint64
		wg.Go(func() {
			newer, err := ticket.Resync(context.Background())
			if err == nil {
				resynced = newer.Nonce()
			} else if !errors.Is(err, nonce.ErrLeft) {
				t.Error(err)
			}
		})
		wg.Go(func() {
			follower, err := l.Enter(context.Background())
			if err != nil {
				t.Error(err)
				return
			}
			next = follower.Nonce()
			follower.Leave()
		})
		ticket.Leave()
		wg.Wait()
		require.Less(t, resynced, next)
	}
}

func TestTicketOfAnotherSource(t *testing.T) {
	last, left := uint64(7), 0
	ticket := nonce.NewTicket("theirs", last, func(context.Context, bool) (*nonce.Ticket, error) {
		last += 3
		return nonce.NewTicket("theirs", last, nil, func() { t.Error("the turn has a leave already") }), nil
	}, func() { left++ })
	require.Equal(t, "theirs", ticket.Key())
	require.EqualValues(t, 7, ticket.Nonce())

	second, err := ticket.Resync(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 10, second.Nonce())
	third, err := second.Resync(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 13, third.Nonce())
	fourth, err := ticket.Resync(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 16, fourth.Nonce())

	second.Leave()
	require.Equal(t, 1, left)
	for _, each := range []*nonce.Ticket{ticket, second, third, fourth} {
		each.Leave()
		_, err = each.Resync(t.Context())
		require.ErrorIs(t, err, nonce.ErrLeft)
	}
	require.Equal(t, 1, left)
	require.EqualValues(t, 16, last)
}

// again is what renews a ticket that is around another one.
func again(inner *nonce.Ticket) func(context.Context, bool) (*nonce.Ticket, error) {
	return func(ctx context.Context, refused bool) (*nonce.Ticket, error) {
		if refused {
			return inner.Resync(ctx)
		}
		return inner.Next(ctx)
	}
}

// A source around a lane, as for metrics: one turn, one leave.
func TestTicketAroundATicket(t *testing.T) {
	l := newLane(t, nonce.LaneConfig{})
	inner, left := enter(t, l), 0
	outer := nonce.NewTicket(inner.Key(), inner.Nonce(), again(inner), func() { inner.Leave(); left++ })
	newer, err := outer.Resync(t.Context())
	require.NoError(t, err)
	require.Equal(t, l.Last(), newer.Nonce())
	newer.Leave()
	outer.Leave()
	require.Equal(t, 1, left)
	require.Zero(t, nonce.Load(l))
}

func TestTicketWithoutFunctions(t *testing.T) {
	for name, ticket := range map[string]*nonce.Ticket{"NewTicket": nonce.NewTicket("k", 1, nil, nil), "zero": {}} {
		t.Run(name, func(t *testing.T) {
			_, err := ticket.Resync(t.Context())
			require.ErrorIs(t, err, nonce.ErrNoResync)
			ticket.Leave()
			ticket.Leave()
			_, err = ticket.Resync(t.Context())
			require.ErrorIs(t, err, nonce.ErrLeft)
		})
	}
}

func TestSourceThatBreaksItsWord(t *testing.T) {
	failed := errors.New("database gone")
	for _, test := range []struct {
		name   string
		answer *nonce.Ticket
		err    error
		want   string
	}{
		{"fails", nil, failed, "database gone"},
		{"nothing", nil, nil, "returned no ticket"},
		{"another key", nonce.NewTicket("b", 9, nil, nil), nil, "another key"},
		{"same nonce", nonce.NewTicket("a", 5, nil, nil), nil, "not higher"},
		{"lower nonce", nonce.NewTicket("a", 4, nil, nil), nil, "not higher"},
	} {
		t.Run(test.name, func(t *testing.T) {
			left := false
			ticket := nonce.NewTicket("a", 5, func(context.Context, bool) (*nonce.Ticket, error) { return test.answer, test.err }, func() { left = true })
			newer, err := ticket.Resync(t.Context())
			require.Nil(t, newer)
			require.ErrorContains(t, err, test.want)
			require.Equal(t, test.err != nil, errors.Is(err, failed))
			require.False(t, left, "the turn is still the caller's to leave")
			ticket.Leave()
			require.True(t, left)
		})
	}

	t.Run("one nonce twice", func(t *testing.T) {
		ticket := nonce.NewTicket("a", 5, func(context.Context, bool) (*nonce.Ticket, error) { return nonce.NewTicket("a", 6, nil, nil), nil }, nil)
		_, err := ticket.Resync(t.Context())
		require.NoError(t, err)
		_, err = ticket.Resync(t.Context()) // higher than its own, but sent before
		require.ErrorContains(t, err, "not higher")
	})
	t.Run("left meanwhile", func(t *testing.T) {
		var ticket *nonce.Ticket
		ticket = nonce.NewTicket("a", 5, func(context.Context, bool) (*nonce.Ticket, error) {
			ticket.Leave()
			return nonce.NewTicket("a", 6, nil, nil), nil
		}, nil)
		_, err := ticket.Resync(t.Context())
		require.ErrorIs(t, err, nonce.ErrLeft)
	})
}

func TestResyncsOfAnotherSourceAtOnce(t *testing.T) {
	var last atomic.Uint64
	ticket := nonce.NewTicket("a", 0, func(context.Context, bool) (*nonce.Ticket, error) {
		return nonce.NewTicket("a", last.Add(1), nil, nil), nil
	}, nil)
	var wg sync.WaitGroup
	var seen sync.Map
	for range 8 {
		wg.Go(func() {
			for range 100 {
				newer, err := ticket.Resync(context.Background())
				if err != nil { // it is above all that were there when it was asked for, if not above those since
					t.Error(err)
					return
				}
				if _, twice := seen.LoadOrStore(newer.Nonce(), true); twice {
					t.Errorf("nonce %d twice", newer.Nonce())
				}
			}
		})
	}
	wg.Wait()
	newer, err := ticket.Resync(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 801, newer.Nonce())
}

func TestContext(t *testing.T) {
	_, ok := nonce.FromContext(t.Context())
	require.False(t, ok)
	a, b := nonce.NewTicket("a", 1, nil, nil), nonce.NewTicket("b", 2, nil, nil)
	outer := nonce.NewContext(t.Context(), a)
	inner := nonce.NewContext(outer, b)
	got, ok := nonce.FromContext(outer)
	require.True(t, ok)
	require.Same(t, a, got)
	got, ok = nonce.FromContext(inner)
	require.True(t, ok)
	require.Same(t, b, got)
	_, ok = nonce.FromContext(nonce.NewContext(inner, nil))
	require.False(t, ok, "nil hides it")
}
