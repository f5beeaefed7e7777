package retry

import "sync"

// claims are the IDs of the [DoOnce] calls under way: of two calls in one
// process with the same ID one would resend what the other is still sending.
type claims struct {
	mu  sync.Mutex // guards ids
	ids map[string]struct{}
}

func (r *Retrier) claim(id string) bool {
	c := r.claims
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, taken := c.ids[id]; taken {
		return false
	}
	if c.ids == nil {
		c.ids = make(map[string]struct{})
	}
	c.ids[id] = struct{}{}
	return true
}

func (r *Retrier) release(id string) {
	c := r.claims
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.ids, id)
}
