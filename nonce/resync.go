package nonce

import (
	"context"
	"time"
)

// rungs are the jumps that a lane makes because of a foreign writer, at most one in a
// turn: to a second ahead of the clock, then to a minute. With doubling, two lanes that
// do so would reach MaxNonce in an afternoon.
var rungs = [...]time.Duration{time.Second, time.Minute - time.Second}

// renew draws another nonce for a turn. If the newest nonce was refused because another
// request of the lane had overtaken it, an ordinary resend follows. The second resend in
// a turn cannot be overtaken, so that a third is not needed. If the nonce was refused
// twice with no request of the lane ahead of it, there is a foreign writer.
//
// A turn that must not be overtaken never queues: the queue waits for that turn to end.
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
	if l.alone == first || l.resyncs.len == 0 && l.pauseOfResync(first) == 0 {
		nonce := l.renewal(first)
		l.mu.Unlock()
		return l.renewed(ctx, first, nonce)
	}
	w := l.resyncs.push(first)
	l.serve()
	l.mu.Unlock()
	return l.waitResync(ctx, w)
}

// refusal records that the newest nonce of a turn was refused, and reports whether a
// foreign writer caused it. It records a nonce once: a Resync that ended with its context
// may be called again, and nothing was refused in between.
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

// foreign is renew after a foreign writer was detected. It is called with mu held, and
// releases it.
func (l *Lane) foreign(ctx context.Context, first *Ticket, e Event) (uint64, error) {
	l.counts.foreign++
	nonce := uint64(0)
	if rung := l.rung(first); rung > 0 {
		nonce = l.drawAbove(l.ticks(rung))
		if nonce != 0 {
			e.Jump = rung
			first.jumped = true
			l.took(first, nonce)
			l.serve() // other resyncs of the turn
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

// rung returns how far to jump. It is 0 if this turn has jumped already, if all jumps
// were made since the clock last caught up, or if the jump would exceed MaxAhead.
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

// renewal draws a nonce for a turn under way, or returns 0 if the turn was left
// meanwhile. It is called with mu held.
func (l *Lane) renewal(first *Ticket) uint64 {
	if first.left.Load() { // read under the mutex: while it is not set, no later turn has drawn
		return 0
	}
	nonce := l.draw()
	if nonce != 0 {
		l.took(first, nonce)
	}
	return nonce
}

// took records the newest nonce of a turn. A turn that was refused twice must not be
// overtaken from here on, and its own resyncs go first.
func (l *Lane) took(first *Ticket, nonce uint64) {
	first.newest = nonce
	if first.refused > 1 && l.alone != first {
		l.alone = first
		l.resyncs.advance(first)
	}
}

func (l *Lane) waitResync(ctx context.Context, w *waiter) (uint64, error) {
	select {
	case <-w.ready:
		return l.renewed(ctx, w.resync, w.nonce)
	case <-ctx.Done():
	}
	l.mu.Lock()
	if !l.resyncs.remove(w) {
		w.resync.lost(w.nonce)
	}
	l.serve()
	l.mu.Unlock()
	return 0, l.gaveUp(ctx)
}

// renewed returns the nonce to a turn under way. If nonce is 0, there was none.
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

// lost records a nonce that was drawn for the turn but not handed out. It is called with
// the lane's mu held.
func (t *Ticket) lost(nonce uint64) { t.settled = max(t.settled, nonce) }
