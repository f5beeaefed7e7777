package retry

import (
	"context"
	"sync/atomic"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/internal/carry"
	"github.com/nexpay-go/resilience/nonce"
)

// A mark is the context of an attempt, for [AttemptFrom] and for nested calls. A first
// attempt has none if it has neither turn nor attempt timeout, probes no breaker, is no
// payment and is not nested: a mark costs an allocation.
type mark struct {
	context.Context
	turn    carry.Context // the same context, with its ticket if there is one
	r       *Retrier
	attempt Attempt
	probe   *breaker.Breaker // breaker that this attempt probes, nil if none
	kind    markKind
	outer   *mark // mark of the surrounding attempt, nil if none

	highest *atomic.Uint64 // nonce of the nested calls, nil if nobody needs it

	// untraced is the context before connections are counted in it, for calls that do not
	// count.
	untraced context.Context

	over   atomic.Bool // the attempt has ended, whoever still holds its context
	joined atomic.Bool // a call of the same Retrier was made inside
	cut    atomic.Bool // Apart was called inside
}

type markKind uint8

const (
	markCall   markKind = iota // an attempt of a call that may be repeated
	markSend                   // of a payment
	markLookup                 // of a lookup
	markApart                  // no attempt: Apart was called here
)

type markKey struct{}

// Value adds the mark and, if there is one, its ticket.
func (m *mark) Value(key any) any {
	if v, own := m.own(key); own {
		return v
	}
	return m.Context.Value(key)
}

// own returns the value that the mark itself has for key, and whether it has one.
func (m *mark) own(key any) (value any, own bool) {
	switch {
	case key == markKey{}:
		return m, true
	case m.kind != markCall && key == carry.PaymentKey{}: // a call inside is part of it
		return m.kind == markSend, true
	case m.kind != markCall && key == carry.NestedKey{}:
		return m.kind != markApart && !m.over.Load(), true
	case m.kind == markApart && m.untraced != nil && (carry.IsTraceKey(key) || key == carry.CounterKey{} || key == carry.SentKey{}):
		return m.untraced.Value(key), true
	case m.turn.Ticket == nil:
		return nil, false
	}
	return m.turn.Own(key)
}

// within returns the innermost running attempt around ctx, or the place where Apart was
// called. It is nil if there is none, the usual case.
func within(ctx context.Context) *mark {
	m, _ := ctx.Value(markKey{}).(*mark)
	return m.living()
}

// living returns m, or the first mark around it that is not over.
func (m *mark) living() *mark {
	for m != nil && m.over.Load() {
		m = m.outer
	}
	return m
}

// around returns the next outer mark.
func (m *mark) around() *mark { return m.outer.living() }

// ticket returns the attempt's ticket, nil if it has none.
func (m *mark) ticket() *nonce.Ticket {
	t, _ := m.turn.Ticket.(*nonce.Ticket)
	return t
}

// probes reports whether m, or an attempt around it, is a probe of b.
func (m *mark) probes(b *breaker.Breaker) bool {
	for ; m != nil && b != nil; m = m.around() {
		if m.probe == b {
			return true
		}
	}
	return false
}

// AttemptFrom returns which attempt an operation runs in. Number is that of the running
// attempt; the other fields describe the previous attempt. It returns false outside of an
// operation, and in a first attempt.
func AttemptFrom(ctx context.Context) (Attempt, bool) {
	if ctx == nil {
		return Attempt{}, false
	}
	m, ok := ctx.Value(markKey{}).(*mark)
	if !ok || m.attempt.Number < 2 {
		return Attempt{}, false
	}
	return m.attempt, true
}
