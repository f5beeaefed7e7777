package nonce

import (
	"context"
	"fmt"
	"time"
)

var (
	// ErrExhausted matches every *ExhaustedError with errors.Is.
	ErrExhausted error = &sentinel{"nonce: no nonce is left"}
	// ErrLeft is returned by Ticket.Resync and Ticket.Next if the turn is over.
	ErrLeft error = &sentinel{"nonce: the turn is over"}
	// ErrNoResync is returned by Ticket.Resync and Ticket.Next if the ticket's source cannot
	// provide a newer nonce.
	ErrNoResync error = &sentinel{"nonce: the source of this ticket cannot resync"}
	// ErrUnknownKey is wrapped by the error of EnterKey for a key that the source does
	// not have.
	ErrUnknownKey error = &sentinel{"nonce: unknown key"}
	// ErrClosed is wrapped by the errors of a lane that was closed.
	ErrClosed error = &sentinel{"the lane was closed"}
	// ErrInUse is wrapped by the error of NewLane if another lane has the high-water file open.
	ErrInUse error = &sentinel{"another lane has it open, in this process or another: give each lane its own key and file"}
)

// A sentinel is an error whose text is safe to log.
type sentinel struct{ text string }

func (s *sentinel) Error() string { return s.text }

// SafeError returns the same text: it is safe to log.
func (s *sentinel) SafeError() string { return s.text }

// An ExhaustedError reports that a key has no nonce left: the next one would be above
// [MaxNonce]. If Last is below MaxNonce, the clock is wrong, and the key works again once
// the clock is set right. Otherwise the key cannot be used any more.
type ExhaustedError struct {
	Key  string // name of the API key
	Last uint64 // the highest nonce used so far
}

// Error names the key and what to do about it.
func (e *ExhaustedError) Error() string {
	if e.Last < MaxNonce {
		return fmt.Sprintf("nonce: key %q: the clock is past the highest nonce %d: set the clock right", e.Key, MaxNonce)
	}
	return fmt.Sprintf("nonce: key %q has no nonce left after %d, the highest is %d: ask for a new API key", e.Key, e.Last, MaxNonce)
}

// SafeError returns the same text: it is safe to log.
func (e *ExhaustedError) SafeError() string { return e.Error() }

// Is reports whether target is ErrExhausted.
func (e *ExhaustedError) Is(target error) bool { return target == ErrExhausted }

// A WaitError reports that a turn would not come before the deadline, so that the caller
// need not wait to find out. The estimate is optimistic: it uses the last turns, assumes
// that the turns under way end at once, and that all callers ahead keep waiting. A
// WaitError is a context.DeadlineExceeded.
type WaitError struct {
	Key   string        // name of the API key
	Ahead int           // callers already waiting
	Wait  time.Duration // shortest time they take, estimated from the last turns
	Left  time.Duration // time until the deadline
}

// Error gives the length of the wait.
func (e *WaitError) Error() string {
	return fmt.Sprintf("nonce: no turn on key %q before the deadline in %v: %d wait already, which takes at least %v",
		e.Key, e.Left.Round(time.Millisecond), e.Ahead, e.Wait.Round(time.Millisecond))
}

// SafeError returns the same text: it is safe to log.
func (e *WaitError) SafeError() string { return e.Error() }

// Unwrap returns context.DeadlineExceeded.
func (e *WaitError) Unwrap() error { return context.DeadlineExceeded }

// A ForeignError reports that another sender uses the key: the API refused nonces
// although no other request of the lane was ahead of them, and the lane will not go
// farther ahead of the clock. Two lanes that try to outdo each other drive the nonces up
// until the key has none left.
type ForeignError struct {
	Key   string        // name of the API key
	Last  uint64        // the highest nonce handed out, which was refused too
	Ahead time.Duration // how far Last is ahead of this clock
}

// Error says what is wrong and what to do.
func (e *ForeignError) Error() string {
	return fmt.Sprintf("nonce: key %q: the API refuses nonces up to %d, which is %v ahead of this clock: something else sends with this "+
		"key, or did with a clock ahead of this one: give each process a key of its own, and set the clocks right",
		e.Key, e.Last, e.Ahead.Round(time.Millisecond))
}

// SafeError returns the same text: it is safe to log.
func (e *ForeignError) SafeError() string { return e.Error() }

func closedError(key string) error { return fmt.Errorf("nonce: key %q: %w", key, ErrClosed) }

// A mistake is an error in the caller's code or its source. Its text is safe to log.
type mistake string

func (m mistake) Error() string { return string(m) }

// SafeError returns the same text: it is safe to log.
func (m mistake) SafeError() string { return string(m) }

// endedError reports that a context ended before the turn came.
type endedError struct {
	key        string // empty: none chosen yet
	while      string // what it waited for; empty: other turns
	err, cause error
}

func ended(ctx context.Context, key string) error { return endedWhile(ctx, key, "") }

func endedWhile(ctx context.Context, key, while string) error {
	return &endedError{key, while, ctx.Err(), context.Cause(ctx)}
}

// Error leaves the cause out: it is often the failure of another request, whose URL may
// be in its text.
func (e *endedError) Error() string {
	text := "nonce: no turn"
	if e.key != "" {
		text += fmt.Sprintf(" on key %q", e.key)
	}
	text += ": " + e.err.Error()
	if e.while != "" {
		text += ", " + e.while
	}
	return text
}

// SafeError returns the same text: it is safe to log.
func (e *endedError) SafeError() string { return e.Error() }

func (e *endedError) Unwrap() []error { return []error{e.err, e.cause} }

func unknownKey(key string) error {
	return fmt.Errorf("%w %q", ErrUnknownKey, key)
}
