package nonce

import "time"

// full is the pause of a lane that has to wait for a turn to end.
const full time.Duration = -1

// serve releases the waiters that may go on: first the resyncs of turns under way, then
// the callers that wait for a turn. It is called with mu held, after every change that
// may let a waiter go on.
func (l *Lane) serve() {
	for w := l.resyncs.first(); w != nil; w = l.resyncs.first() {
		if !w.resync.left.Load() && !l.may(l.pauseOfResync(w.resync)) {
			return
		}
		l.resyncs.remove(w)
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

// may reports whether there is no pause. If the pause is a matter of time, a timer serves
// the queues when it is over. The pause may have become shorter since the timer was set.
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

// pause returns how long it takes until a new turn may begin: full, or 0 for at once.
func (l *Lane) pause() time.Duration {
	switch {
	case l.busy == 0 || l.closed: // if closed, the waiter gets an error
		return 0
	case l.alone != nil || l.busy >= l.limit.turns():
		return full
	}
	return l.gap()
}

// pauseOfResync is pause for the next request of a turn under way.
func (l *Lane) pauseOfResync(first *Ticket) time.Duration {
	switch {
	case l.alone == first || l.busy == 1 || l.closed:
		return 0
	case l.alone != nil:
		return full
	}
	return l.gap()
}

// gap returns what remains of the distance to the draw before. Evenly spaced requests
// seldom overtake each other, and no other order is better at the same throughput.
func (l *Lane) gap() time.Duration {
	if !l.limit.adaptive || l.lengths.mean == 0 {
		return 0
	}
	return max(l.nextDraw()-clock(), 0)
}

// nextDraw is when the distance to the draw before is over, on epoch.
func (l *Lane) nextDraw() time.Duration { return l.drawn + l.limit.distance(l.lengths.mean) }
