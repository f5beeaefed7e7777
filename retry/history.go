package retry

import (
	"sync"

	"github.com/nexpay-go/resilience/classify"
)

// A long call keeps its first and its last attempts.
const keepFirst, keepLast = 4, 4

// A history is the bounded record of a call's attempts. Its zero value is ready. It is part
// of a call and holds the first attempt itself: most failing calls wait at most once, and
// there may be thousands of them waiting.
type history struct {
	first Attempt
	more  *more // nil in a call that failed once, and then of the mores
}

// A more is the state that longer calls need.
type more struct {
	attempts []Attempt              // from the second on
	fixed    map[classify.Code]bool // codes that Fix was called for
}

func (h *history) longer() *more {
	if h.more == nil {
		h.more = mores.Get().(*more)
	}
	return h.more
}

// mores reuses the state of calls that have ended.
var mores = sync.Pool{New: func() any { return new(more) }}

// recycle clears the extra state of a call and returns it to the pool.
func (h *history) recycle() {
	if h.more == nil {
		return
	}
	clear(h.more.attempts)
	h.more.attempts, h.more.fixed = h.more.attempts[:0], nil
	mores.Put(h.more)
	h.more = nil
}

// add appends an entry and returns it. If the history is full, it drops the oldest of the
// last entries.
func (h *history) add(number int) *Attempt {
	if h.first.Number == 0 {
		h.first.Number = number
		return &h.first
	}
	m := h.longer()
	if len(m.attempts) == keepFirst-1+keepLast {
		m.attempts = append(m.attempts[:keepFirst-1], m.attempts[keepFirst:]...)
	}
	m.attempts = append(m.attempts, Attempt{Number: number})
	return h.last()
}

// last returns the latest attempt, nil if there is none.
func (h *history) last() *Attempt {
	switch {
	case h.first.Number == 0:
		return nil
	case h.more == nil || len(h.more.attempts) == 0:
		return &h.first
	}
	return &h.more.attempts[len(h.more.attempts)-1]
}

// len returns how many attempts are kept.
func (h *history) len() int {
	switch {
	case h.first.Number == 0:
		return 0
	case h.more == nil:
		return 1
	}
	return 1 + len(h.more.attempts)
}

// all appends the attempts in order. It also returns the latest trace id among them.
func (h *history) all(attempts []Attempt) (_ []Attempt, trace string) {
	if h.first.Number == 0 {
		return nil, ""
	}
	attempts = append(attempts, h.first)
	if h.more != nil {
		attempts = append(attempts, h.more.attempts...)
	}
	for i := range attempts {
		if t := attempts[i].TraceID; t != "" {
			trace = t
		}
	}
	return attempts, trace
}

// maxFixes is how often a call runs Fix, each time for another code. It ends the loop with
// a server that finds a new mistake in every correction.
const maxFixes = 5

// tryFix reports whether Fix may run for this code: once per code, and at most maxFixes
// times per call.
func (h *history) tryFix(c classify.Code) bool {
	m := h.longer()
	if m.fixed[c] || len(m.fixed) == maxFixes {
		return false
	}
	if m.fixed == nil {
		m.fixed = make(map[classify.Code]bool)
	}
	m.fixed[c] = true
	return true
}
