package policy

import (
	"sync"
	"time"

	"github.com/nexpay-go/resilience/classify"
)

// Nexpay returns the policies for the Nexpay API: those of [Standard], an
// attempt timeout of 10 s, because a silent server would otherwise hold the
// key's turn, and for the codes 130 and 140 (suspended) a single send that
// opens the breaker at once: a suspension is a state, not a blip.
func Nexpay() *Set { return nexpay() }

var nexpay = sync.OnceValue(func() *Set {
	suspended := Policy{MaxAttempts: 1, Breaker: Trip}
	return compile(Table{
		Catalog:        classify.Nexpay(),
		AttemptTimeout: 10 * time.Second,
		Codes: map[classify.Code]Policy{
			"130": suspended, // trading suspended
			"140": suspended, // REST API suspended
		},
	})
})
