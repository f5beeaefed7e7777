package breaker_test

import (
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/nexpay-go/resilience/breaker"
)

// A roll is what a test knows of each name that it has asked a Group for.
type roll struct {
	*rapid.T
	g     *breaker.Group
	most  int
	known map[string]*known
	log   []string       // of all uses
	seen  map[string]int // what was forgotten, over all tests
}

type known struct {
	b        *breaker.Breaker
	used     int       // the number of its last use
	until    time.Time // open: the end of it
	isolated bool
	probe    time.Time // one is out: when its time is up
	reset    bool      // behind the back of the Group, since its last use
}

// mayBeHeld reports whether it matters that the breaker is there, or may matter:
// what a probe that hung leaves behind is an open time of at most maxOpen.
func (k *known) mayBeHeld(now time.Time) bool {
	return !k.isolated && (now.Before(k.until) || now.Before(k.probe.Add(maxOpen)))
}

const maxOpen = 20 * time.Second

// hear keeps the roll from what the breakers report.
func (r *roll) hear(c breaker.StateChange) {
	k := r.known[c.Name]
	if k == nil {
		return // forgotten
	}
	k.until, k.isolated, k.probe = time.Time{}, false, time.Time{}
	if c.To == breaker.Open {
		k.until, k.isolated = c.At.Add(c.RetryIn), c.RetryIn == 0
	}
}

// What a Group keeps and forgets, by its documentation alone.
func TestGroupAgainstModel(t *testing.T) {
	seen := map[string]int{}
	synctest.Test(t, func(t *testing.T) {
		for range 10 {
			rapid.Check(bubble{t}, func(t *rapid.T) {
				most := rapid.SampledFrom([]int{1, 2, 3, 4, 5, 8}).Draw(t, "max")
				r := &roll{T: t, most: most, known: map[string]*known{}, seen: seen}
				var err error
				r.g, err = breaker.NewGroup(breaker.Config{
					ConsecutiveFailures: 2, MaxOpenFor: maxOpen, OnStateChange: r.hear,
				}, most)
				if err != nil {
					t.Fatal(err)
				}
				for range rapid.IntRange(1, 200).Draw(t, "steps") {
					r.step()
				}
			})
		}
	})
	for _, what := range []string{"closed", "spent", "open", "probing"} {
		require.NotZero(t, seen[what], "%s: none was ever forgotten, of %v", what, seen)
	}
}

func (r *roll) step() {
	name := string(rune('a' + rapid.IntRange(0, 2*r.most).Draw(r.T, "name")))
	k := r.known[name]
	switch do := rapid.IntRange(0, 99).Draw(r.T, "step"); {
	case do < 10:
		time.Sleep(time.Duration(rapid.SampledFrom([]int{1, 5, 12, 60}).Draw(r.T, "s")) * time.Second)
	case do >= 17 || k == nil:
		r.call(r.get(name), do)
	case do < 13: // by a person, who looks at them all
		k.b.Isolate("")
	default:
		k.b.Reset()
		k.reset = true
	}
}

// call makes a call that fails, is the last for a while, or never reports.
func (r *roll) call(k *known, do int) {
	l, err := k.b.Acquire()
	switch {
	case err != nil:
	case do < 40 && l.Probe():
		if k.probe.IsZero() {
			k.probe = time.Now().Add(10 * time.Second)
		}
	case do < 50:
		l.Done(breaker.Success)
	case do < 75:
		l.Done(breaker.Failure)
	default:
		l.DoneWith(breaker.Trip, breaker.Cause{RetryAfter: time.Duration(do-75) * 5 * time.Second})
	}
}

func (r *roll) get(name string) *known {
	b := r.g.Get(name)
	k := r.known[name]
	if k == nil {
		for other, o := range r.known {
			if o.b == b {
				r.Fatalf("%s is %s", name, other)
			}
		}
		k = &known{b: b}
		r.known[name] = k
	}
	if k.b != b {
		r.Fatalf("%s: another breaker", name)
	}
	k.used, k.reset = len(r.log), false
	r.log = append(r.log, name)
	r.look()
	return k
}

// look checks what has been forgotten.
func (r *roll) look() {
	there, gone := names(r.g), map[string]*known{}
	for name, k := range r.known {
		if !slices.Contains(there, name) {
			gone[name] = k
			delete(r.known, name)
		}
	}
	if len(there) != len(r.known) {
		r.Fatalf("%v, of which %v were asked for", there, slices.Sorted(maps.Keys(r.known)))
	}
	places := len(there)
	for _, k := range r.known {
		if k.isolated || k.reset { // which is noticed one by one
			places--
		}
	}
	if places > r.most {
		r.Fatalf("%v: more than %d", there, r.most)
	}
	for name, k := range gone {
		r.seen[r.forgotten(name, k)]++
	}
}

// forgotten checks that a breaker may have been forgotten, and says what it was.
func (r *roll) forgotten(name string, k *known) (what string) {
	now, held, others := time.Now(), 0, map[string]bool{}
	for other, o := range r.known {
		if o.mayBeHeld(now) || o.isolated || o.reset { // since it was found open, which is not noticed at once
			held++
		}
		free := !o.mayBeHeld(now) && !o.isolated && !o.reset
		if free && o.used < k.used && k.until.IsZero() && k.probe.IsZero() && !k.reset {
			r.Fatalf("%s is gone, %s was used before it", name, other)
		}
	}
	for _, other := range r.log[k.used+1:] {
		others[other] = true
	}
	if k.isolated || len(others) < (r.most+1)/2 && !k.reset {
		r.Fatalf("%s is gone, isolated: %v, after %d others", name, k.isolated, len(others))
	}
	switch {
	case now.Before(k.probe):
		what = "probing"
	case now.Before(k.until):
		what = "open"
	case !k.until.IsZero():
		return "spent"
	default:
		return "closed"
	}
	if held+1 <= r.most/2 {
		r.Fatalf("%s is %s, as are %d others: no more than half of %d", name, what, held, r.most)
	}
	return what
}
