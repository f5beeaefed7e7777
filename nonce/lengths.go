package nonce

import (
	"context"
	"math"
	"time"
)

// enoughTurns is how many have to be measured before anybody is sent away for what they took.
const enoughTurns = 8

// lengths is what turns took while others waited for them: a running mean and mean deviation, as TCP has of its round
// trips (RFC 6298).
type lengths struct {
	n               int
	mean, deviation time.Duration
}

// add counts one that took very long as four times the usual: a request that hung says little about the next.
func (l *lengths) add(d time.Duration) {
	if l.n++; l.n == 1 {
		l.mean, l.deviation = d, d/2
		return
	}
	if l.n > enoughTurns {
		d = min(d, 4*l.mean+time.Millisecond)
	}
	off := d - l.mean
	l.mean += off / 8
	l.deviation += (max(off, -off) - l.deviation) / 4
}

// atLeast returns what n of them take with a good deal of luck: two deviations less than is to be expected.
func (l *lengths) atLeast(n int) time.Duration {
	if l.n < enoughTurns {
		return 0
	}
	luck := 2 * float64(l.deviation) * math.Sqrt(float64(n))
	return max(time.Duration(n)*l.mean-time.Duration(luck), 0)
}

// tooLate returns an error for a caller whose turn, behind those who wait already, would come after its deadline even
// with luck: it need not wait to learn that. How long the turns under way still take is not counted. It is called with mu
// held.
func (l *Lane) tooLate(ctx context.Context) error {
	deadline, ok := ctx.Deadline()
	if !ok || l.waiting.len == 0 {
		return nil
	}
	wait := l.lengths.atLeast(l.waiting.len) / time.Duration(l.limit.turns())
	if left := time.Until(deadline); wait > left {
		return &WaitError{Key: l.key, Ahead: l.waiting.len, Wait: wait, Left: left}
	}
	return nil
}
