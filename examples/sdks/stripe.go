package sdks

import (
	"cmp"
	"net/http"

	"github.com/stripe/stripe-go/v85"

	"github.com/nexpay-go/resilience/classify"
)

var stripeHeader = shaped("Stripe", classify.Shape{TraceID: []string{"header:Request-Id"}})

// Stripe reads the errors of github.com/stripe/stripe-go/v85. The code is the decline
// code where there is one.
//
// The SDK sends up to three times by default. To have it send once:
//
//	stripe.BackendConfig{MaxNetworkRetries: stripe.Int64(0)}
//
// Without a key of your own it makes up an Idempotency-Key for each call, and so for
// each attempt of package retry, under which a POST that is sent again happens again:
// call params.SetIdempotencyKey, once for all attempts.
//
// An answer that is no JSON, a gateway's page say, becomes an error without type or
// status: it is Unclassified, and not sent again.
var Stripe = classify.Adapt(func(e *stripe.Error) classify.Error {
	var answer classify.Error
	if e.LastResponse != nil {
		answer = heading(stripeHeader, &http.Response{StatusCode: e.HTTPStatusCode, Header: e.LastResponse.Header})
	}
	answer.Status = e.HTTPStatusCode
	answer.Details = []classify.Detail{{
		Code:    classify.Code(cmp.Or(string(e.DeclineCode), string(e.Code))),
		Message: e.Msg,
		Data:    e.Param,
	}}
	return answer
})
