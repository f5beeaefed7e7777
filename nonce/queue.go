package nonce

import "time"

// A waiter is an entry in one of a lane's queues. It takes 48 bytes and a channel, as
// there may be many thousands.
type waiter struct {
	prev, next *waiter       // nil: not in the queue
	ready      chan struct{} // closed when the turn has come, or cannot come
	resync     *Ticket       // first ticket of a turn that needs a newer nonce; nil: waits for a turn
	nonce      uint64        // read after ready; 0: none was left, no turn
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

// advance moves the entries of that turn to the front.
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

// first returns the oldest entry; nil if there is none.
func (q *queue) first() *waiter {
	if q.len == 0 {
		return nil
	}
	return q.root.next
}

// remove takes w out of the queue and reports whether it was there.
func (q *queue) remove(w *waiter) bool {
	if w.next == nil {
		return false
	}
	w.prev.next, w.next.prev = w.next, w.prev
	w.prev, w.next = nil, nil
	q.len--
	return true
}
