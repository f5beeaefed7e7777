package keylease

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/nexpay-go/resilience/nonce"
)

// A lease is one key that this process holds, in one epoch.
type lease struct {
	Record // as the store has it, as far as is known; guarded by mu
	all    *Leases
	lane   *nonce.Lane
	taken  time.Time
	cancel context.CancelFunc // of OnTake

	mu     sync.Mutex
	until  time.Time     // as far as this process knows, at least
	want   uint64        // somebody waits for a high that is no lower
	over   bool          // it is not this process's any more
	shut   bool          // the lane is closed, too
	word   chan struct{} // closed, and made anew, when a round is over
	failed error         // the last round did
}

func newLease(all *Leases, r Record, until time.Time) (*lease, error) {
	h := &lease{Record: r, all: all, taken: time.Now(), until: until, word: make(chan struct{})}
	config := all.cfg.Lane
	config.Key, config.After, config.Reserve = r.Key, r.High, h.reserve
	lane, err := nonce.NewLane(config)
	h.lane = lane
	return h, err
}

// reserve is LaneConfig.Reserve: nearly always what the store has granted is enough.
// Otherwise the next round is asked for at once, and waited for; and the one after it, as
// long as the lease is good.
func (h *lease) reserve(upTo uint64) (uint64, time.Time, error) {
	for {
		h.mu.Lock()
		high, until, over, word, failed := h.High, h.until, h.over, h.word, h.failed
		h.want = max(h.want, upTo)
		h.mu.Unlock()
		good := time.Now().Before(until)
		switch {
		case over:
			return 0, until, &leaseError{h.Key, "the lease on it is over", nonce.ErrClosed}
		case high >= upTo && good:
			return high, until, nil
		case failed != nil && !good:
			return 0, until, &leaseError{h.Key, fmt.Sprintf("the lease on it cannot be renewed, as the store has not answered for %v", h.all.silence()), failed}
		}
		h.all.soon()
		<-word
	}
}

// ceiling is the high to ask for: what the clock, or a lane that is ahead of it, comes to
// in TTL. So the ceiling is the expiry, also of a process whose machine slept meanwhile; of
// a lane that is ahead, which does not draw a nonce for each tick, until is.
func (h *lease) ceiling(now time.Time, unit, ttl time.Duration) Record {
	last := h.lane.Last()
	h.mu.Lock()
	defer h.mu.Unlock()
	ticks := uint64(max(now.UnixMicro(), 0)) / uint64(unit/time.Microsecond)
	high := max(ticks, last, h.want) + uint64(ttl/unit)
	return Record{h.Key, h.Epoch, min(max(h.High, high), nonce.MaxNonce)}
}

// hear takes in what a round came to: the record now, and until when it is good at least, or
// that it failed.
func (h *lease) hear(r Record, until time.Time, failed error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if failed == nil {
		h.High, h.until = r.High, until
	}
	h.failed = failed
	close(h.word)
	h.word = make(chan struct{})
}

// end is the end of the lease: nobody gets a turn any more.
func (h *lease) end() {
	h.mu.Lock()
	h.over = true
	close(h.word)
	h.word = make(chan struct{})
	h.mu.Unlock()
	h.cancel()
	_ = h.lane.Close() // it has nothing to write
	h.mu.Lock()
	h.shut = true
	h.mu.Unlock()
}

// idle reports whether no turn is under way, and none can begin: what is returned then is
// exact, and nothing of this process's can come after what the next one sends.
func (h *lease) idle() bool {
	h.mu.Lock()
	shut := h.shut
	h.mu.Unlock()
	return shut && h.lane.Stats().InFlight == 0
}
