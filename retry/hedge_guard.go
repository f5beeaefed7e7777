package retry

import (
	"context"

	"github.com/nexpay-go/resilience/classify"
)

// A hedge is the guard of both of its calls. Whichever is first, the answer of the one
// or the turn of the other, says whether there is a second send: after a failure, what
// comes next is for the policy to say, with its wait. Only when the second one is sent is an
// observer told.

func (h *hedge) before(ctx context.Context, c *call) (context.Context, *Error) {
	if c == h.call || h.told {
		return ctx, nil
	}
	if !h.settled.CompareAndSwap(false, true) {
		return nil, stoppedBy(ctx, nil)
	}
	h.told = true
	c.emit(ctx, EventHedge, nil)
	return ctx, nil
}

// seen wraps first so that its success counts as an answer before its turn passes to the
// second send.
func (h *hedge) seen(first func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		err := first(ctx)
		if err == nil {
			h.answer()
		}
		return err
	}
}

func (h *hedge) after(_ context.Context, c *call, _ error) {
	if c == h.call && c.history.last().Verdict.Class != classify.Resync {
		h.answer()
	}
}

func (h *hedge) answer() { h.answered = h.answered || h.settled.CompareAndSwap(false, true) }

func (*hedge) refuses(*call, *classify.Verdict) *Error { return nil }
func (*hedge) annotate(*Event) bool                    { return true }
func (*hedge) complete(*Error)                         {}
