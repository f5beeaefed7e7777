package nonce

import (
	"context"
	"iter"

	"github.com/nexpay-go/resilience/internal/carry"
)

// A Source hands out turns: a [Lane], a [Pool], or one of your own, for instance over a database that several
// processes share (see [NewTicket]). It is safe for concurrent use.
//
// A source may offer more, and is asked for it by type assertion:
//
//	EnterKey(ctx context.Context, key string) (*Ticket, error)
//
// gives a turn on that very key ([KeySource]).
//
//	EnterUnless(ctx context.Context, locked func(key string) error) (*Ticket, error)
//
// is Enter on a key for which locked returns nil. It asks before it waits, and once more when the turn has come. If
// every key is locked, it returns at once with an error that wraps what locked said of them, or of some of many.
//
//	Holds(key string) bool
//
// tells whether the source gives turns on that key.
//
//	Owns(ticket *Ticket) bool
//
// tells whether the ticket is of a turn that the source gave, or could have given: whoever holds it and enters the source
// may wait for itself.
type Source interface {
	// Enter waits for a turn. If ctx ends first, or is over already, it returns an error that wraps ctx.Err() and
	// context.Cause(ctx), without the latter's text, which may hold data of some other request. The caller's place goes
	// to the next.
	Enter(ctx context.Context) (*Ticket, error)
}

// A KeySource is a [Source] that can be asked for one key, for work that has to stay on the key it began with.
type KeySource interface {
	Source
	// EnterKey is Enter on that key. For a key the source does not know it returns an error that wraps ErrUnknownKey.
	EnterKey(ctx context.Context, key string) (*Ticket, error)
}

func ticketIn(c *carry.Context) *Ticket {
	if c == nil {
		return nil
	}
	t, _ := c.Ticket.(*Ticket)
	return t
}

// NewContext returns a copy of ctx that carries t, for whoever signs the request. A nil t hides the ticket that ctx
// carries already.
func NewContext(ctx context.Context, t *Ticket) context.Context {
	return &carry.Context{Context: ctx, Ticket: t}
}

// FromContext returns the ticket that ctx carries: what was drawn for this very attempt. Sign with its key and nonce.
func FromContext(ctx context.Context) (*Ticket, bool) {
	t := ticketIn(carry.From(ctx))
	return t, t != nil
}

// Held returns the tickets that ctx carries, from the innermost outwards: first that of FromContext, then those of the
// requests during which this one is made. One that was hidden ends them.
func Held(ctx context.Context) iter.Seq[*Ticket] {
	return func(yield func(*Ticket) bool) {
		for c := carry.From(ctx); ticketIn(c) != nil; c = c.Outer() {
			if !yield(ticketIn(c)) {
				return
			}
		}
	}
}
