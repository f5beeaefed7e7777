package nonce

import (
	"context"
	"time"
)

// rungs is how far ahead a lane goes for a foreign writer, each beyond the one before and one in a turn: to a second
// ahead, then to a minute. Doubling instead would, with two who do it, reach MaxNonce in an afternoon.
var rungs = [...]time.Duration{time.Second, time.Minute - time.Second}

// renew draws another nonce for a turn. If that before was refused, it is not the same whether one of the lane's own had
// overtaken it: then its resend is an ordinary one. The second in a turn goes out with nobody to overtake it, so that a
// third is not needed. And where none of its own was ahead, twice, somebody else's must have been.
//
// A turn that is alone never queues: who stands in the queue waits for that very turn to be over.
func (l *Lane) renew(ctx context.Context, first *Ticket, refused bool) (uint64, error) {
	l.mu.Lock()
	if first.left.Load() {
		l.mu.Unlock()
		return 0, ErrLeft
	}
	event := Event{Kind: EventForeign, Key: l.key}
	if refused && l.refusal(first) {
		return l.foreign(ctx, first, event)
	}
	if l.alone == first || l.again.len == 0 && l.pauseOfResync(first) == 0 {
		nonce := l.renewal(first)
		l.mu.Unlock()
		return l.renewed(ctx, first, nonce)
	}
	w := l.again.push(first)
	l.serve()
	l.mu.Unlock()
	return l.waitAgain(ctx, w)
}

// refusal books that the newest nonce of a turn was refused, and reports whether that is somebody else's doing. It is
// booked once: a Resync that ended with its context may be called again, and nothing was refused in between.
func (l *Lane) refusal(first *Ticket) (foreign bool) {
	if first.newest == first.settled {
		return false
	}
	l.counts.refusals++
	first.refused = min(first.refused+1, 3)
	overtaken := first.newest < l.last
	if !overtaken && first.refused > 1 && !l.closed && l.last < MaxNonce {
		return true
	}
	first.settled = first.newest
	if overtaken {
		l.limit.overtaken(first.newest, l.last)
		l.setRoom()
	}
	return false
}

// foreign is renew in the face of a foreign writer. It is called with mu held, and gives it back.
func (l *Lane) foreign(ctx context.Context, first *Ticket, e Event) (uint64, error) {
	l.counts.foreign++
	nonce := uint64(0)
	if rung := l.rung(first); rung > 0 {
		nonce = l.drawAbove(l.ticks(rung))
		if nonce != 0 {
			e.Jump = rung
			first.jumped = true
			l.took(first, nonce)
			l.serve() // what else the turn waits for
			l.jumps++
			l.counts.jumps++
		}
	}
	e.Nonce, e.Ahead = l.last, l.aheadNow()
	if nonce == 0 {
		e.Err = &ForeignError{Key: l.key, Last: e.Nonce, Ahead: e.Ahead}
	}
	l.mu.Unlock()
	l.emit(e)
	if nonce == 0 {
		return 0, e.Err
	}
	return l.renewed(ctx, first, nonce)
}

// rung returns how far to jump; 0 if not at all, because the turn did, or there is no rung left before the clock has
// caught up, or it would be farther ahead of the clock than the lane may be.
func (l *Lane) rung(first *Ticket) time.Duration {
	now, _ := l.read()
	if now > l.last {
		l.jumps = 0
	}
	if first.jumped || l.jumps == len(rungs) {
		return 0
	}
	rung := rungs[l.jumps]
	if max(now, l.last)+l.ticks(rung) > now+l.maxAhead {
		return 0
	}
	return rung
}

// renewal draws for a turn that may go on, or returns 0 if it was left meanwhile. It is called with mu held.
func (l *Lane) renewal(first *Ticket) uint64 {
	if first.left.Load() { // looked at under the mutex: as long as it is not set, no later turn has drawn
		return 0
	}
	nonce := l.draw()
	if nonce != 0 {
		l.took(first, nonce)
	}
	return nonce
}

// took books the newest nonce of a turn. One that was refused twice is alone from here on, and what it waits for goes
// before what waits for it.
func (l *Lane) took(first *Ticket, nonce uint64) {
	first.newest = nonce
	if first.refused > 1 && l.alone != first {
		l.alone = first
		l.again.advance(first)
	}
}

func (l *Lane) waitAgain(ctx context.Context, w *waiter) (uint64, error) {
	select {
	case <-w.ready:
		return l.renewed(ctx, w.resync, w.nonce)
	case <-ctx.Done():
	}
	l.mu.Lock()
	if !l.again.remove(w) {
		w.resync.lost(w.nonce)
	}
	l.serve()
	l.mu.Unlock()
	return 0, l.gaveUp(ctx)
}

// renewed hands a nonce out to a turn that goes on. 0: there was none.
func (l *Lane) renewed(ctx context.Context, first *Ticket, nonce uint64) (uint64, error) {
	switch {
	case nonce == 0 && first.left.Load():
		return 0, ErrLeft
	case nonce == 0:
		return 0, l.noNonce()
	case l.marks != nil && !l.marks.covers(nonce, clock()):
		if err := l.keep(ctx, nonce); err != nil {
			l.mu.Lock()
			first.lost(nonce)
			l.mu.Unlock()
			return 0, err
		}
	}
	return nonce, nil
}

// lost is for a nonce that was drawn for the turn, and that nobody got. It is called with the lane's mu held.
func (t *Ticket) lost(nonce uint64) { t.settled = max(t.settled, nonce) }
