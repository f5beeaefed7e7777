package breaker

import (
	"cmp"
	"container/heap"
	"time"
)

// use records that m was requested.
func (g *Group) use(m *member) {
	switch {
	case m == g.used.front:
	case m.in == &g.used:
		g.used.remove(m)
		g.used.pushFront(m)
	case m.in == nil:
		heap.Remove(&g.kept, m.index)
		g.used.pushFront(m)
	case !m.b.gen.Load().isolated: // no longer isolated
		g.isolated.remove(m)
		g.used.pushFront(m)
		g.trim()
	}
}

// patience is how many members one Get examines. It puts aside at most half of them, so
// that at most one place in 254 is missing meanwhile.
const patience = 128

// trim removes excess members. A member that has to stay for its state is put aside when
// it is met, so that no later call meets it. If there are many, the next Get continues:
// the cost of one Get does not depend on their number.
func (g *Group) trim() {
	most := cmp.Or(g.max, defaultMax)
	if g.used.len+len(g.kept) <= most {
		return
	}
	now := time.Now()
	if m := g.isolated.back; m != nil { // check one isolated member per call: it may have been reset
		g.isolated.remove(m)
		g.place(m, now, false)
	}
	for i := 0; i < patience && g.used.len+len(g.kept) > most; i++ {
		m, atOnce := g.dispensable(now, most)
		g.place(m, now, atOnce)
	}
}

// dispensable takes out the member to remove. The member may still stay for its state,
// unless too many are already kept for theirs (atOnce). All kept members were used less
// recently than the others. Some of them may have been reset or isolated meanwhile
// without a Get; that is noticed when their time is over.
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

// place puts a member that was taken out where its state belongs, or removes it.
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

// standing is for how long the breaker's state matters: a new breaker in its place would
// let calls through that this one refuses. It reads the state as it is: to settle it
// would run hooks under a lock.
func (b *Breaker) standing() (left time.Duration, isolated bool) {
	switch g := b.gen.Load(); g.state {
	case Open:
		return g.until - b.now(), g.isolated
	case HalfOpen:
		return b.untilProbed(), false
	}
	return 0, false
}
