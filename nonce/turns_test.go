package nonce_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/nexpay-go/resilience/nonce"
)

// refuseTwice has a turn of l refused twice, overtaken each time by one of the turns returned with it: from then on the
// lane is that turn's alone.
func refuseTwice(t *testing.T, l *nonce.Lane) (alone *nonce.Ticket, others []*nonce.Ticket) {
	t.Helper()
	alone = enter(t, l)
	for range 2 {
		others = append(others, enter(t, l))
		newer, err := alone.Resync(t.Context())
		require.NoError(t, err)
		alone = newer
	}
	return alone, others
}

// The turn that has the lane to itself waits for nobody: whoever else wants a nonce waits for that turn.
func TestTheTurnThatIsAloneWaitsForNobody(t *testing.T) {
	type renew = func(*nonce.Ticket, context.Context) (*nonce.Ticket, error)
	next, resync := (*nonce.Ticket).Next, (*nonce.Ticket).Resync
	for name, test := range map[string]struct{ of, others renew }{
		"Next behind a Resync":   {next, resync},
		"Next behind a Next":     {next, next},
		"Resync behind a Resync": {resync, resync},
		"Resync behind a Next":   {resync, next},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLane(t, nonce.LaneConfig{InFlight: 3})
				alone, others := refuseTwice(t, l)
				var behind []*caller
				for _, other := range others {
					behind = append(behind, arrive(func(ctx context.Context) (*nonce.Ticket, error) { return test.others(other, ctx) }))
				}
				behind = append(behind, arrive(l.Enter))
				synctest.Wait()

				start := time.Now()
				for range 3 {
					ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
					newer, err := test.of(alone, ctx)
					cancel()
					require.Zero(t, time.Since(start))
					if err != nil { // refused with nobody to overtake it
						require.ErrorAs(t, err, new(*nonce.ForeignError))
						break
					}
					require.Equal(t, l.Last(), newer.Nonce())
					alone = newer
				}
				last := l.Last()
				for _, c := range behind {
					require.True(t, c.waits())
				}
				alone.Leave()
				synctest.Wait()
				require.False(t, slices.ContainsFunc(behind, (*caller).waits))
				for _, c := range behind {
					require.NoError(t, c.err)
					require.Greater(t, c.ticket.Nonce(), last)
				}
				leaveAll(others)
				behind[len(others)].ticket.Leave()
				require.Zero(t, nonce.Load(l))
			})
		})
	}
}

// A request of the same turn that stood in the queue already is not left behind those that wait for the turn.
func TestAllThatATurnWaitsForComesWhenItIsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLane(t, nonce.LaneConfig{InFlight: 5})
		turn := enter(t, l)
		other := enter(t, l)
		turn, err := turn.Resync(t.Context()) // refused once
		require.NoError(t, err)
		alone, others := refuseTwice(t, l)
		var waits []*caller
		for _, renew := range []func(context.Context) (*nonce.Ticket, error){turn.Resync, other.Next, turn.Next} {
			waits = append(waits, arrive(renew))
			synctest.Wait()
			require.True(t, waits[len(waits)-1].waits())
		}
		alone.Leave()
		synctest.Wait()
		require.NotNil(t, waits[0].ticket)
		require.NotNil(t, waits[2].ticket, "the same turn")
		require.True(t, waits[1].waits(), "for that turn")
		turn.Leave()
		synctest.Wait()
		require.NotNil(t, waits[1].ticket)
		other.Leave()
		leaveAll(others)
		require.Zero(t, nonce.Load(l))
	})
}

func leaveAll(tickets []*nonce.Ticket) {
	for _, t := range tickets {
		t.Leave()
	}
}

// Whatever several turns do at once, nobody waits in a circle: as soon as those have left who wait for nothing, somebody
// who waits is served. And the nonces rise.
func TestTurnsNeverWaitForEachOther(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { rapid.SyncTest(t, tangle) })
}

// A knot is a lane with all who hold a turn or wait for one.
type knot struct {
	*rapid.T
	lane     *nonce.Lane
	start    time.Time
	last     uint64 // of the lane after the step before
	seen     map[uint64]bool
	entering []*caller
	turns    []*held
}

type held struct {
	tickets []*nonce.Ticket
	calls   []*caller // Next and Resync under way
	refused int       // nonces
	booked  bool      // the newest nonce is among them
	alone   bool      // has had a nonce since it was refused for the second time
}

func tangle(t *rapid.T) {
	c := nonce.LaneConfig{Key: "main", InFlight: rapid.IntRange(1, 4).Draw(t, "inFlight"), Adaptive: rapid.Bool().Draw(t, "adaptive")}
	lane, err := nonce.NewLane(c)
	require.NoError(t, err)
	k := &knot{T: t, lane: lane, start: time.Now(), seen: map[uint64]bool{}}
	t.Cleanup(func() { // where it failed, somebody may wait still
		for _, c := range k.waiting() {
			c.cancel(nil)
		}
		synctest.Wait()
	})
	if c.Adaptive {
		k.warm()
	}
	renew := func(refused bool, f func(*nonce.Ticket, context.Context) (*nonce.Ticket, error)) func(*rapid.T) {
		return func(t *rapid.T) {
			turn := oneOf(t, k.turns)
			ticket := oneOf(t, turn.tickets)
			if refused && !turn.booked {
				turn.refused++
				turn.booked = true
			}
			turn.calls = append(turn.calls, arrive(func(ctx context.Context) (*nonce.Ticket, error) { return f(ticket, ctx) }))
		}
	}
	t.Repeat(map[string]func(*rapid.T){
		"Enter":    func(*rapid.T) { k.entering = append(k.entering, arrive(lane.Enter)) },
		"EnterKey": func(*rapid.T) { k.entering = append(k.entering, arrive(k.enterKey)) },
		"Next":     renew(false, (*nonce.Ticket).Next),
		"Resync":   renew(true, (*nonce.Ticket).Resync),
		"overtaken": func(t *rapid.T) { // whoever is in flight, by one that draws above it
			renew(false, (*nonce.Ticket).Next)(t)
			k.settle()
			renew(true, (*nonce.Ticket).Resync)(t)
		},
		"Leave":  func(t *rapid.T) { k.leave(oneOf(t, k.turns)) },
		"cancel": func(t *rapid.T) { oneOf(t, k.waiting()).cancel(nil) },
		"time":   func(t *rapid.T) { time.Sleep(time.Duration(rapid.IntRange(1, 200).Draw(t, "ms")) * time.Millisecond) },
		"drain":  func(*rapid.T) { k.drain() },
		"":       func(*rapid.T) { k.settle() },
	})
	if rapid.Bool().Draw(t, "Close") {
		require.NoError(t, lane.Close())
		k.settle()
		require.Empty(t, k.waiting(), "nobody waits for a lane that was closed")
	}
	k.drain()
	for _, turn := range slices.Clone(k.turns) {
		k.leave(turn)
	}
	require.Zero(t, nonce.Load(lane))
}

// warm lets an adaptive lane have more than one in flight.
func (k *knot) warm() {
	for range rapid.IntRange(0, 40).Draw(k.T, "turns before") {
		k.entering = append(k.entering, arrive(k.lane.Enter))
	}
	synctest.Wait()
	k.settle()
	for len(k.turns) > 0 {
		time.Sleep(time.Millisecond)
		k.leave(k.turns[0])
		synctest.Wait()
		k.settle()
	}
}

func (k *knot) enterKey(ctx context.Context) (*nonce.Ticket, error) {
	return k.lane.EnterKey(ctx, "main")
}

func oneOf[T any](t *rapid.T, all []T) T {
	if len(all) == 0 {
		t.Skip("nobody")
	}
	return all[rapid.IntRange(0, len(all)-1).Draw(t, "which")]
}

func (k *knot) leave(turn *held) {
	turn.tickets[len(turn.tickets)/2].Leave()
	k.turns = slices.DeleteFunc(k.turns, func(h *held) bool { return h == turn })
	synctest.Wait()
	for _, c := range turn.calls {
		k.returned(c)
	}
}

func (k *knot) waiting() (all []*caller) {
	all = append(all, k.entering...)
	for _, turn := range k.turns {
		all = append(all, turn.calls...)
	}
	return all
}

// returned books what a call came to, if it is over.
func (k *knot) returned(c *caller) bool {
	if c.waits() {
		return false
	}
	if c.err == nil {
		require.Greater(k, c.ticket.Nonce(), k.last, "above all before this step")
		require.False(k, k.seen[c.ticket.Nonce()], "twice")
		k.seen[c.ticket.Nonce()] = true
	}
	return true
}

// settle waits until nothing moves, books who was served, and checks that a turn that is alone is so, and waits for nobody.
func (k *knot) settle() {
	synctest.Wait()
	for _, turn := range k.turns {
		turn.calls = slices.DeleteFunc(turn.calls, func(c *caller) bool {
			over := k.returned(c)
			if over && c.err == nil {
				turn.tickets = append(turn.tickets, c.ticket)
				turn.alone, turn.booked = turn.refused > 1, false
			}
			return over
		})
	}
	k.entering = slices.DeleteFunc(k.entering, func(c *caller) bool {
		over := k.returned(c)
		if over && c.err == nil {
			k.turns = append(k.turns, &held{tickets: []*nonce.Ticket{c.ticket}})
		}
		return over
	})
	k.last = k.lane.Last()
	for _, turn := range k.turns {
		if turn.alone {
			require.Empty(k, turn.calls, "the turn that is alone waits")
			highest := slices.MaxFunc(turn.tickets, func(a, b *nonce.Ticket) int { return int(int64(a.Nonce()) - int64(b.Nonce())) })
			require.Equal(k, highest.Nonce(), k.last, "somebody overtakes the turn that is alone")
		}
	}
	require.LessOrEqual(k, k.lane.Stats().Ahead, time.Minute+time.Second)
}

// drain has all leave who hold a turn and wait for nothing, until nobody waits. Each time somebody has to be served, at
// once or, on an adaptive lane, within what turns took so far.
func (k *knot) drain() {
	k.settle()
	for before := len(k.waiting()); before > 0; before = len(k.waiting()) {
		for _, turn := range slices.Clone(k.turns) {
			if len(turn.calls) == 0 {
				k.leave(turn)
			}
		}
		if k.settle(); len(k.waiting()) == before {
			time.Sleep(time.Since(k.start) + time.Nanosecond)
			k.settle()
		}
		require.Less(k, len(k.waiting()), before, "nobody holds a turn but those who wait, and they wait for each other")
	}
}
