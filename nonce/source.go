package nonce

import (
	"context"
	"iter"

	"github.com/nexpay-go/resilience/internal/carry"
)

// A Source hands out turns: a [Lane], a [Pool], or your own, for instance over a database
// that several processes share (see [NewTicket]). It must be safe for concurrent use.
//
// A Source may have further methods, which are found by type assertion:
//
//	EnterKey(ctx context.Context, key string) (*Ticket, error)
//
// waits for a turn on that key ([KeySource]).
//
//	EnterUnless(ctx context.Context, locked func(key string) error) (*Ticket, error)
//
// is Enter on a key for which locked returns nil. It calls locked before the wait and
// again when the turn has come. If every key is locked, it returns at once with an error
// that wraps what locked returned, for all keys or for some of many.
//
//	Holds(key string) bool
//
// reports whether the source has turns on that key.
//
//	Owns(ticket *Ticket) bool
//
// reports whether the ticket belongs to a turn that the source handed out or could have
// handed out: a caller that holds such a ticket and enters the source may wait for
// itself.
type Source interface {
	// Enter waits for a turn. If ctx ends first, or has ended already, it returns an
	// error that wraps ctx.Err() and context.Cause(ctx). The error does not show the text
	// of the cause, which may hold data of another request. The caller's place goes to
	// the next.
	Enter(ctx context.Context) (*Ticket, error)
}

// A KeySource is a [Source] that can select a key, for work that has to stay on the key
// it began with.
type KeySource interface {
	Source
	// EnterKey is Enter on that key. For a key that the source does not have, it returns
	// an error that wraps ErrUnknownKey.
	EnterKey(ctx context.Context, key string) (*Ticket, error)
}

func ticketIn(c *carry.Context) *Ticket {
	if c == nil {
		return nil
	}
	t, _ := c.Ticket.(*Ticket)
	return t
}

// NewContext returns a copy of ctx that carries t, for the code that signs the request. A
// nil t hides a ticket that ctx carries already.
func NewContext(ctx context.Context, t *Ticket) context.Context {
	return &carry.Context{Context: ctx, Ticket: t}
}

// FromContext returns the ticket that ctx carries: the one for this attempt. Sign with
// its key and nonce.
func FromContext(ctx context.Context) (*Ticket, bool) {
	t := ticketIn(carry.From(ctx))
	return t, t != nil
}

// Held returns the tickets that ctx carries, from the innermost outwards: first that of
// FromContext, then those of the enclosing requests. It stops at a hidden one.
func Held(ctx context.Context) iter.Seq[*Ticket] {
	return func(yield func(*Ticket) bool) {
		for c := carry.From(ctx); ticketIn(c) != nil; c = c.Outer() {
			if !yield(ticketIn(c)) {
				return
			}
		}
	}
}
