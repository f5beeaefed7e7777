package protocol_test

// arrive has the bank decide about a request.
func (w *world) arrive(s setting, i int) {
	r, n := &w.sends[i], s.nonce(int8(i))
	if w.kept(s) {
		r.status = dead
		if !r.way {
			*r = sent{status: dead, left: -1}
		}
	} else {
		r.status = taken
		w.count++
		if r.left < 0 {
			r.left = settle
		}
	}
	w.fence(n)
}

// fence keeps out what has a lower nonce, from now on.
func (w *world) fence(n int8) {
	w.high = max(w.high, n)
	for i := range w.sends {
		if r := &w.sends[i]; r.status == flight && int8(2*i+2) < w.high {
			r.status = dead
			if !r.way {
				*r = sent{status: dead, left: -1}
			}
		}
	}
}

// returned starts the time in which the bank has to decide.
func (w *world) returned(s setting, i int8) {
	r := &w.sends[i]
	r.way, r.left = false, settle
	if r.status == dead {
		*r = sent{status: dead, left: -1}
	}
	if r.status == dead || r.status == seen || r.status == flight && s.strict && !s.replays {
		r.left = -1
	}
}

// bank goes on to what the bank and the network may do.
func (x *walk) bank(w *world, urgent bool) {
	for i, r := range w.sends {
		if urgent && r.left != 0 {
			continue
		}
		next := *w
		switch {
		case r.status == flight:
			next.arrive(x.set, i)
			x.next(&next, "a request arrives")
		case r.status == taken:
			next.sends[i].status = seen
			if !r.way {
				next.sends[i].left = -1
			}
			x.next(&next, "it becomes visible")
		}
		next = *w
		switch {
		case r.left != 0:
		case r.way && !x.sending(w, i):
			next.returned(x.set, int8(i))
			x.next(&next, "the earlier process is over")
		case !r.way && r.status == flight:
			next.sends[i] = sent{status: dead, left: -1}
			x.next(&next, "a request never arrives")
		}
	}
}

// sending reports whether one of the processes waits for the request.
func (x *walk) sending(w *world, i int) bool {
	for p := range w.procs {
		if w.procs[p].at == sending && w.procs[p].slot == int8(i) {
			return true
		}
	}
	return false
}

// clock goes on to later moments.
func (x *walk) clock(w *world) {
	next, resting, dated := *w, true, false
	for i := range next.sends {
		if r := &next.sends[i]; r.left > 0 {
			r.left--
			resting = false
		}
	}
	for i := range next.procs {
		resting = resting && (next.procs[i].at <= idle || next.procs[i].at == over)
		dated = dated || next.procs[i].notes.dated && !next.procs[i].old
		next.procs[i].later()
	}
	if next.first >= 0 {
		next.first = min(next.first+1, keeps+1)
	}
	x.next(&next, "time passes")
	if !resting || !dated || x.set.replays {
		return
	}
	for i := range next.procs {
		p := &next.procs[i]
		for range late {
			p.later()
		}
		p.old = p.notes.dated
	}
	if next.first >= 0 {
		next.first = keeps + 1
	}
	x.next(&next, "an hour passes")
}
