package boltjournal

import (
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/nexpay-go/resilience/journal/internal/failure"
)

// ErrDamaged says that the file is not what a journal left: cut short, overwritten,
// or made by something else. A person has to find out, or restore it: a new one
// would know of no payment.
var ErrDamaged = failure.Plain("the file is no journal, or a damaged one")

// A fault is a panic over a page that makes no sense or is not there. It is an
// ErrDamaged.
type fault struct{ found any }

func (f *fault) Error() string { return fmt.Sprintf("%v: %v", ErrDamaged, f.found) }
func (f *fault) Unwrap() error { return ErrDamaged }

// guarded makes faults in f errors: bbolt checks no page before it believes it, and
// reads the file as memory, where the end of a file that was cut short is a signal
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

// damage returns err if it is a fault, and nil if it is not.
func damage(err error) error {
	if f, ok := errors.AsType[*fault](err); ok {
		return f
	}
	return nil
}
