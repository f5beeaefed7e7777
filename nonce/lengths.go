package nonce

import (
	"context"
	"math"
	"slices"
	"time"
)

// window is how many turns an estimate uses. With half as many it already follows
// changes, and more than half must be known before a caller is refused because of them.
const window = 8

// longest limits the weight of a turn to that many times the usual length: one that hung
// says little about the next.
const longest = 2

// lengths holds how long the last turns took, as far as they were measured and still
// count.
type lengths struct {
	ring [window]time.Duration
	next int           // in the ring
	n    int           // how many count, up to the next
	mean time.Duration // of those that counted when the last one was added
}

func (l *lengths) add(d time.Duration) {
	l.ring[l.next] = d
	l.next = (l.next + 1) % window
	l.n = min(l.n+1, window)
	l.mean, _ = l.usual()
}

// skip is called for a turn that was not measured: the oldest one drops out.
func (l *lengths) skip() { l.n = max(l.n-1, 0) }

// idle is called for a turn on a lane where nothing was under way, with the time since
// the turn before. An old measurement need not hold for the next burst of callers.
func (l *lengths) idle(d time.Duration) {
	if d > window*l.mean {
		l.n = 0
	}
}

// usual returns the mean and the mean deviation. The weight of a turn is limited by the
// median, the lower of two: a few long turns do not decide what is usual.
func (l *lengths) usual() (mean, deviation time.Duration) {
	var sorted [window]time.Duration
	all := sorted[:l.n]
	for i := range all {
		all[i] = l.ring[(l.next+window-1-i)%window]
	}
	slices.Sort(all)
	most := longest * all[(l.n-1)/2]
	for i, d := range all {
		all[i] = min(d, most)
		mean += all[i]
	}
	mean /= time.Duration(l.n)
	for _, d := range all {
		deviation += max(d-mean, mean-d)
	}
	return mean, deviation / time.Duration(l.n)
}

// atLeast returns an optimistic estimate of how long n turns take: the expected time less
// two deviations, of their sum and of the estimate itself.
func (l *lengths) atLeast(n int) time.Duration {
	if n <= 0 || l.n <= window/2 {
		return 0
	}
	mean, deviation := l.usual()
	turns := float64(n)
	luck := 2 * float64(deviation) * math.Sqrt(turns+turns*turns/float64(l.n))
	return time.Duration(max(turns*float64(mean)-luck, 0))
}

// measure records how long a turn took, if anybody needs to know: otherwise the clock is
// not read.
func (l *Lane) measure(first *Ticket) {
	others := l.waiting.len > 0
	if !others && !l.limit.adaptive {
		l.lengths.skip()
		return
	}
	l.lengths.add(clock() - first.began)
	if others && first.refused == 0 {
		l.limit.clean()
		l.setRoom()
	}
}

// tooLate returns an error for a caller whose turn would come after its deadline, even by
// an optimistic estimate: all turns under way end at once, because a turn that has taken
// long says little about when it ends, and an adaptive lane raises its limit. It is
// called with mu held.
func (l *Lane) tooLate(ctx context.Context) error {
	deadline, ok := ctx.Deadline()
	if !ok || l.waiting.len == 0 {
		return nil
	}
	turns := l.limit.atBest(l.waiting.len)
	wait := l.lengths.atLeast(l.waiting.len+1-turns) / time.Duration(turns)
	if left := time.Until(deadline); wait > left {
		return &WaitError{Key: l.key, Ahead: l.waiting.len, Wait: wait, Left: left}
	}
	return nil
}
