package retry

import (
	"context"
	"time"

	"github.com/nexpay-go/resilience/internal/protocol"
)

// resolve sends an operation in doubt again while the API's idempotency key allows it, and
// looks it up afterwards.
func (p *payment) resolve(ctx context.Context, opts []Option) {
	if !p.replays {
		p.verify(ctx)
		return
	}
	why := p.replayable(ctx, opts)
	if why == nil {
		why = p.sent(ctx)
	}
	if why != nil { // the doubt stands
		p.replays = false
		p.call.refund()
		if p.state.Phase == protocol.Sending {
			p.happened(ctx, protocol.Event{Kind: protocol.Unsent, At: clock()})
		}
	}
}

// replayable returns why there must be no other replay.
func (p *payment) replayable(ctx context.Context, opts []Option) *Error {
	c := &p.call
	if protocol.Decide.Age(p.first, time.Now()) >= p.state.Window {
		return stopped(ErrElapsed, nil)
	}
	if c.history.last() == nil { // an earlier process sent it
		c.emit(ctx, EventResend, nil)
		return nil
	}
	if why := c.shouldRetry(ctx, opts); why != nil {
		return why
	}
	if !c.rest(ctx) {
		return stoppedBy(ctx, nil)
	}
	return nil
}
