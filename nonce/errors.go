package nonce

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

var (
	// ErrExhausted is matched by every *ExhaustedError.
	ErrExhausted = errors.New("nonce: no nonce is left")
	// ErrLeft is returned by Ticket.Resync when the turn is over.
	ErrLeft = errors.New("nonce: the turn is over")
	// ErrNoResync is returned by Ticket.Resync when the ticket's source cannot give a newer nonce.
	ErrNoResync = errors.New("nonce: the source of this ticket cannot resync")
	// ErrUnknownKey is wrapped by the error of EnterKey for a key that the source gives no turns on.
	ErrUnknownKey = errors.New("nonce: unknown key")
)

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

// Is reports whether target is ErrExhausted.
func (e *ExhaustedError) Is(target error) bool { return target == ErrExhausted }

// A mistake is that of a source of somebody else's. Its text is fit to be logged.
type mistake string

func (m mistake) Error() string { return string(m) }

// SafeError says so.
func (m mistake) SafeError() string { return string(m) }

// endedError says that a context was over before there was a turn.
type endedError struct {
	key        string // empty: none was chosen yet
	err, cause error
}

func ended(ctx context.Context, key string) error {
	return &endedError{key, ctx.Err(), context.Cause(ctx)}
}

// Error leaves the cause out: it is often the failure of some other request, and that one's URL may be in its text.
func (e *endedError) Error() string {
	if e.key == "" {
		return fmt.Sprintf("nonce: no turn: %v", e.err)
	}
	return fmt.Sprintf("nonce: no turn on key %q: %v", e.key, e.err)
}

// SafeError says that this text is fit to be logged.
func (e *endedError) SafeError() string { return e.Error() }

func (e *endedError) Unwrap() []error { return []error{e.err, e.cause} }

// refusedError says that no key can be used, and of each of them why.
type refusedError struct{ errs []error }

func (e *refusedError) Error() string {
	texts := make([]string, len(e.errs))
	for i, err := range e.errs {
		texts[i] = strings.TrimPrefix(err.Error(), "nonce: ")
	}
	return "nonce: " + strings.Join(texts, "; ")
}

func (e *refusedError) Unwrap() []error { return e.errs }

func lockedOut(key string, err error) error {
	return fmt.Errorf("nonce: key %q is locked: %w", key, err)
}

func unknownKey(key string) error {
	return fmt.Errorf("%w %q", ErrUnknownKey, key)
}
