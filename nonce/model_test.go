package nonce_test

import (
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/nexpay-go/resilience/nonce"
)

// model is what a lane should do, with callers as numbers and without time or goroutines.
type model struct {
	inFlight    int
	clock, last int64
	turns       map[int]uint64 // who has a turn, with the newest nonce
	queue       []int
}

func (m *model) draw() uint64 {
	m.last = max(m.clock, m.last+1)
	return uint64(m.last)
}

func (m *model) enter(id int) {
	m.queue = append(m.queue, id)
	m.serve()
}

func (m *model) cancel(id int) {
	m.queue = slices.DeleteFunc(m.queue, func(q int) bool { return q == id })
}

func (m *model) leave(id int) {
	delete(m.turns, id)
	m.serve()
}

func (m *model) serve() {
	for len(m.turns) < m.inFlight && len(m.queue) > 0 {
		m.turns[m.queue[0]] = m.draw()
		m.queue = m.queue[1:]
	}
}

func TestLaneIsLikeItsModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { rapid.SyncTest(t, compareWithModel) })
}

func compareWithModel(t *rapid.T) {
	m := &model{inFlight: rapid.IntRange(1, 3).Draw(t, "inFlight"), clock: 1_000, turns: map[int]uint64{}}
	m.last = rapid.Int64Range(0, 2_000).Draw(t, "after")
	lane, err := nonce.NewLane(nonce.LaneConfig{Key: "main", InFlight: m.inFlight, After: uint64(m.last)})
	require.NoError(t, err)
	clock := clockOf(lane, m.clock)

	var callers []*caller
	tickets := map[int][]*nonce.Ticket{} // of turns that live, newest last
	t.Cleanup(func() {
		for _, c := range callers {
			c.cancel(nil)
		}
		synctest.Wait()
	})
	oneOf := func(ids []int) int {
		if len(ids) == 0 {
			t.Skip("nobody")
		}
		return rapid.SampledFrom(ids).Draw(t, "who")
	}
	holders := func() []int { return slices.Sorted(maps.Keys(m.turns)) }

	t.Repeat(map[string]func(*rapid.T){
		"enter": func(*rapid.T) {
			m.enter(len(callers))
			callers = append(callers, arrive(lane.Enter))
		},
		"cancel": func(*rapid.T) {
			id := oneOf(m.queue)
			m.cancel(id)
			callers[id].cancel(nil)
			synctest.Wait()
			require.ErrorContains(t, callers[id].err, "context canceled")
		},
		"leave": func(t *rapid.T) {
			id := oneOf(holders())
			m.leave(id)
			for range rapid.IntRange(1, 3).Draw(t, "times") {
				rapid.SampledFrom(tickets[id]).Draw(t, "ticket").Leave()
			}
			delete(tickets, id)
		},
		"next": func(t *rapid.T) {
			id := oneOf(holders())
			m.turns[id] = m.draw()
			newer, err := rapid.SampledFrom(tickets[id]).Draw(t, "ticket").Next(t.Context())
			require.NoError(t, err)
			tickets[id] = append(tickets[id], newer)
		},
		"step": func(t *rapid.T) {
			µs := rapid.Int64Range(-50, 50).Draw(t, "µs")
			m.clock += µs
			clock.step(time.Duration(µs) * time.Microsecond)
		},
		"": func(t *rapid.T) {
			synctest.Wait()
			for id, c := range callers {
				if newest, has := m.turns[id]; has && len(tickets[id]) == 0 {
					require.False(t, c.waits(), "%d should have its turn", id)
					tickets[id] = []*nonce.Ticket{c.ticket}
					require.Equal(t, newest, c.ticket.Nonce())
				} else if has {
					require.Equal(t, newest, tickets[id][len(tickets[id])-1].Nonce())
				}
				require.Equal(t, slices.Contains(m.queue, id), c.waits(), "caller %d", id)
			}
			require.Equal(t, uint64(m.last), lane.Last())
			require.Equal(t, len(m.turns)+len(m.queue), nonce.Load(lane))
		},
	})
}
