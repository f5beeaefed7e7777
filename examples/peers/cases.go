package main

import (
	"context"
	"testing"
)

// An operation is what is called. It fails as its case requires.
type operation func(context.Context) (int, error)

// A caller is one library, ready to call.
type caller func(context.Context, operation) (int, error)

// A kind is how a library is used.
type kind string

const (
	mine kind = "ours"
	real kind = "real" // as a server must use it: with the context of each call
	best kind = "best" // with everything reused that the package allows
)

// A way is a library in a case.
type way struct {
	name string
	kind kind
	make func() (caller, error)
}

// A benchmark is one case, with all libraries that can do it.
type benchmark struct {
	name   string
	sends  int  // how often each call runs the operation, or unseen
	fails  bool // whether the call fails
	script func() operation
	ways   []way
}

// unseen is for a case without an operation.
const unseen = -1

// benchmarks are all cases.
func benchmarks() []benchmark {
	return []benchmark{
		{"success", 1, false, func() operation { return failing(0, nil) }, composed(false)},
		{"one failure, then success", 2, false, func() operation { return failing(1, errInternal) }, composed(false)},
		{"fatal at once", 1, true, func() operation { return failing(-1, errDeclined) }, composed(false)},
		{"breaker open", 0, true, func() operation { return failing(0, nil) }, composed(true)},
		{"three failures, gave up", 3, true, func() operation { return failing(-1, errInternal) }, composed(false)},
		{"success, attempt timeout 10 s", 1, false, func() operation { return failing(0, nil) }, []way{
			{"ours, default policies", mine, oursByDefault},
			{"retry-go + gobreaker + context.WithTimeout", real, retryGoTimeout},
			{"failsafe-go", real, failsafeTimeout},
		}},
		{"HTTP GET", unseen, false, func() operation { return nil }, exchanges("GET", "")},
		{"HTTP POST", unseen, false, func() operation { return nil }, exchanges("POST", "amount=17")},
	}
}

func composed(open bool) []way {
	with := func(f func(bool) (caller, error)) func() (caller, error) {
		return func() (caller, error) { return f(open) }
	}
	return []way{
		{"ours", mine, with(ours)},
		{"retry-go + gobreaker", real, with(retryGo)},
		{"retry-go + gobreaker, reused", best, with(retryGoReused)},
		{"go-retry + gobreaker", real, with(goRetry)},
		{"failsafe-go", real, with(failsafeGo)},
	}
}

// failing fails n times in each call and then succeeds; with -1 it always fails.
func failing(n int, err error) operation {
	failed := 0
	return func(context.Context) (int, error) {
		if failed == n {
			failed = 0
			return 42, nil
		}
		if n > 0 {
			failed++
		}
		return 0, err
	}
}

// loop returns the benchmark of a library in the case.
func (c benchmark) loop(w way) func(*testing.B) {
	return func(b *testing.B) {
		call, err := w.make()
		if err != nil {
			b.Fatal(err)
		}
		op, ctx := c.script(), context.Background()
		b.ReportAllocs()
		for b.Loop() {
			if _, err := call(ctx, op); (err != nil) != c.fails {
				b.Fatal("the call did not end as its case requires:", err)
			}
		}
	}
}
