package retry

import (
	"context"
	"errors"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/nonce"
)

// enter looks whether an attempt may begin at all, and draws the ticket for it.
// The breaker is asked next.
func (c *call) enter(ctx context.Context) bool {
	if c.admitted(ctx) && c.draw(ctx) {
		return true
	}
	c.unsent()
	return false
}

// admitted looks for what needs no turn to be found out. A lockout goes before
// an open breaker: it is no use to come back later.
func (c *call) admitted(ctx context.Context) bool {
	if ctx.Err() != nil {
		return c.stopForContext(ctx, nil)
	}
	r := c.r
	if key, ok := c.onlyKey(); ok {
		if err := r.lockout.Check(key); err != nil {
			return c.stop(ErrLockedOut, err)
		}
	}
	if r.nonces != nil && c.breaker != nil { // nobody need queue to be refused
		if err := c.breaker.Check(); err != nil {
			return c.stop(ErrOpen, err)
		}
	}
	return true
}

// draw waits for a turn on a key, where there is a source of them.
func (c *call) draw(ctx context.Context) bool {
	if c.r.nonces == nil {
		return true
	}
	ticket, err := c.drawTicket(ctx)
	if err != nil {
		return c.stopWithoutTicket(ctx, err)
	}
	c.ticket = ticket
	// The key may have been locked while this caller waited for its turn.
	if err := c.r.lockout.Check(c.key()); err != nil {
		c.leave()
		return c.stop(ErrLockedOut, err)
	}
	return true
}

// drawTicket takes one on the key of an operation that has to stay on its key,
// and any other way. A key that the source does not know (any more) still leaves
// looking, of which Applied is believed from any key.
func (c *call) drawTicket(ctx context.Context) (*nonce.Ticket, error) {
	source, ok := c.r.nonces.(nonce.KeySource)
	if !ok || c.once == nil || !c.once.pinned {
		return c.r.draw(ctx)
	}
	ticket, err := source.EnterKey(ctx, c.once.key)
	switch {
	case c.looking && errors.Is(err, nonce.ErrUnknownKey):
		return c.r.draw(ctx)
	case err == nil && ticket == nil:
		return nil, errNoTicket
	}
	return ticket, err
}

// draw takes a ticket, on a key that is not locked out where the source can
// choose.
func (r *Retrier) draw(ctx context.Context) (*nonce.Ticket, error) {
	type chooser interface {
		EnterUnless(ctx context.Context, locked func(key string) error) (*nonce.Ticket, error)
	}
	var ticket *nonce.Ticket
	var err error
	if s, ok := r.nonces.(chooser); ok {
		ticket, err = s.EnterUnless(ctx, r.locked)
	} else {
		ticket, err = r.nonces.Enter(ctx)
	}
	if err == nil && ticket == nil {
		return nil, errNoTicket
	}
	return ticket, err
}

var errNoTicket = &reason{text: "the nonce source returned neither a ticket nor an error"}

// stopWithoutTicket tells apart why there was none.
func (c *call) stopWithoutTicket(ctx context.Context, err error) bool {
	switch {
	case ctx.Err() != nil: // whose cause may be another call's failure
		return c.stopForContext(ctx, err)
	case hopeless(err):
		return c.stop(ErrDeadline, err)
	case errors.Is(err, breaker.ErrLockedOut):
		return c.stop(ErrLockedOut, err)
	}
	return c.stop(ErrNonce, err)
}

// hopeless reports whether a lane found that the deadline would come before the
// turn. Any other DeadlineExceeded is one of the source's own affairs.
func hopeless(err error) bool {
	_, ok := errors.AsType[*nonce.WaitError](err)
	return ok
}
