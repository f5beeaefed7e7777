package nonce

// A waiter stands in a lane's queue. It is 32 bytes and a channel, for there may be many thousands.
type waiter struct {
	prev, next *waiter       // nil: not in the queue (any more)
	ready      chan struct{} // closed when the turn has come, or never will
	nonce      uint64        // read after ready; 0: none was left, there is no turn
}

// queue is a ring of waiters, first come first served. The lane's mutex guards it.
type queue struct{ root waiter }

func (q *queue) init() { q.root.prev, q.root.next = &q.root, &q.root }

func (q *queue) push() *waiter {
	w := &waiter{prev: q.root.prev, next: &q.root, ready: make(chan struct{})}
	w.prev.next, q.root.prev = w, w
	return w
}

// pop takes the first waiter out; nil if there is none.
func (q *queue) pop() *waiter {
	w := q.root.next
	if w == &q.root {
		return nil
	}
	w.remove()
	return w
}

// remove takes w out of the queue and reports whether it was in it.
func (w *waiter) remove() bool {
	if w.next == nil {
		return false
	}
	w.prev.next, w.next.prev = w.next, w.prev
	w.prev, w.next = nil, nil
	return true
}
