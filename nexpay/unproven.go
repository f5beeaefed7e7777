package nexpay

import "github.com/nexpay-go/resilience/classify"

// An UnprovenError means that a lookup was answered, and that the answer is no
// evidence for or against a payment. It does not wrap Answer, so package classify
// leaves it unclassified: a gateway's 404 neither ends the lookups nor counts as a
// failure of the API.
type UnprovenError struct {
	Why    string          // the reason, for people
	Answer *classify.Error // the answer; never nil, without Details for a 2xx
}

// Error returns the reason and the answer with its trace id.
func (e *UnprovenError) Error() string {
	return "nexpay: the lookup proves nothing, " + e.Why + ": " + e.Answer.Error()
}

// SafeError returns the text of Error, which is safe to log.
func (e *UnprovenError) SafeError() string { return e.Error() }
