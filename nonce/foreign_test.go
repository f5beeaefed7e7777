package nonce_test

import (
	"context"
	"errors"
	"math"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/nonce"
)

// behind makes l read a clock that is that much behind virtual time.
func behind(l *nonce.Lane, d time.Duration) {
	nonce.SetClock(l, func() time.Time { return time.Now().Add(-d) })
}

// What a lane does about the refusals of one turn after the other, none of its own being ahead.
func TestForeignWriterIsJumpedOverAndThenTold(t *testing.T) {
	var events []nonce.Event
	l := newLane(t, nonce.LaneConfig{OnEvent: func(e nonce.Event) { events = append(events, e) }})
	const now = 1_000_000_000
	c := clockOf(l, now)
	ctx := t.Context()
	const s = uint64(1_000_000)
	turn := func(want ...uint64) error {
		t.Helper()
		ticket := enter(t, l)
		defer ticket.Leave()
		for i := 0; ; i++ {
			require.Equal(t, want[i], ticket.Nonce())
			newer, err := ticket.Resync(ctx)
			if err != nil {
				require.Len(t, want, i+1)
				return err
			}
			ticket = newer
		}
	}
	require.ErrorAs(t, turn(now, now+1, now+1+s), new(*nonce.ForeignError))
	require.ErrorAs(t, turn(now+2+s, now+3+s, now+3+60*s), new(*nonce.ForeignError))
	for i := range uint64(3) {
		err := turn(now+4+2*i+60*s, now+5+2*i+60*s)
		require.ErrorContains(t, err, `nonce: key "main": the API refuses nonces up to 10600000`)
		require.ErrorContains(t, err, "1m0s ahead of this clock: something else sends with this key")
		require.ErrorContains(t, err, "give each process a key of its own")
	}
	require.Len(t, events, 7)
	for i, e := range events {
		require.Equal(t, nonce.EventForeign, e.Kind)
		require.Equal(t, "main", e.Key)
		require.Equal(t, map[int]time.Duration{0: time.Second, 2: 59 * time.Second}[i], e.Jump)
		require.Equal(t, e.Jump == 0, e.Err != nil)
	}
	stats := l.Stats()
	require.EqualValues(t, 7, stats.Foreign)
	require.EqualValues(t, 2, stats.Jumps)
	require.EqualValues(t, 12, stats.Refusals)
	require.InDelta(t, time.Minute, stats.Ahead, float64(time.Millisecond))

	c.step(time.Minute + 9*time.Microsecond) // the clock is where the last nonce was, and not past it
	require.ErrorAs(t, turn(now+10+60*s, now+11+60*s), new(*nonce.ForeignError))

	c.step(time.Minute - 9*time.Microsecond) // the clock has caught up: the jumps are to be had again
	require.Error(t, turn(now+120*s, now+1+120*s, now+1+121*s))
}

// Nonces that are farther ahead of the clock than a Duration goes, as only
// milliseconds are, are said to be as far ahead as that.
func TestAheadByMoreThanADurationHolds(t *testing.T) {
	for unit, want := range map[time.Duration]time.Duration{
		time.Millisecond: math.MaxInt64 / time.Millisecond * time.Millisecond,
		time.Microsecond: time.Duration(nonce.MaxNonce-1) * time.Microsecond,
	} {
		l := newLane(t, nonce.LaneConfig{Unit: unit, After: nonce.MaxNonce - 3})
		clockOf(l, 0)
		ticket := enter(t, l)
		_, err := ticket.Resync(t.Context())
		require.NoError(t, err)
		_, err = ticket.Resync(t.Context())
		var foreign *nonce.ForeignError
		require.ErrorAs(t, err, &foreign)
		require.Equal(t, want, foreign.Ahead, unit)
		ticket.Leave()
	}
}

func TestMaxAheadBoundsTheJumps(t *testing.T) {
	for _, test := range []struct {
		most  time.Duration
		after uint64
		jumps uint64
	}{
		{0, 0, 2},
		{time.Minute, 0, 1}, // two refusals after the first jump were a microsecond each
		{time.Second, 0, 0},
		{time.Millisecond, 0, 0},
		{2 * time.Minute, 0, 2},
		{0, 1_000_000_000 + 9*60*1_000_000, 1},
		{0, 1_000_000_000 + 10*60*1_000_000, 0},
		{0, nonce.MaxNonce - 100, 0},
	} {
		l := newLane(t, nonce.LaneConfig{MaxAhead: test.most, After: test.after})
		clockOf(l, 1_000_000_000)
		for range 5 {
			ticket := enter(t, l)
			for range 2 {
				newer, err := ticket.Resync(t.Context())
				if err != nil {
					require.ErrorAs(t, err, new(*nonce.ForeignError))
					break
				}
				ticket = newer
			}
			ticket.Leave()
		}
		require.Equal(t, test.jumps, l.Stats().Jumps, "%v after %d", test.most, test.after)
	}
	_, err := nonce.NewLane(nonce.LaneConfig{Key: "k", MaxAhead: -1})
	require.ErrorContains(t, err, "MaxAhead -1ns is negative")
}

// With several in flight a refusal is no evidence as long as one of the lane's own was ahead.
func TestOurOwnOvertakingIsNoForeignWriter(t *testing.T) {
	l := newLane(t, nonce.LaneConfig{InFlight: 2})
	a, b := enter(t, l), enter(t, l)
	a, err := a.Resync(t.Context())
	require.NoError(t, err)
	b, err = b.Resync(t.Context())
	require.NoError(t, err)
	a, err = a.Resync(t.Context())
	require.NoError(t, err)
	require.Zero(t, l.Stats().Foreign)
	require.EqualValues(t, 3, l.Stats().Refusals)
	b.Leave()
	_, err = a.Resync(t.Context()) // it went out last, and nobody came after it
	require.NoError(t, err)
	require.EqualValues(t, 1, l.Stats().Foreign)
	a.Leave()
}

// The second resend of a turn is overtaken by nobody.
func TestSecondResendHasTheLaneToItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLane(t, nonce.LaneConfig{InFlight: 3})
		a, b := enter(t, l), enter(t, l)
		a, _ = a.Resync(t.Context())
		_, _ = b.Next(t.Context())
		a, err := a.Resync(t.Context())
		require.NoError(t, err)
		other, third := arrive(b.Resync), arrive(l.Enter)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = b.Next(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.True(t, other.waits() && third.waits())
		a.Leave()
		synctest.Wait()
		require.NoError(t, other.err)
		require.NoError(t, third.err)
		requireRising(t, []uint64{a.Nonce(), other.ticket.Nonce(), third.ticket.Nonce()})

		c := enter(t, l)
		c, _ = c.Resync(t.Context())
		_, _ = b.Next(t.Context())
		_, err = c.Resync(t.Context()) // the lane is c's
		require.NoError(t, err)
		late := arrive(b.Next)
		synctest.Wait()
		require.True(t, late.waits())
		b.Leave() // and nobody is left who wants it
		c.Leave()
		synctest.Wait()
		require.ErrorIs(t, late.err, nonce.ErrLeft)
		third.ticket.Leave()
		require.Zero(t, nonce.Load(l))
	})
}

// Two processes on one key, one with a clock 2 s behind. Each learns of it within three calls of its first refusal, and
// the key is not driven up.
func TestTwoProcessesOnOneKey(t *testing.T) {
	for name, c := range map[string]nonce.LaneConfig{
		"InFlight 1": {}, "InFlight 4": {InFlight: 4}, "adaptive": {Adaptive: true}, "milliseconds": {Unit: time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(time.Millisecond, 1)
				end := time.Now().Add(10 * time.Minute)
				unit := max(c.Unit, time.Microsecond)
				mostAhead := time.Duration(0)
				var both sync.WaitGroup
				for i := range 2 {
					l := newLane(t, c)
					behind(l, time.Duration(i)*2*time.Second)
					both.Go(func() {
						calls, told := 0, 0 // since its first refusal; in which of them it was told
						for time.Now().Before(end) {
							err := n.call(t.Context(), l)
							if l.Stats().Refusals > 0 {
								calls++
							}
							if _, foreign := errors.AsType[*nonce.ForeignError](err); foreign && told == 0 {
								told = calls
							}
							time.Sleep(100 * time.Millisecond)
						}
						require.Positive(t, told)
						require.LessOrEqual(t, told, 3)
						require.Positive(t, l.Stats().Foreign)
					})
				}
				both.Go(func() {
					for time.Now().Before(end) {
						time.Sleep(time.Second)
						mostAhead = max(mostAhead, time.Duration(n.last())*unit-time.Duration(time.Now().UnixNano()))
					}
				})
				both.Wait()
				require.LessOrEqual(t, mostAhead, time.Minute)
				t.Logf("at most %v ahead", mostAhead)
			})
		})
	}
}

// Where the next jump would be past the highest nonce there is none, and none is
// told of.
func TestNoJumpPastTheHighestNonce(t *testing.T) {
	var events []nonce.Event
	l := newLane(t, nonce.LaneConfig{OnEvent: func(e nonce.Event) { events = append(events, e) }})
	clockOf(l, int64(nonce.MaxNonce)-9)
	ticket := enter(t, l)
	_, err := ticket.Resync(t.Context())
	require.NoError(t, err)
	_, err = ticket.Resync(t.Context())
	require.ErrorAs(t, err, new(*nonce.ForeignError))
	ticket.Leave()
	require.Len(t, events, 1)
	require.Zero(t, events[0].Jump)
	require.Equal(t, nonce.MaxNonce-8, events[0].Nonce)
	require.Zero(t, l.Stats().Jumps)
	require.EqualValues(t, 1, l.Stats().Foreign)
}

// The jumps are to be had again as soon as the clock is past the last nonce, be
// it in the middle of a turn.
func TestClockCatchesUpInATurn(t *testing.T) {
	for past, jumps := range map[time.Duration]uint64{0: 2, time.Microsecond: 3} {
		l := newLane(t, nonce.LaneConfig{})
		c := clockOf(l, 1_000_000_000)
		refused := func(step func()) error {
			ticket := enter(t, l)
			defer ticket.Leave()
			for i := 0; ; i++ {
				if i == 1 {
					step()
				}
				newer, err := ticket.Resync(t.Context())
				if err != nil {
					return err
				}
				ticket = newer
			}
		}
		for range 3 { // the first two jump
			require.ErrorAs(t, refused(func() {}), new(*nonce.ForeignError))
		}
		require.EqualValues(t, 2, l.Stats().Jumps)
		require.ErrorAs(t, refused(func() { c.step(l.Stats().Ahead + past) }), new(*nonce.ForeignError))
		require.Equal(t, jumps, l.Stats().Jumps, "%v", past)
	}
}
