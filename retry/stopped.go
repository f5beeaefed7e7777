package retry

import (
	"context"
	"errors"
)

// stopped returns an *Error that says why a call ends. [call.end] completes it.
func stopped(reason, cause error) *Error { return &Error{Reason: reason, Cause: cause} }

// stoppedBy is stopped for a context that has ended.
func stoppedBy(ctx context.Context, cause error) *Error {
	return stopped(over(ctx), cause)
}

// over returns the reason of a call whose context has ended.
func over(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return ErrDeadline
	}
	return ErrCanceled
}

// stopped is like the function, with room for the call's history. In an outage thousands of
// calls end here, and one object is cheaper than two.
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
