// Package errtree walks through wrapped and joined errors. It looks at a bounded
// number of them, so that errors which wrap themselves end too, and calls no
// method of an error that is a nil pointer.
//
// Its functions may be called concurrently as far as the errors' own methods
// may.
package errtree

import "reflect"

// Bounds of one walk: how many errors it looks at, and how deep joined errors
// nest. What lies beyond is not looked at.
const (
	MaxErrors = 1000
	MaxJoins  = 32
)

// Walk calls deeper with the errors of a tree, each before what it wraps, which
// is left out where deeper returns false. Nil pointers are not shown.
func Walk(err error, deeper func(error) bool) {
	w := walk{deeper: deeper, left: MaxErrors}
	w.from(err, 0)
}

// Holds reports whether target itself is in err, nil pointers left aside. That
// is less than errors.Is, where an error may say that it is another one. A
// target that cannot be compared is in nothing.
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

// As returns the first error of type T in err. Unlike errors.As it asks no
// method As.
func As[T any](err error) (first T, found bool) {
	Walk(err, func(e error) bool {
		if !found {
			first, found = e.(T)
		}
		return !found
	})
	return first, found
}

// Same reports whether a and b are one error. Errors that cannot be compared
// are not the same: better one look too many.
func Same(a, b error) bool {
	if a == nil || b == nil {
		return a == b
	}
	return reflect.TypeOf(a) == reflect.TypeOf(b) && comparable(a) && a == b
}

// comparable reports whether err can be compared without a panic: of a struct
// the type may say so and what it holds may not.
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

// NilPointer reports the type of the first nil pointer in err, such as
// "*net.OpError". Anything that asks such an error may panic.
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
