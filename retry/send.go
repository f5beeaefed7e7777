package retry

import (
	"context"

	"github.com/nexpay-go/resilience/internal/carry"
)

// run puts into the context what the attempt carries, and runs the operation.
func (c *call) run(ctx context.Context, op func(context.Context) error, probe bool) error {
	if c.ticket != nil {
		ctx = &carry.Context{Context: ctx, Ticket: c.ticket, Owner: c.r, Breaker: c.breaker}
	}
	if c.resends == ResendOnProof || c.resends == ResendOnProofNoReplay {
		ctx = c.traced(ctx)
	}
	if !probe && !c.inner && c.once == nil && c.sends == 1 && c.tables.timeout == 0 {
		return op(ctx)
	}
	return c.runMarked(ctx, op, probe)
}

func (c *call) runMarked(ctx context.Context, op func(context.Context) error, probe bool) error {
	if probe || c.inner || c.once != nil || c.sends > 1 {
		u := c.underway(probe)
		u.outer, _ = ctx.Value(underwayKey{}).(*underway)
		defer u.over.Store(true)
		ctx = context.WithValue(ctx, underwayKey{}, u)
	}
	if c.tables.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, c.tables.timeout, c.tables.timeoutCause)
		defer cancel()
	}
	return op(ctx)
}

// underway is what the attempt's context carries for AttemptFrom and for inner
// calls. In an inner call it stands before that of the outer one, which is why
// every inner call has it: who finds none is in the outermost attempt.
func (c *call) underway(probe bool) *underway {
	u := &underway{r: c.r, key: c.key(), breaker: c.breaker, once: c.once != nil}
	if last := c.history.last(); last != nil {
		u.attempt = *last
	}
	u.attempt.Number = int(c.sends)
	if probe {
		u.probe = c.breaker
	}
	return u
}
