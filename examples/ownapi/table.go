package main

import (
	"time"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
)

// policies are all that the library has to know of the API: what its codes mean,
// from its documentation, and what to do about one of them that is special.
func policies() (*policy.Set, error) {
	catalog, err := classify.NewCatalog("papaya",
		classify.Rule{Codes: "1000..1999", Name: "malformed request", Fix: "Correct the request.",
			Class: classify.FixAndResend, Effect: classify.NotApplied, Source: "Papaya handbook, 4.1"},
		classify.Rule{Codes: "1404", Name: "no such transfer", Class: classify.Fatal, Effect: classify.NotApplied, Source: "Papaya handbook, 4.1"},
		classify.Rule{Codes: "2001", Name: "token revoked", Fix: "Ask for a new token in the console.",
			Class: classify.Fatal, Effect: classify.NotApplied, Lockout: true, Source: "Papaya handbook, 4.2"},
		classify.Rule{Codes: "3001", Name: "ledger busy", Class: classify.Retryable, Effect: classify.NotApplied, Source: "Papaya handbook, 4.3"},
		classify.Rule{Codes: "3002", Name: "end of day", Fix: "Come back after the cut-off.",
			Class: classify.Retryable, Effect: classify.NotApplied, Source: "Papaya handbook, 4.3"},
	)
	if err != nil {
		return nil, err
	}
	return policy.New(policy.Table{
		Catalog:        catalog,
		AttemptTimeout: 2 * time.Second,
		Codes: map[classify.Code]policy.Policy{
			"3001": {MaxAttempts: 5, Backoff: policy.Backoff{Initial: 10 * time.Millisecond, Max: 50 * time.Millisecond}},
			"3002": {MaxAttempts: 1, Breaker: policy.Trip}, // a state, not a blip
		},
	})
}
