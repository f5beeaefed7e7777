package retry

import (
	"context"
	"errors"
)

// stopped says why a call ends: an *Error that [call.end] completes.
func stopped(reason, cause error) *Error { return &Error{Reason: reason, Cause: cause} }

// stoppedBy is stopped for a context that is over.
func stoppedBy(ctx context.Context, cause error) *Error {
	return stopped(over(ctx), cause)
}

// over is the reason for which a call ends whose context is over.
func over(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return ErrDeadline
	}
	return ErrCanceled
}

// stopped is like the function, with room for the history that the call has: in an
// outage calls end so by the thousand, and one object is cheaper than two.
func (c *call) stopped(reason, cause error) *Error {
	switch c.history.len() {
	case 0:
		return stopped(reason, cause)
	case 1:
		room := new(struct {
			Error
			history [1]Attempt
		})
		room.Reason, room.Cause, room.History = reason, cause, room.history[:0]
		return &room.Error
	case 2, 3:
		room := new(struct {
			Error
			history [3]Attempt
		})
		room.Reason, room.Cause, room.History = reason, cause, room.history[:0]
		return &room.Error
	case 4:
		room := new(struct {
			Error
			history [4]Attempt
		})
		room.Reason, room.Cause, room.History = reason, cause, room.history[:0]
		return &room.Error
	}
	return stopped(reason, cause)
}

func (c *call) stoppedBy(ctx context.Context, cause error) *Error {
	return c.stopped(over(ctx), cause)
}
