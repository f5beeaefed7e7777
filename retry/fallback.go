package retry

import (
	"context"
	"errors"
	"fmt"
	"reflect"
)

// Fallback provides the result of a call that ends because the breaker is open or the key
// is locked out, for example from a cache. f gets the error of the call: its Reason is
// [ErrOpen] or [ErrLockedOut], and its Cause a *breaker.OpenError or *breaker.LockedError.
// The call returns what f returns, an error unchanged. If the call ends for any other
// reason, f does not run.
//
// T must be the result type of the operation, struct{} for [Do]; otherwise the call returns
// an error and sends nothing. f runs in the caller's goroutine and holds neither turn nor
// lease. The context may have ended. [DoOnce] refuses this option: a payment that was not
// made has no substitute value.
func Fallback[T any](f func(ctx context.Context, why *Error) (T, error)) Option {
	if f == nil {
		return Option{}
	}
	return Option{kind: optFallback, do: fallback[T](f)}
}

type fallback[T any] func(context.Context, *Error) (T, error)

func (fallback[T]) of() reflect.Type { return reflect.TypeFor[T]() }

// fits returns an error if the Fallback in opts does not return a T.
func fits[T any](opts []Option) error {
	f, ok := find(opts, optFallback).do.(interface{ of() reflect.Type })
	if is := reflect.TypeFor[T](); ok && f.of() != is {
		return fmt.Errorf("retry: Fallback returns a %v, but the operation returns a %v", f.of(), is)
	}
	return nil
}

// instead returns the result of a call that ended with err: that of the Fallback, if there
// is one for that reason.
func instead[T any](ctx context.Context, err error, opts []Option) (T, error) {
	if f, ok := find(opts, optFallback).do.(fallback[T]); ok {
		if e := callIn(err); e != nil && e.unasked() {
			return f(ctx, e)
		}
	}
	var zero T
	return zero, err
}

// unasked reports whether the call ended because the breaker or the lockout refused it.
func (e *Error) unasked() bool { return e.Reason == ErrOpen || e.Reason == ErrLockedOut }

// refuse returns an error for the option that DoOnce does not accept.
func refuse(opts []Option) error {
	if find(opts, optFallback) != &noOption {
		return errors.New("retry: DoOnce takes no Fallback: a payment that was not made has no substitute value")
	}
	return nil
}
