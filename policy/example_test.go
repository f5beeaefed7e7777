package policy_test

import (
	"fmt"
	"time"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
)

// One code of the built-in table gets more patience; the rest stays.
func ExampleSet_With() {
	set, err := policy.Nexpay().With(policy.Table{
		Codes: map[classify.Code]policy.Policy{
			"-32603": {MaxAttempts: 6, MaxElapsed: time.Minute},
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	p := set.For(classify.Verdict{Class: classify.Retryable, Code: "-32603", Status: 500})
	fmt.Println(p.MaxAttempts, p.MaxElapsed, p.Backoff.Initial)
	// Output: 6 1m0s 200ms
}

// A table of one's own, for an API of one's own.
func ExampleNew() {
	set, err := policy.New(policy.Table{
		AttemptTimeout: 5 * time.Second,
		Default:        policy.Policy{MaxAttempts: 3},
		Statuses:       map[int]policy.Policy{503: {Backoff: policy.Backoff{Initial: time.Second}}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	p := set.For(classify.Verdict{Class: classify.Retryable, Status: 503})
	fmt.Println(p.MaxAttempts, p.Backoff.Longest(1), p.Backoff.Longest(2))
	// Output: 3 1s 2s
}

// What is wrong with a table is told all at once.
func ExampleNew_errors() {
	_, err := policy.New(policy.Table{
		Catalog: classify.Nexpay(),
		Default: policy.Policy{Backoff: policy.Backoff{Initial: time.Minute, Max: time.Second}},
		Codes:   map[classify.Code]policy.Policy{"100": {MaxAttempts: 3}},
	})
	fmt.Println(err)
	// Output:
	// policy: Default.Backoff: Max 1s is below Initial 1m0s
	// policy: Codes[100] (API key locked): MaxAttempts 3: a fatal error is not retryable
}

func ExampleStandard() {
	p := policy.Standard().For(classify.Verdict{Class: classify.Retryable, Status: 429})
	fmt.Println(p.MaxAttempts, p.MaxRetryAfter, p.Breaker)
	// Output: 4 1m0s failure
}

func ExampleNexpay() {
	p := policy.Nexpay().For(classify.Verdict{Class: classify.Retryable, Code: "140"})
	fmt.Println(p.MaxAttempts, p.Breaker)
	// Output: 1 trip
}

func ExampleSet_Explain() {
	fmt.Print(policy.Nexpay().Explain("-32603"))
	// Output:
	// -32603 Internal error
	//   class         retryable; effect unknown
	//   what to do    Wait and send again; for a payment, look up first whether it was created.
	//   what happens  retried after 200ms, 400ms, 800ms (each random, from zero to that); or after the wait that Retry-After asks for, up to 20s; each costs 10 tokens of the budget; a POST only with an idempotency key, or as a payment that is looked up first
	//   breaker       counts as a failure
	//   worst case    4 sends, 40s
	//   source        vendor documentation
}

// The waits before a resend, at their longest.
func ExampleBackoff_Longest() {
	b := policy.Backoff{Initial: time.Second, Max: 10 * time.Second}
	for n := range 5 {
		fmt.Print(b.Longest(n+1), " ")
	}
	// Output: 1s 2s 4s 8s 10s
}
