package oracle_test

import (
	"errors"
	"flag"
	"runtime"
	"testing"
	"time"

	"github.com/nexpay-go/resilience/retry"
)

var hostile = flag.Int("hostile", ordinaryHostile, "how many hostile schedules to run")

// What has to become of the payments of a hostile day, in percent.
const (
	mostUnknown = 12
	leastDone   = 60
)

// newHostile is one payment on a hostile day: one send in fifteen meets each fault
// of the network, one lookup in nine each of what gateway draws. The caller has what
// most have: the defaults, a journal, and a Verify that is right.
func newHostile(seed uint64) *plan {
	d := newDice(seed, 2)
	p := &plan{
		seed:     seed,
		strict:   d.chance(70),
		dedup:    d.chance(25),
		source:   pick(d, oneLane, oneLane, twoLanes, ownNonces),
		inFlight: 1,
		timeout:  timeouts[2],
		settle:   40 * time.Second,
		shows:    40 * time.Second,
		giveUp:   10 * time.Minute,
		noReplay: d.chance(40),
		speaks:   d.chance(75),
		journal:  true,
		gateway:  true,
		moods:    []int{1},
		askFates: []int{1},
		rounds:   []round{{calls: []callPlan{{}}}},
	}
	p.spends = !p.noReplay || d.chance(50)
	p.storeFaults = []int{1}
	p.sendFates = make([]int, fates)
	left := 15
	for fate := range p.sendFates {
		if fate != clean && fate != panics {
			p.sendFates[fate] = 1
			left--
		}
	}
	p.sendFates[clean] = left
	return p
}

// TestHostile counts what becomes of payments on a hostile day.
func TestHostile(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var unknown, done, bad int
	for s := range uint64(*hostile) {
		w := runPlan(t, newHostile(s), false)
		switch err := w.calls[0].err; {
		case err == nil, errors.Is(err, retry.ErrApplied):
			done++
		case errors.Is(err, retry.ErrOutcomeUnknown):
			unknown++
		}
		if len(w.found) > 0 {
			if bad++; bad <= enough {
				t.Errorf("hostile seed %d: %v", s, w.found)
			}
		}
	}
	share := func(n int) float64 { return 100 * float64(n) / float64(*hostile) }
	t.Logf("%d hostile schedules: %.1f %% paid, %.1f %% unknown, %.1f %% not applied", *hostile, share(done), share(unknown), share(*hostile-done-unknown))
	if share(unknown) > mostUnknown {
		t.Errorf("%.1f %% are unknown, and %d %% are the most that may be", share(unknown), mostUnknown)
	}
	if share(done) < leastDone {
		t.Errorf("%.1f %% are paid, and %d %% are the least", share(done), leastDone)
	}
}
