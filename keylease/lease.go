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
	Record // last known from the store; guarded by mu
	all    *Leases
	lane   *nonce.Lane
	taken  time.Time
	cancel context.CancelFunc // of OnTake

	mu     sync.Mutex
	until  time.Time     // the lease is valid at least until then
	want   uint64        // a turn waits for at least this high
	over   bool          // this process does not hold it any more
	shut   bool          // the lane is closed, too
	news   chan struct{} // closed and replaced when a round is over
	failed error         // the error of the last round
}

func newLease(all *Leases, r Record, until time.Time) (*lease, error) {
	h := &lease{Record: r, all: all, taken: time.Now(), until: until, news: make(chan struct{})}
	config := all.cfg.Lane
	config.Key, config.After, config.Reserve = r.Key, r.High, h.reserve
	lane, err := nonce.NewLane(config)
	h.lane = lane
	return h, err
}

// reserve is LaneConfig.Reserve. Nearly always the grant of the store is enough.
// Otherwise it requests a round at once and waits for it, and for the one after it, as
// long as the lease is valid.
func (h *lease) reserve(upTo uint64) (uint64, time.Time, error) {
	for {
		h.mu.Lock()
		high, until, over, news, failed := h.High, h.until, h.over, h.news, h.failed
		h.want = max(h.want, upTo)
		h.mu.Unlock()
		good := time.Now().Before(until)
		switch {
		case over:
			return 0, until, &leaseError{h.Key, "its lease is over", nonce.ErrClosed}
		case high >= upTo && good:
			return high, until, nil
		case failed != nil && !good:
			return 0, until, &leaseError{h.Key, fmt.Sprintf("its lease cannot be renewed: the store has not answered for %v", h.all.silence()), failed}
		}
		h.all.soon()
		<-news
	}
}

// ceiling is the high to request: what the clock, or a lane ahead of it, reaches in TTL.
// So the ceiling is the expiry, even for a process whose machine slept meanwhile. For a
// lane ahead of the clock, which does not use a nonce for each tick, until is the expiry.
func (h *lease) ceiling(now time.Time, unit, ttl time.Duration) Record {
	last := h.lane.Last()
	h.mu.Lock()
	defer h.mu.Unlock()
	ticks := uint64(max(now.UnixMicro(), 0)) / uint64(unit/time.Microsecond)
	if ticks > nonce.MaxNonce { // the lane draws none of them, and the next holder could draw none
		ticks = 0
	}
	high := max(ticks, last, h.want) + uint64(ttl/unit)
	return Record{h.Key, h.Epoch, min(max(h.High, high), nonce.MaxNonce)}
}

// granted stores the result of a round: the record and until when it is valid, or the
// error.
func (h *lease) granted(r Record, until time.Time, failed error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if failed == nil {
		h.High, h.until = r.High, until
	}
	h.failed = failed
	close(h.news)
	h.news = make(chan struct{})
}

// end ends the lease: no turn begins any more.
func (h *lease) end() {
	h.mu.Lock()
	h.over = true
	close(h.news)
	h.news = make(chan struct{})
	h.mu.Unlock()
	h.cancel()
	_ = h.lane.Close() // writes nothing
	h.mu.Lock()
	h.shut = true
	h.mu.Unlock()
}

// idle reports whether no turn is under way and none can begin. Then the nonce to return
// is exact, and this process sends nothing after the next one begins.
func (h *lease) idle() bool {
	h.mu.Lock()
	shut := h.shut
	h.mu.Unlock()
	return shut && h.lane.Stats().InFlight == 0
}
