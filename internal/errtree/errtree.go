// Package errtree walks through wrapped and joined errors. A walk visits a bounded number
// of errors, so that it ends even for errors that wrap themselves, and calls no method of
// an error that is a nil pointer.
//
// Its functions are safe for concurrent use if the methods of the errors are.
package errtree

import "reflect"

// Limits of one walk: how many errors it visits, and how deep joined errors may nest.
// Errors beyond are not visited.
const (
	MaxErrors = 1000
	MaxJoins  = 32
)

// Walk calls deeper for the errors of a tree, each before the errors that it wraps. If
// deeper returns false, those are skipped. Nil pointers are skipped.
func Walk(err error, deeper func(error) bool) {
	w := walk{deeper: deeper, left: MaxErrors}
	w.from(err, 0)
}

// Holds reports whether target itself is in err, ignoring nil pointers. Unlike errors.Is it
// does not ask errors whether they match. A target that cannot be compared is never found.
func Holds(err, target error) (found bool) {
	if target == nil || !comparable(target) {
		return false
	}
	Walk(err, func(e error) bool {
		found = found || e == target
		return !found
	})
	return found
}

// As returns the first error of type T in err. Unlike errors.As it does not call methods
// As.
func As[T any](err error) (first T, found bool) {
	Walk(err, func(e error) bool {
		if !found {
			first, found = e.(T)
		}
		return !found
	})
	return first, found
}

// Same reports whether a and b are one error. Errors that cannot be compared are not the
// same.
func Same(a, b error) bool {
	if a == nil || b == nil {
		return a == b
	}
	return reflect.TypeOf(a) == reflect.TypeOf(b) && comparable(a) && a == b
}

// comparable reports whether err can be compared without a panic. A comparable struct type
// may still hold a value that is not.
func comparable(err error) bool {
	if reflect.TypeOf(err).Kind() == reflect.Pointer { // nearly always; a look at the value allocates
		return true
	}
	return reflect.ValueOf(err).Comparable()
}

// Nil reports whether err is nil or a nil pointer.
func Nil(err error) bool {
	v := reflect.ValueOf(err)
	return !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil()
}

// NilPointer returns the type of the first nil pointer in err, such as "*net.OpError".
// Calling a method of such an error may panic.
func NilPointer(err error) (typ string, found bool) {
	w := walk{deeper: func(error) bool { return true }, left: MaxErrors}
	w.from(err, 0)
	if w.none == nil {
		return "", false
	}
	return reflect.TypeOf(w.none).String(), true
}

type walk struct {
	deeper func(error) bool
	left   int   // how many errors may be looked at
	none   error // the first nil pointer that was met
}

func (w *walk) from(err error, joins int) {
	for err != nil && w.left > 0 {
		w.left--
		if Nil(err) {
			if w.none == nil {
				w.none = err
			}
			return
		}
		if !w.deeper(err) {
			return
		}
		switch x := err.(type) {
		case interface{ Unwrap() error }:
			err = x.Unwrap()
		case interface{ Unwrap() []error }:
			w.joined(x.Unwrap(), joins+1)
			return
		default:
			return
		}
	}
}

func (w *walk) joined(errs []error, joins int) {
	if joins > MaxJoins {
		return
	}
	for _, err := range errs {
		if w.left == 0 {
			return
		}
		w.from(err, joins)
	}
}
