package retry

import (
	"sync"

	"github.com/nexpay-go/resilience/classify"
)

// Of a long call the first and the last attempts are kept: how it began, and
// what it came to.
const keepFirst, keepLast = 4, 4

// history is the bounded record of a call. Its zero value is ready. It lies in
// the state of a call and holds the first attempt itself: most calls that fail wait no
// more than once, and what they hold then, they hold by the thousand.
type history struct {
	first Attempt
	more  *more // nil in a call that failed once, and then of the mores
}

// more is what the state of a longer call holds besides.
type more struct {
	attempts []Attempt              // from the second on
	fixed    map[classify.Code]bool // that Fix had its try at
}

func (h *history) longer() *more {
	if h.more == nil {
		h.more = mores.Get().(*more)
	}
	return h.more
}

// mores keeps the room of calls that are over for the next ones.
var mores = sync.Pool{New: func() any { return new(more) }}

// recycle gives the room of a call back, with nothing left in it.
func (h *history) recycle() {
	if h.more == nil {
		return
	}
	clear(h.more.attempts)
	h.more.attempts, h.more.fixed = h.more.attempts[:0], nil
	mores.Put(h.more)
	h.more = nil
}

// add returns a fresh entry at the end; when full, the oldest of the last ones
// makes room.
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

// last returns the latest attempt, nil if there was none.
func (h *history) last() *Attempt {
	switch {
	case h.first.Number == 0:
		return nil
	case h.more == nil || len(h.more.attempts) == 0:
		return &h.first
	}
	return &h.more.attempts[len(h.more.attempts)-1]
}

// len is how many attempts are kept.
func (h *history) len() int {
	switch {
	case h.first.Number == 0:
		return 0
	case h.more == nil:
		return 1
	}
	return 1 + len(h.more.attempts)
}

// all appends the attempts in order, and returns the latest trace id among them.
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

// maxFixes is how often a call asks for a fix, each time for another code. A
// server that finds a new mistake in every correction is not to be satisfied.
const maxFixes = 5

// tryFix reports whether the code may still have a try at a Fix, which is its
// only one.
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
