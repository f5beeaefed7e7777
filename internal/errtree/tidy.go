package errtree

import (
	"fmt"
	"reflect"
)

// Tidy returns err, or one in words of ours if looking into err is not safe: if it
// is, or holds, a nil pointer, or an error whose methods panic; or if it holds more than
// [MaxErrors], as one does that wraps itself, which errors.Is and errors.As would
// follow for ever.
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

// contained is look for errors whose methods may panic.
func (t *tidying) contained(err error) {
	defer func() {
		if recover() != nil {
			t.panicked = true
		}
	}()
	t.look(err)
}

// ask calls what judges of errors call, so that it panics here if it does.
func ask(err error) {
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

func (t *tidying) look(err error) {
	for err != nil && t.left > 0 && t.none == nil {
		t.left--
		if Nil(err) {
			t.none = err
			return
		}
		ask(err)
		switch x := err.(type) {
		case interface{ Unwrap() error }:
			err = x.Unwrap()
		case interface{ Unwrap() []error }:
			for _, part := range x.Unwrap() {
				t.look(part)
			}
			return
		default:
			return
		}
	}
}

// A NilError stands for an error that is a nil pointer of that type, or holds one.
type NilError struct{ Kind string }

// Error names the type.
func (e *NilError) Error() string { return "an error that is a nil " + e.Kind }

// SafeError says that this text is fit to be logged.
func (e *NilError) SafeError() string { return e.Error() }

// A PanickingError stands for an error of that type whose methods panic, or those of
// one that it holds.
type PanickingError struct{ Kind string }

// Error names the type.
func (e *PanickingError) Error() string { return "an error whose methods panic, in a " + e.Kind }

// SafeError says that this text is fit to be logged.
func (e *PanickingError) SafeError() string { return e.Error() }

// A LargeError stands for an error that holds too many others to be looked into.
type LargeError struct{}

// Error says so.
func (e *LargeError) Error() string {
	return fmt.Sprintf("an error that wraps itself, or holds more than %d others", MaxErrors)
}

// SafeError says that this text is fit to be logged.
func (e *LargeError) SafeError() string { return e.Error() }
