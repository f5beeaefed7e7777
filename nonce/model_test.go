package nonce_test

import (
	"maps"
	"os"
	"path/filepath"
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
	refused     map[int]int    // nonces of the turn
	jumped      map[int]bool   // in this turn
	jumps       int            // since the clock was last ahead
	queue       []int
}

func (m *model) draw() uint64 {
	if m.clock > m.last {
		m.jumps = 0
	}
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

// resync reports false where somebody else is to blame and the lane goes no farther.
func (m *model) resync(id int) bool {
	own := m.turns[id] == uint64(m.last)
	if m.refused[id]++; !own || m.refused[id] == 1 {
		m.turns[id] = m.draw()
		return true
	}
	m.jumps *= min(1, max(0, int(m.last-m.clock)+1)) // none since, if the clock is ahead
	if m.jumped[id] || m.jumps == 2 {
		return false
	}
	m.last = max(m.clock, m.last) + []int64{1_000_000, 59_000_000}[m.jumps]
	m.jumps, m.jumped[id], m.turns[id] = m.jumps+1, true, uint64(m.last)
	return true
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
	m := &model{inFlight: rapid.IntRange(1, 3).Draw(t, "inFlight"), clock: 1_000, turns: map[int]uint64{}, refused: map[int]int{}, jumped: map[int]bool{}}
	m.last = rapid.Int64Range(0, 2_000).Draw(t, "after")
	folder, err := os.MkdirTemp("", "lane")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(folder)) })
	file := filepath.Join(folder, "main.nonce")
	lane, err := nonce.NewLane(nonce.LaneConfig{Key: "main", InFlight: m.inFlight, After: uint64(m.last), HighWater: file})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, lane.Close()) })
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
		"resync": func(t *rapid.T) {
			id := oneOf(holders())
			if m.inFlight > 1 && m.refused[id] > 0 {
				t.Skip("the second waits for the lane to itself")
			}
			known := m.resync(id)
			newer, err := rapid.SampledFrom(tickets[id]).Draw(t, "ticket").Resync(t.Context())
			require.Equal(t, known, err == nil, "%v", err)
			if known {
				tickets[id] = append(tickets[id], newer)
			}
		},
		"restart": func(t *rapid.T) {
			if len(m.turns)+len(m.queue) > 0 {
				t.Skip("busy")
			}
			require.NoError(t, lane.Close())
			lane, err = nonce.NewLane(nonce.LaneConfig{Key: "main", InFlight: m.inFlight, HighWater: file})
			require.NoError(t, err)
			clock = clockOf(lane, m.clock)
			m.jumps = 0
		},
		"minutes": func(*rapid.T) {
			m.clock += 120_000_000
			clock.step(2 * time.Minute)
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
