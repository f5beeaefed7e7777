package nonce

import "time"

// full is the pause of a lane that has to wait for a turn to end, however long that takes.
const full time.Duration = -1

// serve lets go on who may: first the resyncs, whose turns have begun, then those who wait for a turn. It is called with
// mu held, after any change that lets somebody go on.
func (l *Lane) serve() {
	for w := l.again.first(); w != nil; w = l.again.first() {
		if !w.resync.left.Load() && !l.may(l.pauseOfResync(w.resync)) {
			return
		}
		l.again.remove(w)
		w.nonce = l.renewal(w.resync)
		close(w.ready)
	}
	for w := l.waiting.first(); w != nil && l.may(l.pause()); w = l.waiting.first() {
		l.waiting.remove(w)
		if w.nonce = l.draw(); w.nonce != 0 {
			w.began = l.drawn
			l.busy++
		}
		close(w.ready)
	}
}

// may reports whether there is no pause. If it is a matter of time, the queues are served again when it is over, which
// may be sooner than when the timer was set: since then a turn may have shown that the usual ones are shorter.
func (l *Lane) may(pause time.Duration) bool {
	if pause <= 0 {
		return pause == 0
	}
	at := l.nextDraw()
	switch {
	case l.timer == nil:
		l.timer = time.AfterFunc(pause, l.ring)
	case l.rings == 0 || at < l.rings:
		l.timer.Reset(pause)
	default:
		return false
	}
	l.rings = at
	return false
}

func (l *Lane) ring() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rings = 0
	l.serve()
}

// pause returns how long it is until a new turn may begin: full, or 0 for at once.
func (l *Lane) pause() time.Duration {
	switch {
	case l.busy == 0 || l.closed: // if closed, to learn of it
		return 0
	case l.alone != nil || l.busy >= l.limit.turns():
		return full
	}
	return l.gap()
}

// pauseOfResync is pause for the next send of a turn that has begun.
func (l *Lane) pauseOfResync(first *Ticket) time.Duration {
	switch {
	case l.alone == first || l.busy == 1 || l.closed:
		return 0
	case l.alone != nil:
		return full
	}
	return l.gap()
}

// gap returns what is left of the distance to the draw before. Requests that follow each other at even distances seldom
// overtake each other, and for the same throughput there is no better order.
func (l *Lane) gap() time.Duration {
	if !l.limit.adaptive || l.lengths.mean == 0 {
		return 0
	}
	return max(l.nextDraw()-clock(), 0)
}

// nextDraw is when the distance to the draw before is kept, on epoch.
func (l *Lane) nextDraw() time.Duration { return l.drawn + l.limit.distance(l.lengths.mean) }
