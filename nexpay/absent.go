package nexpay

import (
	"net/http"

	"github.com/nexpay-go/resilience/classify"
)

// DefaultAbsent is used where [Payment.Absent] is nil. It reports that the payment
// does not exist if the answer is a complete 404 and each of its codes is in the
// 3xxxx group, "request error". Code 30010 is excluded: it means that a parameter is
// wrong.
//
// This is a careful guess. The vendor does not document the answer for an unknown id.
// A wrong path or a gateway also answers with a bare 404, and codes 20000 and 20010
// mean that the lookup itself was malformed; neither is evidence. If the guess is too
// strict, no payment is ever found to be absent, and a person must settle each
// payment in doubt. If it is too lax, a payment is made twice. Before you go live,
// look up a random id and the id of an existing payment in the vendor's sandbox, and
// set Payment.Absent to accept exactly the answer for the random one.
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

// mayMeanAbsent reports whether Payment.Absent is called for a complete error at all.
// Without this check, a mistake there could turn a refused nonce, a locked key or a
// malformed lookup into a payment that does not exist.
func mayMeanAbsent(e *classify.Error) bool {
	switch {
	case e.Status == http.StatusRequestTimeout, e.Status == http.StatusTooEarly, e.Status == http.StatusTooManyRequests:
		return false // about the time of the request, not the payment
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
