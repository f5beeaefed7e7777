package nonce

import "time"

// A waiter stands in one of a lane's queues. It is 48 bytes and a channel, for there may be many thousands.
type waiter struct {
	prev, next *waiter       // nil: not in the queue (any more)
	ready      chan struct{} // closed when the turn has come, or never will
	resync     *Ticket       // the first of its turn, which wants a newer nonce; nil: a turn is wanted
	nonce      uint64        // read after ready; 0: none was left, there is no turn
	began      time.Duration // read after ready: on epoch, when the turn began
}

// queue is a ring of waiters, first come first served. The lane's mutex guards it.
type queue struct {
	root waiter
	len  int
}

func (q *queue) init() { q.root.prev, q.root.next = &q.root, &q.root }

func (q *queue) push(resync *Ticket) *waiter {
	w := &waiter{ready: make(chan struct{}), resync: resync}
	q.insert(w, &q.root)
	return w
}

func (q *queue) insert(w, before *waiter) {
	w.prev, w.next = before.prev, before
	w.prev.next, before.prev = w, w
	q.len++
}

// advance puts those of that turn before all others.
func (q *queue) advance(first *Ticket) {
	w := q.root.next
	for range q.len {
		next := w.next
		if w.resync != first {
			q.remove(w)
			q.insert(w, &q.root)
		}
		w = next
	}
}

// first returns the one that came first; nil if there is none.
func (q *queue) first() *waiter {
	if q.len == 0 {
		return nil
	}
	return q.root.next
}

// remove takes w out of the queue and reports whether it was in it.
func (q *queue) remove(w *waiter) bool {
	if w.next == nil {
		return false
	}
	w.prev.next, w.next.prev = w.next, w.prev
	w.prev, w.next = nil, nil
	q.len--
	return true
}
