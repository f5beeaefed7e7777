package retry

import (
	"context"
	"sync/atomic"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/internal/carry"
	"github.com/nexpay-go/resilience/nonce"
)

// A mark is the context of an attempt, for [AttemptFrom] and for the calls made
// inside. A first attempt that has neither turn nor attempt timeout, probes no
// breaker, is no payment and is not inside another one does without: it would cost
// an allocation.
type mark struct {
	context.Context
	turn    carry.Context // the same, with its ticket if there is one
	r       *Retrier
	attempt Attempt
	probe   *breaker.Breaker // that this attempt probes, nil if none
	kind    markKind
	outer   *mark // the one around it, nil if none

	highest *atomic.Uint64 // nonce of the calls inside, nil where nobody asks

	// untraced is what the context was before connections are counted in it, for
	// those that do not count.
	untraced context.Context

	over   atomic.Bool // the attempt is, whoever still holds its context
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

// Value adds the mark, and its ticket if it has one.
func (m *mark) Value(key any) any {
	if v, own := m.own(key); own {
		return v
	}
	return m.Context.Value(key)
}

// own is what the mark itself has to say, and whether it has.
func (m *mark) own(key any) (value any, own bool) {
	switch {
	case key == markKey{}:
		return m, true
	case m.kind != markCall && key == carry.PaymentKey{}: // a call inside is part of it
		return m.kind == markSend, true
	case m.kind != markCall && key == carry.PartKey{}:
		return m.kind != markApart && !m.over.Load(), true
	case m.kind == markApart && m.untraced != nil && (carry.IsTrace(key) || key == carry.CounterKey{} || key == carry.SentKey{}):
		return m.untraced.Value(key), true
	case m.turn.Ticket == nil:
		return nil, false
	}
	return m.turn.Own(key)
}

// within returns the innermost attempt that is under way around ctx, or the place
// where Apart was called; nil if there is none, nearly always.
func within(ctx context.Context) *mark {
	m, _ := ctx.Value(markKey{}).(*mark)
	return m.living()
}

// living is m, or the first one around it that is not over.
func (m *mark) living() *mark {
	for m != nil && m.over.Load() {
		m = m.outer
	}
	return m
}

// around is the next one further out.
func (m *mark) around() *mark { return m.outer.living() }

// ticket is that of the attempt, nil if it has none.
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

// AttemptFrom tells an operation which attempt it is in: Number is that of the
// attempt under way, the rest tells how the previous one ended. It is false outside of an
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
