package nonce

import (
	"math"
	"time"
)

// epoch is the origin of instants that steps of the clock must not affect.
var epoch = time.Now()

func clock() time.Duration { return time.Since(epoch) }

// read returns the ticks since 1970 (0 before) and the time since epoch. It reads the
// clock once: that is most of the cost of an uncontended turn.
func (l *Lane) read() (ticks uint64, since time.Duration) {
	now := time.Now()
	since = now.Sub(epoch)
	if l.now != nil {
		now = l.now()
	}
	t := now.UnixMicro()
	if l.unit == time.Millisecond {
		t = now.UnixMilli()
	}
	return uint64(max(t, 0)), since
}

func (l *Lane) ticks(d time.Duration) uint64 { return uint64(d / l.unit) }

// span is the inverse of ticks, limited to what a Duration holds.
func (l *Lane) span(ticks uint64) time.Duration {
	return time.Duration(min(ticks, math.MaxInt64/uint64(l.unit))) * l.unit
}
