package errtree

import (
	"fmt"
	"reflect"
)

// Tidy returns err, or a replacement if err is not safe to inspect: if it is or holds a nil
// pointer or an error whose methods panic, or if it holds more than [MaxErrors]. An error
// that wraps itself does, and errors.Is and errors.As would never return.
func Tidy(err error) error {
	if err == nil {
		return nil
	}
	t := tidying{left: MaxErrors}
	t.contained(err)
	switch {
	case t.panicked:
		return &PanickingError{reflect.TypeOf(err).String()}
	case t.none != nil:
		return &NilError{reflect.TypeOf(t.none).String()}
	case t.left == 0:
		return &LargeError{}
	}
	return err
}

type tidying struct {
	left     int
	none     error // a nil pointer
	panicked bool
}

// contained is visit with recovery of panics.
func (t *tidying) contained(err error) {
	defer func() {
		if recover() != nil {
			t.panicked = true
		}
	}()
	t.visit(err)
}

// callMethods calls the methods that a classifier calls, so that they panic here if they do.
func callMethods(err error) {
	if e, ok := err.(interface{ ErrorCode() int }); ok {
		e.ErrorCode()
	}
	if e, ok := err.(interface{ StatusCode() int }); ok {
		e.StatusCode()
	}
	if e, ok := err.(interface{ HTTPStatusCode() int }); ok {
		e.HTTPStatusCode()
	}
	if e, ok := err.(interface{ HTTPCode() int }); ok {
		e.HTTPCode()
	}
	if e, ok := err.(interface{ Timeout() bool }); ok {
		e.Timeout()
	}
	if e, ok := err.(interface{ NotSent() bool }); ok {
		e.NotSent()
	}
}

func (t *tidying) visit(err error) {
	for err != nil && t.left > 0 && t.none == nil {
		t.left--
		if Nil(err) {
			t.none = err
			return
		}
		callMethods(err)
		switch x := err.(type) {
		case interface{ Unwrap() error }:
			err = x.Unwrap()
		case interface{ Unwrap() []error }:
			for _, part := range x.Unwrap() {
				t.visit(part)
			}
			return
		default:
			return
		}
	}
}

// A NilError replaces an error that is or holds a nil pointer of that type.
type NilError struct{ Kind string }

// Error returns a text with the type.
func (e *NilError) Error() string { return "an error that is a nil " + e.Kind }

// SafeError returns the text of Error, which is safe to log.
func (e *NilError) SafeError() string { return e.Error() }

// A PanickingError replaces an error of that type if one of its methods panics, or a method
// of an error in it.
type PanickingError struct{ Kind string }

// Error returns a text with the type.
func (e *PanickingError) Error() string { return "an error whose methods panic, in a " + e.Kind }

// SafeError returns the text of Error, which is safe to log.
func (e *PanickingError) SafeError() string { return e.Error() }

// A LargeError replaces an error that holds too many others.
type LargeError struct{}

// Error returns a fixed text.
func (e *LargeError) Error() string {
	return fmt.Sprintf("an error that wraps itself, or holds more than %d others", MaxErrors)
}

// SafeError returns the text of Error, which is safe to log.
func (e *LargeError) SafeError() string { return e.Error() }
