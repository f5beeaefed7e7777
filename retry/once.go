package retry

import "github.com/nexpay-go/resilience/classify"

// Outcome is what a lookup found out, see [Operation].
type Outcome = classify.Outcome

// What Verify may answer.
const (
	Undecided = classify.Undecided // no evidence either way, or no answer
	Applied   = classify.Applied   // it happened, whatever became of it afterwards
	Absent    = classify.Absent    // the API itself says that it knows of no such operation
)
