package breaker

import (
	"errors"
	"time"

	"github.com/sony/gobreaker/v2"
)

// A machine is gobreaker's state machine, used for nothing else: it gets a failure when
// we have counted enough of them, says whether it is half-open when our open time is
// over, and hands out the slots for probes.
type machine = gobreaker.TwoStepCircuitBreaker[struct{}]

var (
	errFailed  = errors.New("failed")
	errIgnored = errors.New("ignored")
)

func newMachine(probes int) *machine {
	return gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		MaxRequests: uint32(probes),
		Timeout:     time.Nanosecond, // the shortest there is; zero would be a minute
		ReadyToTrip: func(gobreaker.Counts) bool { return true },
		IsExcluded:  func(err error) bool { return err == errIgnored },
	})
}

// openMachine returns a tripped machine.
func openMachine(probes int) *machine {
	m := newMachine(probes)
	tripMachine(m)
	return m
}

// tripMachine opens a closed machine.
func tripMachine(m *machine) {
	if report, err := m.Allow(); err == nil {
		report(errFailed)
	}
}
