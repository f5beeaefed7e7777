package breaker

import (
	"sync/atomic"
	"time"
)

// buckets is how many steps a window has.
const buckets = 30

// A window counts recent calls without a lock. Each bucket packs into one word the lap of
// the ring it belongs to and how many calls succeeded and failed in it. A bucket of an
// earlier lap counts as empty; the first call in a new lap takes it over.
//
// A lap number repeats after 2^24 laps: sixteen years of a 30 s window. If a bucket was
// idle for exactly that long, its old counts are valid again; that is not worth a second
// word.
type window [buckets]atomic.Uint64

const (
	countBits = 20
	maxCount  = 1<<countBits - 1
	maxLap    = 1<<(64-2*countBits) - 1
)

// count adds one call at now, a time since some epoch, to a window with this step.
func (w *window) count(now, step time.Duration, failed bool) {
	tick := uint64(now / step)
	bucket, lap := &w[tick%buckets], tick/buckets&maxLap
	for {
		old := bucket.Load()
		if bucket.CompareAndSwap(old, added(old, lap, failed)) {
			return
		}
	}
}

// added returns the bucket with one more call. Counts that reach a million are both
// halved: their ratio stays, though later calls weigh more. That takes 8,000 calls a
// second in the longest window, and a million a second in one of 30 s.
func added(bucket, lap uint64, failed bool) uint64 {
	has, successes, failures := unpack(bucket)
	if has != lap {
		successes, failures = 0, 0
	}
	if successes == maxCount || failures == maxCount {
		successes, failures = successes/2, failures/2
	}
	if failed {
		failures++
	} else {
		successes++
	}
	return lap<<(2*countBits) | successes<<countBits | failures
}

func unpack(bucket uint64) (lap, successes, failures uint64) {
	return bucket >> (2 * countBits), bucket >> countBits & maxCount, bucket & maxCount
}

// sum returns what the window holds at now.
func (w *window) sum(now, step time.Duration) (failures, calls uint64) {
	tick := uint64(now / step)
	for i := range uint64(buckets) {
		// The bucket of tick−i. In the first lap there is nothing before tick 0.
		if i > tick {
			break
		}
		t := tick - i
		lap, s, f := unpack(w[t%buckets].Load())
		if lap == t/buckets&maxLap {
			failures += f
			calls += s + f
		}
	}
	return failures, calls
}
