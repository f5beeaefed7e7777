package journaltest

import (
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/nexpay-go/resilience/retry"
)

// ErrFault is what an [Adversary] makes a call fail with.
var ErrFault = errors.New("journaltest: the journal fails")

// A Fault is what an [Adversary] does to one call of Begin, End or Pending.
type Fault uint8

// All that a journal may do to those who call it.
const (
	NoFault      Fault = iota // it does what it should
	Slow                      // it does what it should after Adversary.Delay; if the context ends first, nothing
	SlowAnswer                // it does what it should, and answers after Adversary.Delay; if the context ends first, with an error
	FailBefore                // ErrFault, and nothing is stored
	FailAfter                 // stored, and then ErrFault
	FailInFlight              // ErrFault, and stored before one of the next three calls, unless Crash loses it first
	Cancel                    // it is called with a cancelled context
)

// String returns the fault's name.
func (f Fault) String() string {
	names := []string{"NoFault", "Slow", "SlowAnswer", "FailBefore", "FailAfter", "FailInFlight", "Cancel"}
	if int(f) < len(names) {
		return names[f]
	}
	return fmt.Sprintf("Fault(%d)", uint8(f))
}

// A Call is one call that an [Adversary] gets.
type Call struct {
	Number int         // from 1
	Method string      // Begin, End or Pending
	Entry  retry.Entry // the zero Entry for Pending. With ReadGeneration, Begin only reads
}

// Seeded returns a plan by which that share of all calls (0 to 1) suffers one of
// the faults, all of them if none is given. The same seed gives the same faults to
// the same number of calls; the result must not be shared between adversaries.
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

// Script returns a plan that gives each call the next fault, and NoFault to all
// calls after the last one.
func Script(faults ...Fault) func(Call) Fault {
	return func(c Call) Fault {
		if c.Number > len(faults) {
			return NoFault
		}
		return faults[c.Number-1]
	}
}
