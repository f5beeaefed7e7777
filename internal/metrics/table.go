package metrics

import (
	"context"
	"maps"
	"sync"
	"sync/atomic"

	"github.com/nexpay-go/resilience/internal/text"
)

// Measure records a value in one series.
type Measure func(context.Context, float64)

// reserve is the number of series kept for labels that have no room: one for each word. The
// outcome of a call has 22 words.
const reserve = 25

// A Table holds the series of one instrument, at most max. Series with an error type have a
// third of the room; those without one, or with error.type "other", have the rest, so that no
// server can displace the series of successes. Labels without room lose their error.type
// and, if that has no room either, their operation and endpoint. A series is never removed.
// It is safe for concurrent use.
type Table struct {
	in    *Instrument
	max   int
	names *vocabulary
	bind  func(*Instrument, []string) Measure

	all    atomic.Pointer[map[Labels]Measure] // copied when it changes
	mu     sync.Mutex                         // orders changes, and guards what follows
	errors int
	plain  int
}

// A vocabulary holds the words of all tables of a Recorder.
type vocabulary struct{ operations, endpoints Names }

func newTable(in *Instrument, max int, names *vocabulary, bind func(*Instrument, []string) Measure) *Table {
	t := &Table{in: in, max: max, names: names, bind: bind}
	t.all.Store(&map[Labels]Measure{})
	return t
}

// Get returns the series for l, or the one that replaces it. It does not allocate if the
// series exists.
func (t *Table) Get(l Labels) Measure {
	if m, ok := (*t.all.Load())[l]; ok {
		return m
	}
	return t.add(l)
}

func (t *Table) add(l Labels) Measure {
	l.Operation, l.Endpoint = t.names.operations.Of(l.Operation), t.names.endpoints.Of(l.Endpoint)
	l.Word, l.ErrorType = text.Line(l.Word), text.Line(l.ErrorType)
	t.mu.Lock()
	defer t.mu.Unlock()
	if m, ok := t.known(l); ok {
		return m
	}
	most := t.max - reserve
	if l.ErrorType != "" && l.ErrorType != Other {
		if t.errors < most/3 {
			t.errors++
			return t.make(l)
		}
		l.ErrorType = Other
		if m, ok := t.known(l); ok {
			return m
		}
	}
	if t.plain < most-most/3 {
		t.plain++
		return t.make(l)
	}
	l.Operation, l.Endpoint = Other, Other
	if m, ok := t.known(l); ok {
		return m
	}
	if len(*t.all.Load()) >= t.max-1 {
		l = Labels{Other, Other, Other, Other}
		if m, ok := t.known(l); ok {
			return m
		}
	}
	return t.make(l)
}

// known is called with mu held.
func (t *Table) known(l Labels) (Measure, bool) {
	m, ok := (*t.all.Load())[l]
	return m, ok
}

// make is called with mu held.
func (t *Table) make(l Labels) Measure {
	all := maps.Clone(*t.all.Load())
	m := t.bind(t.in, t.in.Values(l))
	all[l] = m
	t.all.Store(&all)
	return m
}
