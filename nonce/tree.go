package nonce

import (
	"math"
	"slices"
	"sync"
)

// A tree is a tournament of a pool's lanes for the least busy one: to choose one of 10,000 takes five rounds. The lanes
// report to it. They hold it, and not the pool, so that a pool that nobody uses any more can be collected.
type tree struct {
	lanes []*Lane

	mu      sync.Mutex // guards what follows; nothing else is locked while it is held
	rounds  [][]int64  // how busy each lane is, then the least of every eight, and so on down to one
	changes uint64     // of the lanes
}

// family is how many go into one of the next round: as many as fit a line of the processor's cache.
const family = 8

// nobody is more than any lane is busy.
const nobody = math.MaxInt64

// A place is that of a lane in a tree. It is never changed.
type place struct {
	tree *tree
	lane int
	next *place // of the same lane, in another tree
}

func newTree(lanes []*Lane) *tree {
	t := &tree{lanes: lanes}
	n := len(lanes)
	for t.rounds = append(t.rounds, make([]int64, n)); n > 1; t.rounds = append(t.rounds, make([]int64, n)) {
		n = (n + family - 1) / family
	}
	for i, l := range lanes {
		t.put(i, nobody)
		l.setPlaces(func(all *place) *place { return &place{t, i, all} })
		t.update(i)
	}
	return t
}

// drop has the lanes report to it no longer.
func (t *tree) drop() {
	for _, l := range t.lanes {
		l.setPlaces(t.notIn)
	}
}

// notIn returns places without the tree's own.
func (t *tree) notIn(all *place) *place {
	if all == nil {
		return nil
	}
	rest := t.notIn(all.next)
	if all.tree == t {
		return rest
	}
	return &place{all.tree, all.lane, rest}
}

// update looks at how busy a lane is now.
func (t *tree) update(lane int) {
	t.mu.Lock()
	t.look(lane)
	t.mu.Unlock()
}

// look is update with mu held.
func (t *tree) look(lane int) {
	if busy := t.lanes[lane].busyness(); busy != t.rounds[0][lane] {
		t.changes++
		t.put(lane, busy)
	}
}

func (t *tree) put(lane int, busy int64) {
	t.rounds[0][lane] = busy
	for k, i := 1, lane/family; k < len(t.rounds); k, i = k+1, i/family {
		least := slices.Min(t.members(k-1, i))
		if t.rounds[k][i] == least {
			return
		}
		t.rounds[k][i] = least
	}
}

// members are those of a round who go into number i of the next.
func (t *tree) members(round, i int) []int64 {
	all := t.rounds[round]
	return all[i*family : min((i+1)*family, len(all))]
}

// least is how busy the least busy lane is.
func (t *tree) least() int64 { return t.rounds[len(t.rounds)-1][0] }

// first returns the first lane from start on that is as little busy as any.
func (t *tree) first(start int) int {
	least := t.least()
	next, i := start, start/family // up until one of the same family that comes later will do
	for k, all := range t.rounds {
		for end := min((i+1)*family, len(all)); next < end; next++ {
			if all[next] == least {
				return t.winner(k, next)
			}
		}
		next, i = i+1, i/family
	}
	return t.winner(len(t.rounds)-1, 0) // or else from the beginning
}

// winner returns the first lane by which one of a round is as little busy as it is.
func (t *tree) winner(round, i int) int {
	least := t.rounds[round][i]
	for ; round > 0; round-- {
		i = i*family + slices.Index(t.members(round-1, i), least)
	}
	return i
}

// busyness is how many there are more than may be in flight at once.
func (l *Lane) busyness() int64 { return l.load.Load() - l.room.Load() }

// shift counts somebody in or out.
func (l *Lane) shift(by int64) {
	l.load.Add(by)
	l.announce()
}

// setRoom publishes the limit. It is called with mu held.
func (l *Lane) setRoom() {
	if room := int64(l.limit.turns()); room != l.room.Swap(room) {
		l.announce()
	}
}

// announce tells the pools that load or room has changed.
func (l *Lane) announce() {
	for p := l.places.Load(); p != nil; p = p.next {
		p.tree.update(p.lane)
	}
}

func (l *Lane) setPlaces(change func(all *place) *place) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.places.Store(change(l.places.Load()))
}
