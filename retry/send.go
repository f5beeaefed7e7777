package retry

import (
	"context"
	"fmt"
	"time"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/internal/carry"
)

// An Attempt is one send of a call and how it ended.
type Attempt struct {
	Number  int              // from 1
	Verdict classify.Verdict // on its error
	TraceID string           // of the answer
	Took    time.Duration    // from the start of the operation to its return
	Wait    time.Duration    // before the next send; 0 if there is none, or if it follows at once
}

// send runs the operation, with the attempt's values in its context.
func (c *call) send(ctx context.Context, op func(context.Context) error, probe bool) error {
	outer := within(ctx)
	if c.ticket == nil && c.guard == nil && !probe && outer == nil && c.count.sends == 1 && c.terms.timeout == 0 {
		return tidy(op(ctx))
	}
	if c.terms.timeout != 0 {
		return c.sendInTime(ctx, op, outer, probe)
	}
	m := new(mark)
	c.mark(m, ctx, outer, probe)
	defer m.over.Store(true)
	return tidy(op(m))
}

func (c *call) sendInTime(ctx context.Context, op func(context.Context) error, outer *mark, probe bool) error {
	t := c.timed()
	c.mark(&t.mark, ctx, outer, probe)
	defer t.done()
	return tidy(op(t))
}

// timed returns the context of an attempt whose timeout starts now.
func (c *call) timed() *timed {
	t := &timed{until: time.Now().Add(c.terms.timeout), cause: c.tables.timeoutCause}
	if c.terms.timeout != c.tables.timeout {
		t.cause = &attemptTimeoutError{c.terms.timeout}
	}
	return t
}

// mark fills in the mark of an attempt.
func (c *call) mark(m *mark, ctx context.Context, outer *mark, probe bool) {
	m.Context, m.untraced, m.highest, m.r, m.outer, m.kind = ctx, c.terms.untraced, c.terms.highest, c.r, outer, c.terms.kind
	if c.ticket != nil {
		m.turn = carry.Context{Context: ctx, Ticket: c.ticket}
	}
	if last := c.history.last(); last != nil {
		m.attempt = *last
	}
	m.attempt.Number = int(c.count.sends)
	if probe {
		m.probe = c.breaker
	}
}

// An attemptTimeoutError is the cause of a context that ends by the attempt timeout. It
// matches context.DeadlineExceeded, and says whose deadline it was.
type attemptTimeoutError struct{ d time.Duration }

func (e *attemptTimeoutError) Error() string {
	return fmt.Sprintf("no answer within the attempt timeout of %v", e.d)
}

// SafeError returns the text, which is safe to log.
func (e *attemptTimeoutError) SafeError() string { return e.Error() }

func (e *attemptTimeoutError) Timeout() bool   { return true }
func (e *attemptTimeoutError) Temporary() bool { return true }
func (e *attemptTimeoutError) Is(target error) bool {
	return target == context.DeadlineExceeded
}
