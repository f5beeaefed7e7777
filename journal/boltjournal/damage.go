package boltjournal

import (
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/nexpay-go/resilience/journal/internal/failure"
)

// ErrDamaged means that the file is not as a journal left it: cut short, overwritten,
// or made by another program. A person must find out why, or restore it: a new
// journal would have no payments.
var ErrDamaged = failure.Plain("the file is not a journal, or is damaged")

// A fault is a panic over a page that is invalid or missing. It wraps ErrDamaged.
type fault struct{ found any }

func (f *fault) Error() string { return fmt.Sprintf("%v: %v", ErrDamaged, f.found) }
func (f *fault) Unwrap() error { return ErrDamaged }

// guarded turns faults in f into errors: bbolt does not check a page before it uses
// it. It maps the file into memory, so that a file that was cut short causes a signal
// that would end the program.
func guarded(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if found := recover(); found != nil {
			err = &fault{found}
		}
	}()
	return f()
}

// damage returns err if it is a fault, and nil otherwise.
func damage(err error) error {
	if f, ok := errors.AsType[*fault](err); ok {
		return f
	}
	return nil
}
