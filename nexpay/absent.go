package nexpay

import (
	"net/http"

	"github.com/nexpay-go/resilience/classify"
)

// DefaultAbsent is what [Payment.Absent] means if it is nil: an answer says that
// there is no such payment if it is a 404, read whole, and all of its codes are
// 3xxxx, "request error", other than 30010, which says that a parameter is wrong.
//
// This is a guess, and a careful one: the vendor does not document what is
// answered for an id that it does not know. A bare 404 is also what a wrong path
// or a gateway answers, and 20000 and 20010 mean that the lookup itself was
// malformed; neither is evidence. If the guess is wrong one way, nothing is ever
// found to be absent, and each doubt is left for a person to settle; if it is
// wrong the other way, a payment is made twice. So before you go live, look up a
// random id in the vendor's sandbox, and one of a payment that exists, and set
// Payment.Absent to just what came back for the first.
func DefaultAbsent(e *classify.Error) bool {
	if e == nil || e.Status != http.StatusNotFound || !e.Complete() {
		return false
	}
	for _, d := range e.Details {
		if !requestErrors.Matches(d.Code) || d.Code == "30010" {
			return false
		}
	}
	return true
}

var requestErrors = classify.Rule{Codes: "30000..39999"}

// mayMeanAbsent reports whether a complete error is one that Payment.Absent is
// asked about at all: a mistake there must not turn a refused nonce, a locked key or a
// malformed lookup into a payment that does not exist.
func mayMeanAbsent(e *classify.Error) bool {
	switch {
	case e.Status == http.StatusRequestTimeout, e.Status == http.StatusTooEarly, e.Status == http.StatusTooManyRequests:
		return false // about when it was asked, not what
	case e.Status != http.StatusOK && e.Status/100 != 4:
		return false
	}
	for _, d := range e.Details {
		rule, known := classify.Nexpay().Lookup(d.Code)
		if known && rule.Class != classify.FixAndResend || d.Code == "20000" || d.Code == "20010" {
			return false
		}
	}
	return true
}
