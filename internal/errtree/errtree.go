// Package errtree walks through wrapped and joined errors.
package errtree

import "reflect"

// Walk shows deeper the errors of a tree.
func Walk(err error, deeper func(error) bool) {
	for err != nil && deeper(err) {
		switch x := err.(type) {
		case interface{ Unwrap() error }:
			err = x.Unwrap()
		case interface{ Unwrap() []error }:
			for _, part := range x.Unwrap() {
				Walk(part, deeper)
			}
			return
		default:
			return
		}
	}
}

// Same reports whether a and b are one error.
func Same(a, b error) bool {
	return reflect.TypeOf(a) == reflect.TypeOf(b) && reflect.TypeOf(a).Comparable() && a == b
}

// NilPointer reports a nil pointer.
func NilPointer(err error) (string, bool) {
	kind, found := "", false
	Walk(err, func(e error) bool {
		v := reflect.ValueOf(e)
		if v.Kind() == reflect.Pointer && v.IsNil() {
			kind, found = v.Type().String(), true
		}
		return !found
	})
	return kind, found
}
