package breaker

import (
	"sync/atomic"
	"time"
)

// buckets is how many steps a window moves in.
const buckets = 30

// A window counts the calls of the last while without a lock: each bucket packs into one word which lap round the ring
// it belongs to, and how many calls succeeded and failed in it. A bucket of an earlier lap is empty; whoever first
// counts in it takes it over.
//
// A lap number repeats after 2^24 laps: sixteen years of a 30 s window. Should a bucket have lain idle for exactly as
// long, what it held counts again; that is not worth a second word.
type window [buckets]atomic.Uint64

const (
	countBits = 20
	maxCount  = 1<<countBits - 1
	maxLap    = 1<<(64-2*countBits) - 1
)

// count adds one call at now, a time since some epoch, to a window that moves on every step.
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

// added is the bucket with one more call. Counts of a million are both halved: their ratio stays, though what comes after
// weighs more. In the longest window that takes 8,000 calls a second, in one of 30 s a million.
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

// sum is what the window holds at now.
func (w *window) sum(now, step time.Duration) (failures, calls uint64) {
	tick := uint64(now / step)
	for i := range uint64(buckets) {
		// The bucket of tick−i; before the first lap is over there is nothing behind tick 0.
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
