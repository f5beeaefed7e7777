package retry

import (
	"context"
	"errors"
	"fmt"
	"reflect"
)

// Fallback is for a call that ends because the breaker is open or the key is
// locked out: nobody could be asked, and f is what the program does instead, with
// a value from a cache say. It is told why: the Reason is [ErrOpen] or
// [ErrLockedOut], and the Cause the *breaker.OpenError or *breaker.LockedError.
// What f returns the call returns, an error as it is. Any other end of a call is
// an answer, or a failure to be told of, and no matter for f.
//
// T is that of the operation, struct{} for [Do]; another one is an error of the
// call before anything is sent. f runs in the caller's goroutine and holds
// neither turn nor lease; the context may be over. [DoOnce] refuses it: a payment
// that could not be made has no other value.
func Fallback[T any](f func(ctx context.Context, why *Error) (T, error)) Option {
	if f == nil {
		return Option{}
	}
	return Option{kind: optFallback, do: fallback[T](f)}
}

// FallbackValue is [Fallback] with a value that is there already.
func FallbackValue[T any](value T) Option {
	return Fallback(func(context.Context, *Error) (T, error) { return value, nil })
}

type fallback[T any] func(context.Context, *Error) (T, error)

func (fallback[T]) of() reflect.Type { return reflect.TypeFor[T]() }

// fits reports a Fallback for an operation that returns something else than a T.
func fits[T any](opts []Option) error {
	o := find(opts, optFallback)
	if o == nil {
		return nil
	}
	if _, ok := o.do.(fallback[T]); ok {
		return nil
	}
	is := o.do.(interface{ of() reflect.Type })
	return fmt.Errorf("retry: Fallback returns a %v, but the operation a %v", is.of(), reflect.TypeFor[T]())
}

// instead returns what the call returns that ended with err: what the Fallback
// says, if there is one for that.
func instead[T any](ctx context.Context, err error, opts []Option) (T, error) {
	if o := find(opts, optFallback); o != nil {
		if e := callIn(err); e != nil && e.unasked() {
			return o.do.(fallback[T])(ctx, e)
		}
	}
	var zero T
	return zero, err
}

// unasked reports whether the call ended because nobody may be asked.
func (e *Error) unasked() bool { return e.Reason == ErrOpen || e.Reason == ErrLockedOut }

// refuse reports the option that DoOnce does not take.
func refuse(opts []Option) error {
	if find(opts, optFallback) != nil {
		return errors.New("retry: DoOnce takes no Fallback: what was not paid has no other value")
	}
	return nil
}
