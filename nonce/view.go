package nonce

// A view is a tree as one call sees it: without the lanes that refused the call. A nil
// view is the whole tree.
type view struct {
	refused []refusal
	next    []int  // the least busy of the rest, in order; empty: not computed
	at      uint64 // changes of the tree when next was computed
}

// without leaves a lane out from now on.
func (v *view) without(lane int, err error) *view {
	if v == nil {
		v = &view{}
	}
	v.refused = append(v.refused, refusal{lane, err})
	if len(v.next) > 0 {
		v.next = v.next[1:]
	}
	return v
}

// exact is the number of refusals up to which the next lane is computed anew after each.
// Beyond it the next few are computed together, and may be out of date by as many
// changes, so that the cost of being refused by all lanes grows with their number and not
// with its square.
const exact = 16

// stale reports whether next has to be computed anew.
func (v *view) stale(changes uint64) bool {
	changed, n := changes-v.at, len(v.refused)
	return len(v.next) == 0 || changed > 0 && (n <= exact || changed > 4*uint64(n))
}

// leastBusy returns the first of the least busy lanes from start on, in rotation, and its
// load; -1 if there is none.
func (t *tree) leastBusy(start int, v *view) (lane int, load int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for {
		if lane = t.choose(start, v); lane < 0 {
			return lane, 0
		}
		load = t.lanes[lane].load.Load()
		if load-t.lanes[lane].room.Load() == t.rounds[0][lane] {
			return lane, load
		}
		t.refresh(lane) // it has changed and is about to announce that
	}
}

func (t *tree) choose(start int, v *view) int {
	if v == nil {
		return t.first(start)
	}
	if v.stale(t.changes) {
		t.find(start, v)
	}
	if len(v.next) == 0 {
		return -1
	}
	return v.next[0]
}

// find computes next of v. Meanwhile it takes the refused lanes, and each lane found, out
// of the tree.
func (t *tree) find(start int, v *view) {
	for _, r := range v.refused {
		t.put(r.lane, nobody)
	}
	n := 1
	if len(v.refused) > exact {
		n = len(v.refused) / 4
	}
	for v.next, v.at = v.next[:0], t.changes; len(v.next) < n && t.least() != nobody; {
		lane := t.first(start)
		t.put(lane, nobody)
		v.next = append(v.next, lane)
	}
	for _, r := range v.refused {
		t.put(r.lane, t.lanes[r.lane].busyness())
	}
	for _, lane := range v.next {
		t.put(lane, t.lanes[lane].busyness())
	}
}
