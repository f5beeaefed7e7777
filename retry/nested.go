package retry

import (
	"context"
	"errors"

	"github.com/nexpay-go/resilience/nonce"
)

// nested runs op for a call made from inside an attempt whose turn on the key,
// or whose probe of the breaker, this call would otherwise wait for: once, as a
// part of that attempt, which judges the error. It reports false where this is
// a call of its own, and then whether it is one inside another.
func (r *Retrier) nested(ctx context.Context, op func(context.Context) error, opts []Option) (part, inner bool, err error) {
	u, _ := ctx.Value(underwayKey{}).(*underway)
	probing := u.probing(r.breaker)
	if turn, ok := r.turnIn(ctx); ok {
		part, err = r.inTurn(ctx, turn, probing, op, opts)
		if part {
			return true, false, err
		}
	}
	if probing && ctx.Err() == nil {
		return true, false, r.inProbe(ctx, op, opts)
	}
	return false, u != nil, nil
}

// turnIn finds the turn in ctx that a call of r's would wait for, be it that of
// a call further out. A retrier that names neither a source nor a key goes along
// with whatever turn it finds.
func (r *Retrier) turnIn(ctx context.Context) (*nonce.Ticket, bool) {
	if _, ok := nonce.FromContext(ctx); !ok { // nearly always
		return nil, false
	}
	for turn := range nonce.Held(ctx) {
		if r.serves(turn.Key()) {
			return turn, true
		}
	}
	return nil, false
}

// serves reports whether r would want a turn on key. A source that cannot tell
// is taken to: better one send too few than a call that waits for itself.
func (r *Retrier) serves(key string) bool {
	if r.nonces == nil {
		return r.key == "" || r.key == key
	}
	s, tells := r.nonces.(interface{ Holds(key string) bool })
	return !tells || s.Holds(key)
}

// inTurn sends once on a turn that an outer attempt holds, with a newer nonce.
// It reports false if that attempt is over and somebody kept its context.
func (r *Retrier) inTurn(ctx context.Context, turn *nonce.Ticket, probing bool, op func(context.Context) error, opts []Option) (part bool, err error) {
	c := call{r: r, start: clock(), name: name(opts), ticket: turn}
	if !c.mayJoin(ctx, probing) {
		return true, c.end(ctx)
	}
	ticket, err := turn.Resync(ctx)
	switch {
	case err == nil:
		return true, op(nonce.NewContext(ctx, ticket))
	case errors.Is(err, nonce.ErrLeft):
		return false, nil
	}
	c.stop(ErrResync, err)
	return true, c.end(ctx)
}

// mayJoin looks for what stands against any send, even as a part of an attempt.
func (c *call) mayJoin(ctx context.Context, probing bool) bool {
	if ctx.Err() != nil {
		return c.stopForContext(ctx, nil)
	}
	if err := c.r.lockout.Check(c.key()); err != nil {
		return c.stop(ErrLockedOut, err)
	}
	if c.r.breaker != nil && !probing {
		if err := c.r.breaker.Check(); err != nil {
			return c.stop(ErrOpen, err)
		}
	}
	return true
}

// inProbe sends once under the lease of an outer attempt, with a ticket of its
// own where r has a source of them.
func (r *Retrier) inProbe(ctx context.Context, op func(context.Context) error, opts []Option) error {
	c := call{r: r, start: clock(), name: name(opts)}
	if err := r.lockout.Check(r.key); err != nil && r.nonces == nil {
		c.stop(ErrLockedOut, err)
		return c.end(ctx)
	}
	if !c.draw(ctx) {
		return c.end(ctx)
	}
	defer c.leave()
	if c.ticket != nil {
		ctx = nonce.NewContext(ctx, c.ticket)
	}
	return op(ctx)
}
