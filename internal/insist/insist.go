// Package insist calls a journal until it answers.
package insist

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nexpay-go/resilience/internal/errtree"
)

// waits holds the waits before the repetitions. Most lost connections are back after a
// moment.
var waits = [...]time.Duration{50 * time.Millisecond, 250 * time.Millisecond, time.Second}

// On runs ask until it succeeds, returns the error final, or has failed four times, at most
// for the time within and until ctx ends. A panic in ask is a failure.
func On[T any](ctx context.Context, within time.Duration, final error, ask func(context.Context) (T, error)) (answer T, err error) {
	outer := ctx
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for n := 0; ; n++ {
		answer, err = contained(ctx, ask)
		if err == nil || errors.Is(err, final) || n == len(waits) || !sleep(ctx, waits[n]) {
			break
		}
	}
	if err == context.DeadlineExceeded && outer.Err() == nil { // which reads as if it was the caller's
		err = silentError(within)
	}
	return answer, err
}

// A silentError says that the journal did not answer in that time.
type silentError time.Duration

func (e silentError) Error() string { return fmt.Sprintf("no answer within %v", time.Duration(e)) }

// SafeError returns the text of Error, which is safe to log.
func (e silentError) SafeError() string { return e.Error() }

func (silentError) Unwrap() error { return context.DeadlineExceeded }

func contained[T any](ctx context.Context, ask func(context.Context) (T, error)) (answer T, err error) {
	defer func() {
		if value := recover(); value != nil {
			err = &PanicError{"the journal", fmt.Sprintf("%T", value)}
		}
	}()
	answer, err = ask(ctx)
	return answer, errtree.Tidy(err)
}

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// A PanicError is a panic in code of the caller's. Its value may hold anything, so only its
// type is kept.
type PanicError struct{ Where, Kind string }

// Error returns whose code panicked, and the type of the value.
func (e *PanicError) Error() string { return e.Where + " panicked with a " + e.Kind }

// SafeError returns the text of Error, which is safe to log.
func (e *PanicError) SafeError() string { return e.Error() }
