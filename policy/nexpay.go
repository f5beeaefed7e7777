package policy

import (
	"sync"
	"time"

	"github.com/nexpay-go/resilience/classify"
)

// Nexpay returns the policies for the Nexpay API. They are those of [Standard] with two
// changes. The attempt timeout is 10 s, because a silent server would otherwise block the
// key. The codes 130 and 140 (suspended) are not retried and open the breaker at once,
// because a suspension lasts.
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
