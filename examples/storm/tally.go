package main

import (
	"sync/atomic"
	"time"
)

// A tally counts what happens in each second.
type tally struct {
	scenario scenario
	load     float64 // calls a second
	perSec   []second
	others   count // calls during the fault to endpoints that do not fail
	last     atomic.Int64
}

// A second has the counts of one second.
type second struct {
	sends   atomic.Int64
	done    atomic.Int64 // calls that ended with success
	made    count        // calls that began in it, and their results
	sent    atomic.Int64 // sends of those calls
	refused atomic.Int64 // those calls that were refused without a send
}

type count struct{ all, good atomic.Int64 }

func (c *count) add(good bool) {
	c.all.Add(1)
	if good {
		c.good.Add(1)
	}
}

func newTally(s scenario, load float64) *tally {
	return &tally{scenario: s, load: load, perSec: make([]second, s.length/time.Second+1)}
}

func (t *tally) at(d time.Duration) *second {
	return &t.perSec[min(int(d/time.Second), len(t.perSec)-1)]
}

func (t *tally) send(now time.Duration) { t.at(now).sends.Add(1) }

func (t *tally) call(made, ended time.Duration, endpoint, sends int, err error) {
	s := t.at(made)
	s.made.add(err == nil)
	s.sent.Add(int64(sends))
	if err != nil && refused(err, sends) {
		s.refused.Add(1)
	}
	if err == nil {
		t.at(ended).done.Add(1)
		for {
			old := t.last.Load()
			if int64(ended) <= old || t.last.CompareAndSwap(old, int64(ended)) {
				break
			}
		}
	}
	if endpoint > 0 && made >= t.scenario.from && made < t.scenario.to {
		t.others.add(err == nil)
	}
}

// figures summarise a result.
type figures struct {
	calls     int64
	sends     float64 // per call made during the fault
	peak      float64 // sends in the worst second from the fault on, as a multiple of the load
	peakOf5   float64 // the same of five seconds
	succeeded float64 // share of the calls made during the fault
	after     float64 // share of the calls made from the end of the fault on
	refused   float64 // share of the calls made during the fault
	half      time.Duration
	most      time.Duration // until nine tenths of the usual success were back for good; negative: never
	collapse  bool          // nine tenths were back, and then less than half
	others    float64
	last      time.Duration // time of the last success, in a herd
}

const never = time.Duration(-1)

func (t *tally) figures() figures {
	s := t.scenario
	during := t.sum(s.from, max(s.to, s.from+time.Second))
	f := figures{
		calls: during.made, sends: ratioOf(during.sent, during.made), succeeded: ratioOf(during.good, during.made),
		refused: ratioOf(during.refused, during.made), others: ratioOf(t.others.good.Load(), t.others.all.Load()),
		last: time.Duration(t.last.Load()) - s.from,
	}
	after := t.sum(s.to, s.length)
	f.after = ratioOf(after.good, after.made)
	f.peak, f.peakOf5 = t.peak(1), t.peak(5)
	f.half, f.most = t.recovered(0.5), t.recovered(0.9)
	f.collapse = t.collapsed()
	return f
}

// peak returns the highest load over that many seconds, during the fault or after it.
func (t *tally) peak(seconds int) float64 {
	most := int64(0)
	for end := int(t.scenario.from/time.Second) + 1; end < len(t.perSec); end++ {
		sum := int64(0)
		for i := max(0, end-seconds); i < end; i++ {
			sum += t.perSec[i].sends.Load()
		}
		most = max(most, sum)
	}
	return float64(most) / t.load / float64(seconds)
}

type sums struct{ made, good, sent, refused int64 }

func (t *tally) sum(from, to time.Duration) (all sums) {
	for i := from / time.Second; i < to/time.Second && int(i) < len(t.perSec); i++ {
		s := &t.perSec[i]
		all.made += s.made.all.Load()
		all.good += s.made.good.Load()
		all.sent += s.sent.Load()
		all.refused += s.refused.Load()
	}
	return all
}

// recovered returns how long after the fault that share of the usual success is back for
// good.
func (t *tally) recovered(share float64) (after time.Duration) {
	first, end := t.aftermath()
	after = never
	for i := first; i < end; i++ {
		switch {
		case t.success(i) < share:
			after = never
		case after == never:
			after = time.Duration(i-first) * time.Second
		}
	}
	return after
}

// collapsed reports whether, after the fault, nine tenths of the usual success were back
// and it then fell below half.
func (t *tally) collapsed() bool {
	back := false
	for i, end := t.aftermath(); i < end; i++ {
		if success := t.success(i); success >= 0.9 {
			back = true
		} else if back && success < 0.5 {
			return true
		}
	}
	return false
}

// aftermath returns the seconds after the fault.
func (t *tally) aftermath() (first, end int) {
	return int(t.scenario.to / time.Second), int(t.scenario.length/time.Second) - 1
}

// success returns how many calls ended with success in a second, as a share of the load.
func (t *tally) success(second int) float64 { return float64(t.perSec[second].done.Load()) / t.load }

func ratioOf(part, all int64) float64 {
	if all == 0 {
		return 0
	}
	return float64(part) / float64(all)
}
