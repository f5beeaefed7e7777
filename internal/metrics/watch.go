package metrics

import (
	"cmp"
	"maps"
	"math"
	"reflect"
	"slices"
	"sync"
	"weak"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/internal/hook"
	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/retry"
)

// A Sample is the value of one series when metrics are collected.
type Sample struct {
	In    *Instrument
	Value float64
	Labels
}

// A Watcher reads the state of Retriers and their parts. It is safe for concurrent use.
type Watcher struct {
	mu       sync.Mutex // guards retriers
	retriers map[*retry.Retrier]int

	reading sync.Mutex // one Read at a time, and guards what follows
	names   watchedNames
	totals  map[series]float64
	last    map[source]float64 // the count of each source of a total when it was last read
}

// watchedNames has the words of the labels. Each endpoint has three series for its state.
type watchedNames struct{ endpoints, keys, causes Names }

// A series identifies one series of an instrument.
type series struct {
	in *Instrument
	Labels
}

// A source contributes to a total: a breaker, a lane of a source of nonces, or a Retrier.
type source struct {
	of  any // see identity
	key string
	in  *Instrument
}

// A pointer identifies a part. The counts of the part are kept for as long as the program
// has it, even while no Retrier with it is watched.
type pointer = weak.Pointer[byte]

// identity returns a pointer to a part, or the part itself if it is not behind a pointer.
func identity(part any) any {
	if v := reflect.ValueOf(part); v.Kind() == reflect.Pointer {
		return weak.Make((*byte)(v.UnsafePointer()))
	}
	return part
}

// NewWatcher returns a Watcher with at most that many series for each instrument; zero
// means DefaultSeries.
func NewWatcher(most int) *Watcher {
	most = Series(most)
	return &Watcher{
		retriers: make(map[*retry.Retrier]int),
		names:    watchedNames{Names{Most: most/3 - 1}, Names{Most: most / 2}, Names{Most: most / 10}},
		totals:   make(map[series]float64),
		last:     make(map[source]float64),
	}
}

// Watch adds a Retrier. It is read until stop was called for each Watch of it.
func (w *Watcher) Watch(r *retry.Retrier) (stop func()) {
	if r == nil {
		return func() {}
	}
	w.mu.Lock()
	w.retriers[r]++
	w.mu.Unlock()
	return sync.OnceFunc(func() {
		w.reading.Lock()
		defer w.reading.Unlock()
		if w.dropped(r) {
			w.read(r) // its counts since the last Read
		}
	})
}

// dropped reports whether this was the last stop of a Retrier.
func (w *Watcher) dropped(r *retry.Retrier) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.retriers[r]--
	if w.retriers[r] > 0 {
		return false
	}
	delete(w.retriers, r)
	return true
}

// Read returns all series as they are now, in no order. Breakers, budgets, lockouts and
// lanes that several Retriers share are read once.
func (w *Watcher) Read() []Sample {
	w.reading.Lock()
	defer w.reading.Unlock()
	w.mu.Lock()
	retriers := slices.Collect(maps.Keys(w.retriers))
	w.mu.Unlock()
	r := w.read(retriers...)
	maps.DeleteFunc(w.last, func(from source, _ float64) bool { return !r.counted[from] && r.gone(from) })
	return r.samples()
}

// read reads some Retriers. The caller holds w.reading.
func (w *Watcher) read(retriers ...*retry.Retrier) *reading {
	r := &reading{
		Watcher: w, gauges: make(map[series]float64), seen: make(map[any]bool),
		counted: make(map[source]bool), asked: make(map[any]bool),
	}
	r.count(UnknownCodes, Labels{}, source{}, 0) // makes the series at the start
	for _, retrier := range retriers {
		r.retrier(retrier)
	}
	return r
}

// A reading is one Read in progress.
type reading struct {
	*Watcher
	gauges  map[series]float64
	seen    map[any]bool    // parts that have been read
	counted map[source]bool // sources of totals that have been read
	asked   map[any]bool    // nonce sources whose stats were read; true: successfully
}

// gone reports whether a source of a total that was not read no longer exists: the program
// has dropped it, or another process has the key.
func (r *reading) gone(from source) bool {
	told, asked := r.asked[from.of]
	if lane := from.in == LaneRefusals || from.in == LaneForeign; lane && asked {
		return told
	}
	p, ok := from.of.(pointer)
	return !ok || p.Value() == nil
}

func (r *reading) samples() []Sample {
	all := make([]Sample, 0, len(r.gauges)+len(r.totals))
	for _, values := range []map[series]float64{r.gauges, r.totals} {
		for s, v := range values {
			all = append(all, Sample{s.in, v, s.Labels})
		}
	}
	return all
}

// first reports whether a part is read for the first time. A part that cannot be compared
// counts as a new one each time.
func (r *reading) first(part any) bool {
	if !reflect.ValueOf(part).Comparable() {
		return true
	}
	seen := r.seen[part]
	r.seen[part] = true
	return !seen
}

// add adds to a gauge.
func (r *reading) add(in *Instrument, l Labels, v float64) { r.gauges[series{in, l}] += v }

// most raises a gauge.
func (r *reading) most(in *Instrument, l Labels, v float64) {
	s := series{in, l}
	r.gauges[s] = max(r.gauges[s], v)
}

// count adds to a total what its source has counted since the last Read. A source with a
// lower count than before has started again.
func (r *reading) count(in *Instrument, l Labels, from source, now float64) {
	from.in = in
	if was := r.last[from]; was <= now {
		r.totals[series{in, l}] += now - was
	} else {
		r.totals[series{in, l}] += now
	}
	if from.of != nil {
		r.last[from], r.counted[from] = now, true
	}
}

func (r *reading) retrier(of *retry.Retrier) {
	if of.Lockout() == nil { // the zero Retrier, which makes no calls
		return
	}
	stats := of.Stats()
	r.count(UnknownCodes, Labels{}, source{of: identity(of)}, float64(stats.UnknownCodes))
	r.most(JournalFailing, Labels{}, isTrue(stats.JournalError != ""))
	if stats.Capacity > 0 {
		least, ok := r.gauges[series{in: BudgetTokens}]
		if !ok {
			least = math.Inf(1)
		}
		r.gauges[series{in: BudgetTokens}] = min(least, float64(stats.Tokens))
	}
	if b := of.Breaker(); b != nil {
		r.breaker("", b)
	}
	if g := of.Breakers(); g != nil && r.first(g) {
		for name, b := range g.All() {
			r.breaker(name, b)
		}
	}
	keys := r.lanes(of)
	if of.Nonces() == nil {
		keys = []string{of.Key()}
	}
	r.lockout(of.Lockout(), keys)
}

func (r *reading) breaker(name string, b *breaker.Breaker) {
	if !r.first(b) {
		return
	}
	stats := b.Stats()
	at := Labels{Endpoint: r.names.endpoints.Of(cmp.Or(name, stats.Name))}
	r.count(BreakerRefused, at, source{of: identity(b)}, float64(stats.RefusedInAll))
	r.count(BreakerTransitions, at, source{of: identity(b)}, float64(stats.Transitions))
	for _, state := range []breaker.State{breaker.Closed, breaker.Open, breaker.HalfOpen} {
		l := at
		l.Word = state.String()
		r.add(BreakerState, l, isTrue(stats.State == state))
	}
}

func isTrue(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// lanes reads the lanes of the Retrier's nonce source, and returns their keys.
func (r *reading) lanes(of *retry.Retrier) (keys []string) {
	from := any(of.Nonces())
	if from == nil {
		return nil
	}
	read := r.first(from)
	if !reflect.ValueOf(from).Comparable() {
		from = of
	}
	from = identity(from)
	lanes, ok := lanesOf(of.Nonces())
	r.asked[from] = ok
	for _, lane := range lanes {
		keys = append(keys, lane.Key)
		if read {
			r.lane(&lane, source{of: from, key: lane.Key})
		}
	}
	return keys
}

// lanesOf returns the stats of a source's lanes, if it has the methods of a Lane, a Pool or
// the Leases of package keylease. It is not ok if the source panics: in the goroutine that
// collects, a panic would end the program.
func lanesOf(from nonce.Source) (lanes []nonce.Stats, ok bool) {
	hook.Call("metrics: Nonces", func() {
		switch s := from.(type) {
		case interface{ Stats() nonce.Stats }:
			lanes = []nonce.Stats{s.Stats()}
		case interface{ Stats() []nonce.Stats }:
			lanes = s.Stats()
		case interface{ Lanes() []nonce.Stats }:
			lanes = s.Lanes()
		}
		ok = true
	})
	return lanes, ok
}

func (r *reading) lane(s *nonce.Stats, from source) {
	l := Labels{Endpoint: r.names.keys.Of(s.Key)}
	r.add(LaneWaiting, l, float64(s.Waiting))
	r.add(LaneInFlight, l, float64(s.InFlight))
	r.add(LaneLimit, l, float64(s.Limit))
	r.most(NonceAhead, l, s.Ahead.Seconds())
	r.count(LaneRefusals, l, from, float64(s.Refusals))
	r.count(LaneForeign, l, from, float64(s.Foreign))
}

// lockout reads which keys are locked, including those without a lane.
func (r *reading) lockout(of *breaker.Lockout, known []string) {
	locked := make(map[string]bool)
	first := r.first(of)
	for _, e := range of.Locked() {
		locked[e.Key] = true
		if first {
			r.most(LockoutLocked, Labels{Endpoint: r.names.keys.Of(e.Key), ErrorType: r.names.causes.Of(e.Reason)}, 1)
		}
	}
	for _, key := range known {
		if !locked[key] {
			r.most(LockoutLocked, Labels{Endpoint: r.names.keys.Of(key)}, 0)
		}
	}
}
