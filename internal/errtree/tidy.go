package errtree

import (
	"fmt"
	"reflect"
)

// Tidy returns err, or one in words of ours if looking into err is not safe: if it
// is, or holds, a nil pointer, any method of which may panic; or if it holds more than
// [MaxErrors], as one does that wraps itself, which errors.Is and errors.As would
// follow for ever.
func Tidy(err error) error {
	if err == nil {
		return nil
	}
	t := tidying{left: MaxErrors}
	t.look(err)
	switch {
	case t.none != nil:
		return &NilError{reflect.TypeOf(t.none).String()}
	case t.left == 0:
		return &LargeError{}
	}
	return err
}

type tidying struct {
	left int
	none error // a nil pointer
}

func (t *tidying) look(err error) {
	for err != nil && t.left > 0 && t.none == nil {
		t.left--
		if Nil(err) {
			t.none = err
			return
		}
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

// A LargeError stands for an error that holds too many others to be looked into.
type LargeError struct{}

// Error says so.
func (e *LargeError) Error() string {
	return fmt.Sprintf("an error that wraps itself, or holds more than %d others", MaxErrors)
}

// SafeError says that this text is fit to be logged.
func (e *LargeError) SafeError() string { return e.Error() }
