package nexpay

import "github.com/nexpay-go/resilience/classify"

// An UnprovenError says that a lookup was answered, and why the answer is no
// evidence for or against a payment. It claims nothing else: package classify
// leaves it unclassified, so that a gateway's 404 neither ends the search for the
// truth nor counts against the API. That is why it does not wrap the Answer.
type UnprovenError struct {
	Why    string          // for people
	Answer *classify.Error // what was answered; never nil, and without Details for a 2xx
}

// Error tells why and shows the answer, trace id and all.
func (e *UnprovenError) Error() string {
	return "nexpay: the lookup proves nothing, " + e.Why + ": " + e.Answer.Error()
}

// SafeError says that this text is fit to be logged.
func (e *UnprovenError) SafeError() string { return e.Error() }
