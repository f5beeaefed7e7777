package breaker_test

import (
	"fmt"
	"testing"

	"github.com/sony/gobreaker/v2"

	"github.com/nexpay-go/resilience/breaker"
)

var errSink error // lets an error escape, as a caller does

func BenchmarkSuccess(b *testing.B) {
	br := newBreaker(b, breaker.Config{})
	b.ReportAllocs()
	for b.Loop() {
		if l, err := br.Acquire(); err == nil {
			l.Done(breaker.Success)
		}
	}
}

// BenchmarkGobreakerExecute is what the others are to be compared with.
func BenchmarkGobreakerExecute(b *testing.B) {
	cb := gobreaker.NewCircuitBreaker[struct{}](gobreaker.Settings{})
	b.ReportAllocs()
	for b.Loop() {
		_, _ = cb.Execute(func() (struct{}, error) { return struct{}{}, nil })
	}
}

func BenchmarkSuccessParallel(b *testing.B) {
	br := newBreaker(b, breaker.Config{})
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if l, err := br.Acquire(); err == nil {
				l.Done(breaker.Success)
			}
		}
	})
}

func BenchmarkGobreakerExecuteParallel(b *testing.B) {
	cb := gobreaker.NewCircuitBreaker[struct{}](gobreaker.Settings{})
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			_, _ = cb.Execute(func() (struct{}, error) { return struct{}{}, nil })
		}
	})
}

func BenchmarkFailure(b *testing.B) {
	br := newBreaker(b, breaker.Config{ConsecutiveFailures: -1, FailureRatio: 1})
	report(br, breaker.Success)
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		if l, err := br.Acquire(); err == nil {
			if n%16 == 0 {
				l.Done(breaker.Success) // lest all that the window holds are failures
			} else {
				l.Done(breaker.Failure)
			}
		}
	}
}

func BenchmarkRefused(b *testing.B) {
	br := newBreaker(b, breaker.Config{})
	br.Isolate("benchmark")
	b.ReportAllocs()
	for b.Loop() {
		_, _ = br.Acquire()
	}
}

func BenchmarkRefusedOpen(b *testing.B) {
	br := newBreaker(b, breaker.Config{OpenFor: 1e12}) // far longer than the benchmark
	report(br, breaker.Trip)
	b.ReportAllocs()
	for b.Loop() {
		_, _ = br.Acquire()
	}
}

func BenchmarkRefusedOpenParallel(b *testing.B) {
	br := newBreaker(b, breaker.Config{OpenFor: 1e12})
	report(br, breaker.Trip)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			_, _ = br.Acquire()
		}
	})
}

func BenchmarkLockoutCheck(b *testing.B) {
	var l breaker.Lockout
	b.ReportAllocs()
	for b.Loop() {
		_ = l.Check("main")
	}
}

func BenchmarkLockoutCheckOtherLocked(b *testing.B) {
	for _, n := range []int{1, 10, 10_000} {
		b.Run(fmt.Sprint("n=", n), func(b *testing.B) {
			l, _ := lockedOut(n)
			b.ReportAllocs()
			for b.Loop() {
				_ = l.Check("main")
			}
		})
	}
}

func BenchmarkLockoutCheckLocked(b *testing.B) {
	for _, n := range []int{10, 10_000} {
		b.Run(fmt.Sprint("n=", n), func(b *testing.B) {
			l, keys := lockedOut(n)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				errSink = l.Check(keys[i%len(keys)])
			}
		})
	}
}

func BenchmarkLockoutUnlockAndLock(b *testing.B) {
	for _, n := range []int{10, 10_000} {
		b.Run(fmt.Sprint("n=", n), func(b *testing.B) {
			l, keys := lockedOut(n)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				key := keys[i%len(keys)]
				l.Unlock(key)
				l.Lock(key, breaker.LockCause{Code: "100"})
			}
		})
	}
}

func lockedOut(n int) (l *breaker.Lockout, keys []string) {
	l = new(breaker.Lockout)
	for i := range n {
		keys = append(keys, fmt.Sprint("merchant-", i))
		l.Lock(keys[i], breaker.LockCause{Code: "100"})
	}
	return l, keys
}
