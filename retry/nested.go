package retry

import (
	"context"
	"errors"
	"reflect"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/internal/carry"
	"github.com/nexpay-go/resilience/nonce"
)

// nested runs op for a call made from inside an attempt whose turn on the key,
// or whose probe of the breaker, this call would otherwise wait for, or which is
// one of an operation that must happen once: once, as a part of that attempt. It reports false where this is a call of its own, and
// then whether it is one inside another.
func (r *Retrier) nested(ctx context.Context, op func(context.Context) error, opts []Option) (part, inner bool, err error) {
	if !within(ctx) { // nearly always
		return false, false, nil
	}
	u, _ := ctx.Value(underwayKey{}).(*underway)
	b := r.breakerFor(opts)
	probing := u.probing(b)
	if turn, ok := r.turnIn(ctx); ok {
		part, err = r.inTurn(ctx, turn, b, probing, op, opts)
		if part {
			return true, false, err
		}
	}
	if (probing || u.ofOnce(r)) && ctx.Err() == nil {
		return true, false, r.inAttempt(ctx, b, probing, op, opts)
	}
	return false, true, nil
}

// within reports whether ctx is that of an attempt, as far as that matters: a
// first one with neither a turn nor a probe leaves no trace.
func within(ctx context.Context) bool {
	return carry.From(ctx) != nil || ctx.Value(underwayKey{}) != nil
}

// turnIn finds the turn in ctx that a call of r's would wait for, be it that of
// a call further out.
func (r *Retrier) turnIn(ctx context.Context) (*carry.Context, bool) {
	for turn := carry.From(ctx); turn != nil; turn = turn.Outer() {
		ticket, _ := turn.Ticket.(*nonce.Ticket)
		if ticket == nil { // hidden
			break
		}
		if r.serves(ticket.Key(), turn) {
			return turn, true
		}
	}
	return nil, false
}

// serves reports whether r would want a turn on key. A source that cannot tell
// is taken to: better one send too few than a call that waits for itself. A
// retrier that names neither a source nor a key goes along with the turn of one
// that it has something in common with; another may be about another API, whose
// answers say nothing about this key.
func (r *Retrier) serves(key string, turn *carry.Context) bool {
	if r.nonces == nil {
		holder := owner(turn).r
		return r.key == key || r.key == "" && (holder == nil || r.akin(holder))
	}
	s, tells := r.nonces.(interface{ Holds(key string) bool })
	return !tells || s.Holds(key)
}

// akin reports whether both are about the same API, as far as can be told.
func (r *Retrier) akin(o *Retrier) bool {
	return r.lockout == o.lockout || sameClassifier(r.tables.Load().classifier, o.tables.Load().classifier)
}

// A judge judges what a part of its attempt returns.
type judge struct {
	r       *Retrier
	key     string           // that the attempt goes out with
	breaker *breaker.Breaker // whose lease it has
}

// sameClassifier holds catalogs of one name for the same: they may have been read
// from a file twice, or one of them before it was changed. So it does functions, which
// cannot be compared: better one send too few.
func sameClassifier(a, b classify.Classifier) bool {
	if ours, ok := a.(*classify.Catalog); ok {
		theirs, ok := b.(*classify.Catalog)
		return ok && ours.Name() == theirs.Name()
	}
	if !reflect.ValueOf(a).Comparable() { // nor may what it holds be compared
		return reflect.TypeOf(a) == reflect.TypeOf(b)
	}
	return a == b
}

// owner returns who holds the turn, or the one around it where somebody put the
// ticket there by hand; the zero judge if nobody did.
func owner(turn *carry.Context) judge {
	for ; turn != nil; turn = turn.Outer() {
		if r, ok := turn.Owner.(*Retrier); ok {
			b, _ := turn.Breaker.(*breaker.Breaker)
			return judge{r, turn.Ticket.(*nonce.Ticket).Key(), b}
		}
	}
	return judge{}
}

// judgeIn returns whose attempt will judge what a part of it returns, the zero
// judge if nobody will.
func judgeIn(ctx context.Context) judge {
	u, _ := ctx.Value(underwayKey{}).(*underway)
	for ; u != nil; u = u.outer {
		if !u.over.Load() {
			return judge{u.r, u.key, u.breaker}
		}
	}
	return owner(carry.From(ctx))
}

// inTurn sends once on a turn that an outer attempt holds, with a newer nonce,
// while no other part of it does: they would overtake each other. It reports
// false if that attempt is over and somebody kept its context.
func (r *Retrier) inTurn(ctx context.Context, turn *carry.Context, b *breaker.Breaker, probing bool, op func(context.Context) error, opts []Option) (part bool, err error) {
	c := call{r: r, tables: r.tables.Load(), breaker: b, start: clock(), name: name(opts), fallback: find(opts, optFallback) != nil, ticket: turn.Ticket.(*nonce.Ticket), part: true}
	if !c.mayJoin(ctx, probing) || !turn.Enter(ctx) {
		return true, c.end(ctx)
	}
	defer turn.Leave()
	if !c.mayJoin(ctx, probing) { // it may have waited
		return true, c.end(ctx)
	}
	newer, err := c.ticket.Next(ctx) // nothing was refused
	switch {
	case errors.Is(err, nonce.ErrLeft):
		return false, nil
	case ctx.Err() != nil: // the source took its time
		c.stopForContext(ctx, err)
		return true, c.end(ctx)
	case err != nil:
		c.stop(ErrResync, err)
		return true, c.end(ctx)
	}
	c.ticket = newer
	return true, c.sendPart(ctx, op, holder{turn.Owner, turn.Breaker}, probing)
}

// mayJoin looks for what stands against any send, even as a part of an attempt.
func (c *call) mayJoin(ctx context.Context, probing bool) bool {
	if ctx.Err() != nil {
		return c.stopForContext(ctx, nil)
	}
	if err := c.r.lockout.Check(c.key()); err != nil {
		return c.stop(ErrLockedOut, err)
	}
	if c.breaker != nil && !probing {
		if err := c.breaker.Check(); err != nil {
			return c.stop(ErrOpen, err)
		}
	}
	return true
}

// inAttempt sends once as a part of an outer attempt without a turn, with a
// ticket of its own where r has a source of them: under the lease of that attempt
// if it probes the same breaker, and in an operation that must not be sent again
// behind its back.
func (r *Retrier) inAttempt(ctx context.Context, b *breaker.Breaker, probing bool, op func(context.Context) error, opts []Option) error {
	c := call{r: r, tables: r.tables.Load(), breaker: b, start: clock(), name: name(opts), fallback: find(opts, optFallback) != nil, part: true}
	if err := r.lockout.Check(r.key); err != nil && r.nonces == nil {
		c.stop(ErrLockedOut, err)
		return c.end(ctx)
	}
	if !c.draw(ctx) {
		return c.end(ctx)
	}
	defer c.leave()
	if ctx.Err() != nil { // the source took its time
		return c.end(ctx)
	}
	return c.sendPart(ctx, op, holder{r, b}, probing)
}
