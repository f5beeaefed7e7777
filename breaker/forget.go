package breaker

import (
	"cmp"
	"container/heap"
	"time"
)

// use notes that m was asked for.
func (g *Group) use(m *member) {
	switch {
	case m == g.used.front:
	case m.in == &g.used:
		g.used.remove(m)
		g.used.pushFront(m)
	case m.in == nil:
		heap.Remove(&g.kept, m.index)
		g.used.pushFront(m)
	case !m.b.gen.Load().isolated: // any more
		g.isolated.remove(m)
		g.used.pushFront(m)
		g.trim()
	}
}

// patience is how many members one Get looks at. Half of all are put aside at
// most, so that meanwhile one in 254 places is missing at most.
const patience = 128

// trim forgets what is too much. One that stands in the way for its state alone
// is put aside where it is met, so that nobody meets it again. If many are, the
// next Get goes on: what one costs does not depend on how many there are.
func (g *Group) trim() {
	most := cmp.Or(g.max, defaultMax)
	if g.used.len+len(g.kept) <= most {
		return
	}
	now := time.Now()
	if m := g.isolated.back; m != nil { // another one each time: has it been reset?
		g.isolated.remove(m)
		g.place(m, now, false)
	}
	for i := 0; i < patience && g.used.len+len(g.kept) > most; i++ {
		m, atOnce := g.dispensable(now, most)
		g.place(m, now, atOnce)
	}
}

// dispensable takes out the member that goes, unless its state stands against
// it, which counts for nothing where too many are kept for theirs. All that are
// kept were used less recently than the others. Among them may be some that were
// reset or isolated meanwhile, without a Get, which is not noticed before their
// time.
func (g *Group) dispensable(now time.Time, most int) (m *member, atOnce bool) {
	if len(g.kept) > most/2 {
		return heap.Pop(&g.kept).(*member), true
	}
	if len(g.kept) > 0 && !now.Before(g.kept[0].until) {
		return heap.Pop(&g.kept).(*member), false
	}
	m = g.used.back
	g.used.remove(m)
	return m, false
}

// place puts one that is in no place where its state belongs, or forgets it.
func (g *Group) place(m *member, now time.Time, atOnce bool) {
	switch left, isolated := m.b.standing(); {
	case isolated:
		g.isolated.pushFront(m)
	case left > 0 && !atOnce:
		m.until = now.Add(left)
		heap.Push(&g.kept, m)
	default:
		delete(g.members, m.name)
	}
}

// standing is for how long it matters that the breaker is there: whoever made a
// new one in its place would let calls through that this one refuses. It looks at
// the state as it stands: to settle it would run hooks, under a lock.
func (b *Breaker) standing() (left time.Duration, isolated bool) {
	switch g := b.gen.Load(); g.state {
	case Open:
		return g.until - b.now(), g.isolated
	case HalfOpen:
		return b.untilProbed(), false
	}
	return 0, false
}
