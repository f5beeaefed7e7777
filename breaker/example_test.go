package breaker_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/nexpay-go/resilience/breaker"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func ExampleNew() {
	_, err := breaker.New(breaker.Config{FailureRatio: 50, Probes: -1})
	fmt.Println(err)
	// Output:
	// breaker: FailureRatio 50 is not at most 1
	// breaker: Probes -1 is not between 1 and 1000
}

func ExampleBreaker_Acquire() {
	b := must(breaker.New(breaker.Config{Name: "bank", ConsecutiveFailures: 3}))
	send := func() error { return errors.New("bank: internal error") }

	call := func() error {
		lease, err := b.Acquire()
		if err != nil {
			return err
		}
		defer lease.Done(breaker.Ignored) // should send panic
		if err := send(); err != nil {
			lease.Done(breaker.Failure)
			return err
		}
		lease.Done(breaker.Success)
		return nil
	}
	for range 4 {
		err := call()
		if open, ok := errors.AsType[*breaker.OpenError](err); ok {
			fmt.Println("not sent:", open.Reason, open.RetryIn >= 2*time.Second)
			continue
		}
		fmt.Println(err)
	}
	// Output:
	// bank: internal error
	// bank: internal error
	// bank: internal error
	// not sent: 3 failures in a row true
}

func ExampleLease_Done() {
	b := must(breaker.New(breaker.Config{}))
	lease, err := b.Acquire()
	if err != nil {
		return
	}
	lease.Done(breaker.Trip)    // the server says that it is closed
	lease.Done(breaker.Success) // too late: a lease reports once
	fmt.Println(b.State())
	// Output: open
}

func ExampleBreaker_Check() {
	b := must(breaker.New(breaker.Config{}))
	fmt.Println(b.Check())
	b.Isolate("night shift")
	fmt.Println(b.Check())
	// Output:
	// <nil>
	// circuit breaker is open: isolated: night shift; it stays open until it is reset
}

func ExampleConfig_onStateChange() {
	b := must(breaker.New(breaker.Config{
		Name: "bank",
		OnStateChange: func(c breaker.StateChange) {
			fmt.Printf("%s: %v to %v, %s\n", c.Name, c.From, c.To, c.Reason)
		},
	}))
	for range 10 {
		if lease, err := b.Acquire(); err == nil {
			lease.Done(breaker.Failure)
		}
	}
	b.Reset()
	// Output:
	// bank: closed to open, 6 failures in a row
	// bank: open to closed, reset
}

func ExampleBreaker_Isolate() {
	b := must(breaker.New(breaker.Config{Name: "bank"}))
	b.Isolate("maintenance until 6 o'clock")
	_, err := b.Acquire()
	fmt.Println(err)

	b.Reset()
	_, err = b.Acquire()
	fmt.Println(err)
	// Output:
	// circuit breaker "bank" is open: isolated: maintenance until 6 o'clock; it stays open until it is reset
	// <nil>
}

func ExampleLockout() {
	var lockout breaker.Lockout
	lockout.Watch(func(c breaker.LockoutChange) {
		fmt.Println("tell the people on duty:", c.Key, c.Locked, c.Cause.Code)
	})
	lockout.Lock("main", breaker.LockCause{Code: "100", TraceID: "5f2b", Reason: "API key locked"})

	err := lockout.Check("main") // before every call
	if locked, ok := errors.AsType[*breaker.LockedError](err); ok {
		fmt.Println("nobody sends:", locked.Reason, locked.TraceID)
	}
	fmt.Println(lockout.Check("spare"))

	lockout.Unlock("main") // a person has acted
	fmt.Println(lockout.Check("main"))
	// Output:
	// tell the people on duty: main true 100
	// nobody sends: API key locked 5f2b
	// <nil>
	// tell the people on duty: main false 100
	// <nil>
}

func ExampleGroup() {
	var endpoints breaker.Group // of breakers with the zero Config
	lease, err := endpoints.Get("payments").Acquire()
	if err == nil {
		lease.Done(breaker.Trip)
	}
	for name, b := range endpoints.All() {
		fmt.Println(name, b.State())
	}
	fmt.Println("status", endpoints.Get("status").State())
	// Output:
	// payments open
	// status closed
}

func ExampleConfig_slowCall() {
	b := must(breaker.New(breaker.Config{ConsecutiveFailures: 1, SlowCall: 2 * time.Millisecond}))
	if lease, err := b.Acquire(); err == nil {
		time.Sleep(2 * time.Millisecond) // the server takes its time
		lease.Done(breaker.Success)
	}
	fmt.Println(b.State())
	// Output: open
}

func ExampleConfig_reportOnly() {
	b := must(breaker.New(breaker.Config{
		ReportOnly: true,
		OnStateChange: func(c breaker.StateChange) {
			fmt.Printf("%v to %v, %s; would have refused %d calls\n", c.From, c.To, c.Reason, c.Refused)
		},
	}))
	for range 15 {
		lease, err := b.Acquire()
		if err != nil {
			fmt.Println("never:", err)
			continue
		}
		lease.Done(breaker.Failure)
	}
	b.Reset()
	// Output:
	// closed to open, 6 failures in a row; would have refused 0 calls
	// open to closed, reset; would have refused 9 calls
}
