package oracle_test

import (
	"context"
	"errors"

	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/retry"
)

// nests reports whether the operation makes a call inside this time.
func (c *call) nests() bool { return !c.calm() && c.chance(c.w.nests) }

// through runs do, sometimes inside a call of the same Retrier, which runs it once.
func (c *call) through(ctx context.Context, do func(context.Context) error) error {
	if !c.nests() {
		return do(ctx)
	}
	before, _ := nonce.FromContext(ctx)
	ran := 0
	err := retry.Do(ctx, c.proc.retriers[c.plan.retrier], func(ctx context.Context) error {
		ran++
		if t, ok := nonce.FromContext(ctx); ok && t.Nonce() <= before.Nonce() {
			c.nestViolation("nonce %d after %d", t.Nonce(), before.Nonce())
		}
		return do(ctx)
	})
	if ran != 1 && ctx.Err() == nil {
		c.nestViolation("a call of the same Retrier ran its function %d times: %v", ran, err)
	}
	return err
}

func (c *call) nestViolation(format string, args ...any) {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	c.watch.violate("nested", format, args...)
}

// errand is what the operation may have to do before it sends: a call about
// something else. It returns the error that it fails with, if that is to be the
// end of Send.
func (c *call) errand(ctx context.Context) error {
	if !c.nests() {
		return nil
	}
	var err error
	switch c.IntN(3) {
	case 0:
		err = c.refusedInside(ctx)
	case 1: // once it is made outside of what the attempt stands for
		err = retry.Do(retry.Apart(ctx), c.proc.elsewhere, c.token)
	case 2:
		op := retry.Operation[int]{ID: "another", Send: func(ctx context.Context) (int, error) { return 0, c.token(ctx) }}
		_, err = retry.DoOnce(retry.Apart(ctx), c.proc.elsewhere, op)
	}
	if c.chance(50) {
		return nil // it can do without
	}
	return err
}

// refusedInside makes a call that must not be made.
func (c *call) refusedInside(ctx context.Context) (err error) {
	ran := false
	do := func(context.Context) error { ran = true; return nil }
	if c.chance(50) {
		err = retry.Do(ctx, c.proc.retriers[1-c.plan.retrier], do)
	} else {
		op := retry.Operation[int]{ID: "another", Send: func(ctx context.Context) (int, error) { return 0, do(ctx) }}
		_, err = retry.DoOnce(ctx, c.proc.retriers[c.plan.retrier], op)
	}
	if ran || !errors.Is(err, retry.ErrNested) {
		c.nestViolation("a call that cannot be made inside: ran %v, %v", ran, err)
	}
	return err
}

// token is a request to another API, which is no better than this one.
func (c *call) token(ctx context.Context) error {
	var l line // of another request
	if !c.wait(ctx, c.between(0, 100e6)) {
		return ctx.Err()
	}
	l.dial(ctx, c.w.besides)
	if c.chance(30) {
		return pick(c.dice, unconnected...).err
	}
	l.connect(ctx, c.w.besides)
	if c.chance(40) {
		return pick(c.dice, every...).err
	}
	return nil
}
