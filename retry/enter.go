package retry

import (
	"context"
	"errors"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/nonce"
)

// enter checks whether an attempt may begin, and takes the ticket for it. The breaker's
// lease comes next.
func (c *call) enter(ctx context.Context) *Error {
	if why := c.admit(ctx); why != nil {
		return why
	}
	if c.r.nonces == nil {
		return nil
	}
	ticket, err := c.draw(ctx)
	if err != nil {
		return c.withoutTicket(ctx, err)
	}
	c.ticket = ticket
	// The key may have been locked while this caller waited for its turn.
	if err := c.r.lockout.Check(c.key()); err != nil {
		c.leave()
		return c.stopped(ErrLockedOut, err)
	}
	return nil
}

// admit makes the checks that need no turn. A lockout precedes an open breaker, because
// waiting does not help against it.
func (c *call) admit(ctx context.Context) *Error {
	if ctx.Err() != nil {
		return c.stoppedBy(ctx, nil)
	}
	if key, ok := c.onlyKey(); ok {
		if err := c.r.lockout.Check(key); err != nil {
			return c.stopped(ErrLockedOut, err)
		}
	}
	if c.r.nonces != nil && c.breaker != nil { // nobody need queue to be refused
		if err := c.breaker.Check(); err != nil {
			return c.stopped(ErrOpen, err)
		}
	}
	return nil
}

// draw takes a ticket, on the call's key if it is pinned to one. If the source does not
// have that key (any more), lookups may still use another one: an Applied is believed from
// any key.
func (c *call) draw(ctx context.Context) (*nonce.Ticket, error) {
	if source, ok := c.r.nonces.(nonce.KeySource); ok && c.terms.pinned {
		ticket, err := source.EnterKey(ctx, c.terms.key)
		if !c.terms.loose || !errors.Is(err, nonce.ErrUnknownKey) {
			return someTicket(ticket, err)
		}
	}
	type chooser interface {
		EnterUnless(ctx context.Context, locked func(key string) error) (*nonce.Ticket, error)
	}
	if source, ok := c.r.nonces.(chooser); ok { // a key that is not locked out
		return someTicket(source.EnterUnless(ctx, c.r.locked))
	}
	return someTicket(c.r.nonces.Enter(ctx))
}

func someTicket(ticket *nonce.Ticket, err error) (*nonce.Ticket, error) {
	if err == nil && ticket == nil {
		return nil, errNoTicket
	}
	return ticket, err
}

var errNoTicket = &reason{text: "the nonce source returned neither a ticket nor an error"}

// withoutTicket returns why the call ends without a ticket.
func (c *call) withoutTicket(ctx context.Context, err error) *Error {
	switch {
	case ctx.Err() != nil: // whose cause may be another call's failure
		return c.stoppedBy(ctx, err)
	case hopeless(err):
		return c.stopped(ErrDeadline, err)
	case errors.Is(err, breaker.ErrLockedOut):
		return c.stopped(ErrLockedOut, err)
	}
	return c.stopped(ErrNonce, err)
}

// hopeless reports whether a lane found that the turn would come after the deadline. Any
// other DeadlineExceeded is internal to the source.
func hopeless(err error) bool {
	_, ok := errors.AsType[*nonce.WaitError](err)
	return ok
}
