package main

import (
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"slices"
	"time"
)

// A subject is something of which there are n. It returns what runs an operation on
// it so many times, and what takes it down.
type subject func(n int) (loop func(times int), end func(), err error)

// A growing is a subject, and the least that plain Go needs for the same.
type growing struct {
	name  string
	disk  bool // it waits for one
	ours  subject
	plain subject
	least string // what plain is; "" if there is none
}

// clock is the processor's time, or for what waits for a disk all of it.
func (c growing) clock() time.Duration {
	if c.disk {
		return elapsed()
	}
	return spent()
}

// The four that take turns: ours and plain Go's, each among few and many.
const (
	oursFew = iota
	oursMany
	plainFew
	plainMany
)

// epoch is when the process began.
var epoch = time.Now()

func elapsed() time.Duration { return time.Since(epoch) }

// measure has the four take turns, round after round, and returns the median of the
// nanoseconds that one operation of each took. Before each turn it takes one that does
// not count, which brings into the caches what the one before has driven out. Garbage
// is collected between turns: into which of them a collection falls would be chance.
func (c growing) measure(o options) (ns [4]float64, err error) {
	var loops []func(int)
	var sizes []int
	for _, s := range []subject{c.ours, c.plain} {
		for _, n := range []int{o.few, o.many} {
			if s == nil {
				continue
			}
			loop, end, err := s(n)
			if err != nil {
				return ns, err
			}
			defer end()
			loop(n) // once round: what is made at the first use is there
			loops, sizes = append(loops, loop), append(sizes, n)
		}
	}
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	times := make([]int, len(loops))
	for i, loop := range loops {
		runtime.GC()
		times[i] = c.calibrate(loop, o.each)
	}
	took := make([][]float64, len(loops))
	for i := 0; i < len(times); i += 2 { // of a pair both as often: more take more memory that is new
		times[i] = min(times[i], times[i+1])
		times[i+1] = times[i]
	}
	for range o.rounds {
		for _, i := range rand.Perm(len(loops)) {
			loop := loops[i]
			runtime.GC()
			loop(min(times[i], sizes[i]))
			began := c.clock()
			loop(times[i])
			took[i] = append(took[i], float64((c.clock()-began).Nanoseconds())/float64(times[i]))
		}
	}
	for i := range took {
		slices.Sort(took[i])
		ns[i] = took[i][o.rounds/2]
	}
	return ns, nil
}

// calibrate returns how many times take about that long.
func (c growing) calibrate(loop func(int), each time.Duration) int {
	for times := 1; ; times *= 2 {
		began := c.clock()
		loop(times)
		if took := c.clock() - began; took > each/2 || times > 1<<28 {
			return times
		}
	}
}
