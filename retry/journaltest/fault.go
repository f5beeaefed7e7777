package journaltest

import (
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/nexpay-go/resilience/retry"
)

// ErrFault is the error with which an [Adversary] makes a call fail.
var ErrFault = errors.New("journaltest: the journal fails")

// A Fault is what an [Adversary] does to one call of Begin, End or Pending.
type Fault uint8

// The faults that the rules allow.
const (
	NoFault      Fault = iota // none
	Slow                      // stores after Adversary.Delay; if the context ends first, stores nothing
	SlowAnswer                // stores, and returns after Adversary.Delay; if the context ends first, with an error
	FailBefore                // returns ErrFault and stores nothing
	FailAfter                 // stores, and then returns ErrFault
	FailInFlight              // returns ErrFault, and stores before one of the next three calls, unless Crash discards it first
	Cancel                    // calls the journal with a cancelled context
)

// String returns the name of the fault.
func (f Fault) String() string {
	names := []string{"NoFault", "Slow", "SlowAnswer", "FailBefore", "FailAfter", "FailInFlight", "Cancel"}
	if int(f) < len(names) {
		return names[f]
	}
	return fmt.Sprintf("Fault(%d)", uint8(f))
}

// A Call is one call of an [Adversary].
type Call struct {
	Number int         // from 1
	Method string      // Begin, End or Pending
	Entry  retry.Entry // the zero Entry for Pending. With ReadGeneration, Begin only reads
}

// Seeded returns a plan in which a share of all calls (0 to 1) has one of the faults,
// or any fault if none is given. The same seed gives the same faults to the calls
// with the same numbers. Adversaries must not share the plan.
func Seeded(seed uint64, share float64, faults ...Fault) func(Call) Fault {
	if len(faults) == 0 {
		faults = []Fault{Slow, SlowAnswer, FailBefore, FailAfter, FailInFlight, Cancel}
	}
	random := rand.New(rand.NewPCG(seed, 0))
	return func(Call) Fault {
		suffers, which := random.Float64() < share, random.IntN(len(faults))
		if !suffers {
			return NoFault
		}
		return faults[which]
	}
}

// Script returns a plan that gives each call the next fault, and NoFault to all calls
// after the last one.
func Script(faults ...Fault) func(Call) Fault {
	return func(c Call) Fault {
		if c.Number > len(faults) {
			return NoFault
		}
		return faults[c.Number-1]
	}
}
