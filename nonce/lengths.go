package nonce

import (
	"context"
	"math"
	"slices"
	"time"
)

// window is how many turns an estimate is made from. With half as many it follows what is true now, and more than that
// have to be known before anybody is sent away for what they took.
const window = 8

// longest is how many times the usual length a turn counts at most: one that hung says little about the next.
const longest = 2

// lengths is what the last turns took, as far as that was measured and still counts.
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

// skip is for a turn that was not measured: the oldest no longer is one of the last.
func (l *lengths) skip() { l.n = max(l.n-1, 0) }

// idle is for a turn that begins on a lane where nothing was under way, so long after the one before. What one rush of
// callers met need not be what the next one does.
func (l *lengths) idle(d time.Duration) {
	if d > window*l.mean {
		l.n = 0
	}
}

// usual returns mean and mean deviation. The longest that a turn counts as follows from their median, the lower of two:
// whatever a few of them took, the others decide what is usual.
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

// atLeast returns what n of them take with a good deal of luck: two deviations less than is to be expected, of their sum
// and of the estimate.
func (l *lengths) atLeast(n int) time.Duration {
	if n <= 0 || l.n <= window/2 {
		return 0
	}
	mean, deviation := l.usual()
	turns := float64(n)
	luck := 2 * float64(deviation) * math.Sqrt(turns+turns*turns/float64(l.n))
	return time.Duration(max(turns*float64(mean)-luck, 0))
}

// measure counts how long a turn took, where somebody wants to know: otherwise the clock is not read.
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

// tooLate returns an error for a caller whose turn, behind those who wait already, would come after its deadline even
// with luck: it need not wait to learn that. The turns under way may all end at once: one that is long under way says as
// little about the next as one that took long. And an adaptive lane may come to have more of them. It is called with mu
// held.
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
