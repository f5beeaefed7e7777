package main

import (
	"context"
	"testing"
)

// An operation is what is called: it fails as its case wants it.
type operation func(context.Context) (int, error)

// A caller is one library, ready to call.
type caller func(context.Context, operation) (int, error)

// A kind is how a peer is used.
type kind string

const (
	mine kind = "ours"
	real kind = "real" // as a server must: with the context of each call
	best kind = "best" // all reused that the package lets one reuse
)

// A way is a library in a case.
type way struct {
	name string
	kind kind
	make func() (caller, error)
}

// A benchmark is one case, by all who can do it.
type benchmark struct {
	name   string
	sends  int  // that the operation is to see in each call, or unseen
	fails  bool // the call
	script func() operation
	ways   []way
}

// unseen is where there is no operation.
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

// failing fails n times, then succeeds, in every call anew; always with -1.
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

// loop measures a library in the case.
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
				b.Fatal("it ended otherwise than its case says:", err)
			}
		}
	}
}
