package nonce

import (
	"context"
	"fmt"
	"time"
)

var (
	// ErrExhausted is matched by every *ExhaustedError.
	ErrExhausted error = &sentinel{"nonce: no nonce is left"}
	// ErrLeft is returned by Ticket.Resync when the turn is over.
	ErrLeft error = &sentinel{"nonce: the turn is over"}
	// ErrNoResync is returned by Ticket.Resync when the ticket's source cannot give a newer nonce.
	ErrNoResync error = &sentinel{"nonce: the source of this ticket cannot resync"}
	// ErrUnknownKey is wrapped by the error of EnterKey for a key that the source gives no turns on.
	ErrUnknownKey error = &sentinel{"nonce: unknown key"}
	// ErrClosed is wrapped by the errors of a lane that was closed.
	ErrClosed error = &sentinel{"the lane was closed"}
	// ErrInUse is wrapped by the error of NewLane for a high-water file that another lane has open.
	ErrInUse error = &sentinel{"another lane has it open, in this process or another: give each a key and a file of its own"}
)

// A sentinel is an error by itself, whose text is fit to be logged.
type sentinel struct{ text string }

func (s *sentinel) Error() string { return s.text }

// SafeError says so.
func (s *sentinel) SafeError() string { return s.text }

// An ExhaustedError says that a key has no nonce left: the next one would be above [MaxNonce]. Such a key is done with.
// Only if Last is below MaxNonce is it the clock that reads too much, and the key good again as soon as that is set right.
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

// SafeError says that this text is fit to be logged.
func (e *ExhaustedError) SafeError() string { return e.Error() }

// Is reports whether target is ErrExhausted.
func (e *ExhaustedError) Is(target error) bool { return target == ErrExhausted }

// A WaitError says that a turn would not have come before the deadline, as far as the last turns show, even with luck and
// if those under way ended at once: nobody need wait to learn that. It takes those who wait already to stay. It is a
// context.DeadlineExceeded.
type WaitError struct {
	Key   string        // name of the API key
	Ahead int           // how many waited already
	Wait  time.Duration // what they take at least, judging by the last turns
	Left  time.Duration // time until the deadline
}

// Error says how long the wait would be.
func (e *WaitError) Error() string {
	return fmt.Sprintf("nonce: no turn on key %q before the deadline in %v: %d wait already, which takes at least %v",
		e.Key, e.Left.Round(time.Millisecond), e.Ahead, e.Wait.Round(time.Millisecond))
}

// SafeError says that this text is fit to be logged.
func (e *WaitError) SafeError() string { return e.Error() }

// Unwrap returns context.DeadlineExceeded.
func (e *WaitError) Unwrap() error { return context.DeadlineExceeded }

// A ForeignError says that the API refused nonces although no other request of the lane was ahead of them, and that the
// lane will not go farther ahead of the clock to outdo whoever is: two that do so drive each other up until the key has
// no nonce left.
type ForeignError struct {
	Key   string        // name of the API key
	Last  uint64        // the highest nonce, which was refused as well
	Ahead time.Duration // by how much it is ahead of this clock
}

// Error says what is wrong and what to do.
func (e *ForeignError) Error() string {
	return fmt.Sprintf("nonce: key %q: the API refuses nonces up to %d, which is %v ahead of this clock: something else sends with this "+
		"key, or did with a clock ahead of this one: give each process a key of its own, and set the clocks right",
		e.Key, e.Last, e.Ahead.Round(time.Millisecond))
}

// SafeError says that this text is fit to be logged.
func (e *ForeignError) SafeError() string { return e.Error() }

func closedError(key string) error { return fmt.Errorf("nonce: key %q: %w", key, ErrClosed) }

// A mistake is that of a source of somebody else's. Its text is fit to be logged.
type mistake string

func (m mistake) Error() string { return string(m) }

// SafeError says so.
func (m mistake) SafeError() string { return string(m) }

// endedError says that a context was over before there was a turn.
type endedError struct {
	key        string // empty: none was chosen yet
	while      string // what was going on; empty: others had their turns
	err, cause error
}

func ended(ctx context.Context, key string) error { return endedWhile(ctx, key, "") }

func endedWhile(ctx context.Context, key, while string) error {
	return &endedError{key, while, ctx.Err(), context.Cause(ctx)}
}

// Error leaves the cause out: it is often the failure of some other request, and that one's URL may be in its text.
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

// SafeError says that this text is fit to be logged.
func (e *endedError) SafeError() string { return e.Error() }

func (e *endedError) Unwrap() []error { return []error{e.err, e.cause} }

func unknownKey(key string) error {
	return fmt.Errorf("%w %q", ErrUnknownKey, key)
}
