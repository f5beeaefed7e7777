package keylease

import (
	"context"
	"errors"
	"fmt"
)

// ErrClosed is wrapped by the errors of [Leases] after Close.
var ErrClosed error = plain("keylease: closed")

// plain is an error of this package whose text is safe to log.
type plain string

func (p plain) Error() string     { return string(p) }
func (p plain) SafeError() string { return string(p) }

// A leaseError is about the lease on a key. It does not show the store's error.
type leaseError struct {
	key, text string
	err       error
}

func (e *leaseError) Error() string     { return fmt.Sprintf("keylease: key %q: %s", e.key, e.text) }
func (e *leaseError) SafeError() string { return e.Error() }
func (e *leaseError) Unwrap() error     { return e.err }

// A waitError reports that a context ended before a key was available. The text of the
// context's cause is left out: it may be about another request.
type waitError struct {
	text  string
	ended error
	cause error
}

func (e *waitError) Error() string     { return "keylease: " + e.text + ": " + e.ended.Error() }
func (e *waitError) SafeError() string { return e.Error() }

func (e *waitError) Unwrap() []error {
	if e.cause == nil || errors.Is(e.ended, e.cause) {
		return []error{e.ended}
	}
	return []error{e.ended, e.cause}
}

func ended(ctx context.Context, text string) error {
	return &waitError{text, ctx.Err(), context.Cause(ctx)}
}
