package nonce_test

import (
	"context"
	"errors"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/nonce"
)

func TestNewLaneRefuses(t *testing.T) {
	for _, test := range []struct {
		name string
		c    nonce.LaneConfig
		want []string
	}{
		{"no key", nonce.LaneConfig{}, []string{"Key is required"}},
		{"long key", nonce.LaneConfig{Key: strings.Repeat("k", 257)}, []string{"Key is 257 bytes long, more than 256"}},
		{"long key, nothing left", nonce.LaneConfig{Key: strings.Repeat("k", 257), After: math.MaxUint64},
			[]string{"Key is 257 bytes long, more than 256", `key "" has no nonce left`}},
		{"newline in the key", nonce.LaneConfig{Key: "a\nb"}, []string{"control characters"}},
		{"C1 control in the key", nonce.LaneConfig{Key: "a\u0085b"}, []string{"control characters"}},
		{"key not UTF-8", nonce.LaneConfig{Key: "a\xffb"}, []string{"not UTF-8"}},
		{"InFlight", nonce.LaneConfig{Key: "k", InFlight: -1}, []string{"InFlight -1"}},
		{"nanoseconds", nonce.LaneConfig{Key: "k", Unit: time.Nanosecond}, []string{"above 9007199254740989"}},
		{"seconds", nonce.LaneConfig{Key: "k", Unit: time.Second}, []string{"Unit is 1s: use time.Microsecond or time.Millisecond"}},
		{"negative unit", nonce.LaneConfig{Key: "k", Unit: -1}, []string{"Unit is -1ns"}},
		{"nothing left", nonce.LaneConfig{Key: "k", After: nonce.MaxNonce}, []string{`key "k" has no nonce left after 9007199254740989, the highest is 9007199254740989: ask for a new API key`}},
		{"After in nanoseconds", nonce.LaneConfig{Key: "k", After: math.MaxUint64}, []string{`key "k" has no nonce left`}},
		{"everything", nonce.LaneConfig{Key: "secret\x00", InFlight: -9, Unit: time.Hour, After: math.MaxUint64},
			[]string{"control characters", "InFlight -9", "Unit is 1h0m0s", "has no nonce left"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			l, err := nonce.NewLane(test.c)
			require.Nil(t, l)
			for _, want := range test.want {
				require.ErrorContains(t, err, want)
			}
			require.Len(t, strings.Split(err.Error(), "\n"), len(test.want))
			require.NotContains(t, err.Error(), "secret", "a malformed key may be one")
			require.NotContains(t, err.Error(), "kkk")
			require.Equal(t, test.c.After >= nonce.MaxNonce, errors.Is(err, nonce.ErrExhausted))
		})
	}
}

func TestNewLaneAccepts(t *testing.T) {
	for _, c := range []nonce.LaneConfig{
		{Key: "k"},
		{Key: strings.Repeat("k", 256)},
		{Key: "clé nº 1"},
		{Key: "k", InFlight: 100, Unit: time.Millisecond, After: nonce.MaxNonce - 1},
	} {
		l, err := nonce.NewLane(c)
		require.NoError(t, err)
		require.Equal(t, c.Key, l.Key())
		require.Equal(t, c.After, l.Last())
		require.True(t, l.Holds(c.Key))
		require.False(t, l.Holds(c.Key+"x"))
	}
}

func TestNonceIsTheClockOrTheNextNumber(t *testing.T) {
	const µs, ms = time.Microsecond, time.Millisecond
	for _, test := range []struct {
		name  string
		c     nonce.LaneConfig
		start int64 // µs
		steps []time.Duration
		want  []uint64 // the first one at start, then after each step
	}{
		{"the clock moves on", nonce.LaneConfig{}, 1000, []time.Duration{5 * µs, ms}, []uint64{1000, 1005, 2005}},
		{"the clock stands", nonce.LaneConfig{}, 1000, []time.Duration{0, 0, 999}, []uint64{1000, 1001, 1002, 1003}},
		{"the clock steps back", nonce.LaneConfig{}, 1000, []time.Duration{-900 * µs, 0, 902 * µs, 1 * µs}, []uint64{1000, 1001, 1002, 1003, 1004}},
		{"and catches up", nonce.LaneConfig{}, 1000, []time.Duration{-10 * µs, 20 * µs}, []uint64{1000, 1001, 1010}},
		{"milliseconds", nonce.LaneConfig{Unit: ms}, 1_999, []time.Duration{1 * µs, 1 * µs, ms, ms}, []uint64{1, 2, 3, 4, 5}},
		{"milliseconds move on", nonce.LaneConfig{Unit: ms}, 7_000_999, []time.Duration{ms}, []uint64{7000, 7001}},
		{"before 1970", nonce.LaneConfig{}, -5_000_000, []time.Duration{time.Second}, []uint64{1, 2}},
		{"before 1970 in milliseconds", nonce.LaneConfig{Unit: ms}, -5_000_000, []time.Duration{time.Second}, []uint64{1, 2}},
		{"at 1970", nonce.LaneConfig{}, 0, []time.Duration{0}, []uint64{1, 2}},
		{"a floor ahead of the clock", nonce.LaneConfig{After: 5000}, 1000, []time.Duration{ms, 4 * ms}, []uint64{5001, 5002, 6000}},
		{"a floor behind the clock", nonce.LaneConfig{After: 999}, 1000, []time.Duration{0}, []uint64{1000, 1001}},
		{"a floor at the clock", nonce.LaneConfig{After: 1000}, 1000, []time.Duration{0}, []uint64{1001, 1002}},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := newLane(t, test.c)
			c := clockOf(l, test.start)
			for i, want := range test.want {
				if i > 0 {
					c.step(test.steps[i-1])
				}
				ticket := enter(t, l)
				require.Equal(t, want, ticket.Nonce())
				require.Equal(t, want, l.Last())
				require.Equal(t, "main", ticket.Key())
				ticket.Leave()
			}
		})
	}
}

func TestNonceIsDrawnWhenTheTurnComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLane(t, nonce.LaneConfig{})
		first := enter(t, l)
		second := arrive(l.Enter)
		time.Sleep(3 * time.Second)
		first.Leave()
		synctest.Wait()
		require.Equal(t, uint64(time.Now().UnixMicro()), second.ticket.Nonce())
		require.Equal(t, first.Nonce()+3_000_000, second.ticket.Nonce())
	})
}

// N1: the nonces rise in the order in which the turns begin, whatever the callers and the clock do.
func TestNoncesRiseUnderConcurrency(t *testing.T) {
	l := newLane(t, nonce.LaneConfig{})
	c := clockOf(l, 1<<50)
	var sent []uint64 // guarded by the turn: the race detector watches
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			for j := range 100 {
				ticket, err := l.Enter(context.Background())
				if err != nil {
					t.Error(err)
					return
				}
				sent = append(sent, ticket.Nonce())
				if j%3 == 0 {
					newer, err := ticket.Resync(context.Background())
					if err != nil {
						t.Error(err)
						return
					}
					sent = append(sent, newer.Nonce())
				}
				c.step(time.Duration(i-20) * time.Microsecond) // more often back than forward
				if j%7 == 0 {
					runtime.Gosched()
				}
				ticket.Leave()
			}
		})
	}
	wg.Wait()
	require.Len(t, sent, 32*134)
	requireRising(t, sent)
	require.Equal(t, sent[len(sent)-1], l.Last())
	require.Zero(t, nonce.Load(l))
}

// With several in flight nothing orders the callers, but no nonce appears twice and no more than InFlight are out.
func TestInFlight(t *testing.T) {
	l := newLane(t, nonce.LaneConfig{InFlight: 3})
	var mu sync.Mutex
	var sent []uint64
	var out, most int
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for range 200 {
				ticket, err := l.Enter(context.Background())
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				sent = append(sent, ticket.Nonce())
				out++
				most = max(most, out)
				mu.Unlock()
				runtime.Gosched()
				mu.Lock()
				out--
				mu.Unlock()
				ticket.Leave()
			}
		})
	}
	wg.Wait()
	require.Equal(t, 3, most)
	slices.Sort(sent)
	requireRising(t, sent)
}

func TestInFlightTurnsBeginAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLane(t, nonce.LaneConfig{InFlight: 2})
		a, b := enter(t, l), enter(t, l)
		c, d := arrive(l.Enter), (*caller)(nil)
		synctest.Wait()
		d = arrive(l.Enter)
		synctest.Wait()
		require.True(t, c.waits() && d.waits())
		b.Leave()
		synctest.Wait()
		require.False(t, c.waits())
		require.True(t, d.waits())
		a.Leave()
		synctest.Wait()
		requireRising(t, []uint64{a.Nonce(), b.Nonce(), c.ticket.Nonce(), d.ticket.Nonce()})
		c.ticket.Leave()
		d.ticket.Leave()
		require.Zero(t, nonce.Load(l))
	})
}

// N1 over a restart with the clock set back: the new lane is told where the old one was.
func TestRestart(t *testing.T) {
	old := newLane(t, nonce.LaneConfig{})
	c := clockOf(old, 1_000_000)
	var sent []uint64
	for range 5 {
		ticket := enter(t, old)
		sent = append(sent, ticket.Nonce())
		ticket.Leave()
	}
	c.step(-time.Second)
	for range 3 {
		next := newLane(t, nonce.LaneConfig{After: old.Last()})
		clockOf(next, 0)
		require.Equal(t, old.Last(), next.Last(), "a restart that sends nothing forgets nothing")
		ticket := enter(t, next)
		sent = append(sent, ticket.Nonce())
		ticket.Leave()
		old = next
	}
	requireRising(t, sent)
}

func TestExhaustion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLane(t, nonce.LaneConfig{After: nonce.MaxNonce - 2})
		first := enter(t, l)
		second := arrive(l.Enter)
		synctest.Wait()
		last, err := first.Resync(t.Context())
		require.NoError(t, err)
		require.Equal(t, uint64(9007199254740989), last.Nonce())

		_, err = last.Resync(t.Context())
		requireExhausted(t, err)
		third := arrive(l.Enter)
		synctest.Wait()
		require.True(t, second.waits(), "the turn goes on without a newer nonce")
		first.Leave()
		synctest.Wait()
		requireExhausted(t, second.err)
		requireExhausted(t, third.err)
		_, err = l.Enter(t.Context())
		requireExhausted(t, err)
		_, err = l.EnterUnless(t.Context(), func(string) error { return nil })
		requireExhausted(t, err)
		require.Zero(t, nonce.Load(l))
		require.EqualValues(t, nonce.MaxNonce, l.Last())
	})
}

func requireExhausted(t *testing.T, err error) {
	t.Helper()
	require.ErrorIs(t, err, nonce.ErrExhausted)
	e, ok := errors.AsType[*nonce.ExhaustedError](err)
	require.True(t, ok)
	require.Equal(t, nonce.ExhaustedError{Key: "main", Last: nonce.MaxNonce}, *e)
	require.ErrorContains(t, err, `key "main" has no nonce left after 9007199254740989`)
	require.ErrorContains(t, err, "ask for a new API key")
}

// A clock far in the future costs calls, but not the key.
func TestClockBeyondTheHighestNonce(t *testing.T) {
	l := newLane(t, nonce.LaneConfig{})
	clockOf(l, int64(nonce.MaxNonce))
	ticket := enter(t, l) // exactly the highest
	require.Equal(t, nonce.MaxNonce, ticket.Nonce())

	l = newLane(t, nonce.LaneConfig{After: 41})
	c := clockOf(l, int64(nonce.MaxNonce)+1)
	_, err := l.Enter(t.Context())
	require.ErrorIs(t, err, nonce.ErrExhausted)
	require.ErrorContains(t, err, "set the clock right")
	require.NotContains(t, err.Error(), "new API key")
	require.EqualValues(t, 41, l.Last())
	c.step(-time.Duration(nonce.MaxNonce) * time.Microsecond)
	require.EqualValues(t, 42, enter(t, l).Nonce())
}

func TestEnterKey(t *testing.T) {
	l := newLane(t, nonce.LaneConfig{})
	ticket, err := l.EnterKey(t.Context(), "main")
	require.NoError(t, err)
	ticket.Leave()
	_, err = l.EnterKey(t.Context(), "other")
	require.ErrorIs(t, err, nonce.ErrUnknownKey)
	require.EqualError(t, err, `nonce: unknown key "other"`)
}

func requireRising(t *testing.T, nonces []uint64) {
	t.Helper()
	for i := 1; i < len(nonces); i++ {
		if nonces[i] <= nonces[i-1] {
			t.Fatalf("nonce %d is %d after %d", i, nonces[i], nonces[i-1])
		}
	}
}
