package nonce

import (
	"math"
	"slices"
	"sync"
)

// A tree is a tournament of a pool's lanes for the least busy one: to choose one of
// 10,000 takes five rounds. The lanes report to the tree. They hold the tree and not the
// pool, so that an unused pool can be collected.
type tree struct {
	lanes []*Lane

	mu      sync.Mutex // guards what follows; no other lock is taken while it is held
	rounds  [][]int64  // how busy each lane is, then the least of each eight, and so on down to one
	changes uint64     // of the lanes
}

// family is how many entries go into one of the next round: as many as fit a cache line.
const family = 8

// nobody is more than any lane is busy.
const nobody = math.MaxInt64

// A place is the place of a lane in a tree. It never changes.
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

// drop makes the lanes stop reporting to the tree.
func (t *tree) drop() {
	for _, l := range t.lanes {
		l.setPlaces(t.notIn)
	}
}

// notIn returns places without those in this tree.
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

// update reads how busy a lane is now.
func (t *tree) update(lane int) {
	t.mu.Lock()
	t.refresh(lane)
	t.mu.Unlock()
}

// refresh is update with mu held.
func (t *tree) refresh(lane int) {
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

// members are the entries of a round that go into entry i of the next.
func (t *tree) members(round, i int) []int64 {
	all := t.rounds[round]
	return all[i*family : min((i+1)*family, len(all))]
}

// least is how busy the least busy lane is.
func (t *tree) least() int64 { return t.rounds[len(t.rounds)-1][0] }

// first returns the first of the least busy lanes from start on.
func (t *tree) first(start int) int {
	least := t.least()
	next, i := start, start/family // go up until a later entry of the same family will do
	for k, all := range t.rounds {
		for end := min((i+1)*family, len(all)); next < end; next++ {
			if all[next] == least {
				return t.winner(k, next)
			}
		}
		next, i = i+1, i/family
	}
	return t.winner(len(t.rounds)-1, 0) // otherwise from the beginning
}

// winner returns the first lane below entry i of a round that is as little busy as that
// entry.
func (t *tree) winner(round, i int) int {
	least := t.rounds[round][i]
	for ; round > 0; round-- {
		i = i*family + slices.Index(t.members(round-1, i), least)
	}
	return i
}

// busyness is the load less the number of turns that may be under way at once.
func (l *Lane) busyness() int64 { return l.load.Load() - l.room.Load() }

// shift changes the load.
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

// announce reports to the pools that load or room has changed.
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
