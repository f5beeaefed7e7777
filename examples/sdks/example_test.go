package sdks_test

import (
	"fmt"
	"net/http"

	"github.com/stripe/stripe-go/v85"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/examples/sdks"
)

func Example() {
	catalog, err := classify.NewCatalog("payments", classify.Rule{
		Codes: "insufficient_funds", Name: "insufficient funds", Class: classify.Fatal, Effect: classify.NotApplied,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	catalog = catalog.WithAdapters(sdks.Stripe)
	verdict := catalog.Classify(&stripe.Error{
		HTTPStatusCode: http.StatusPaymentRequired, Code: stripe.ErrorCodeCardDeclined, DeclineCode: stripe.DeclineCodeInsufficientFunds,
	})
	fmt.Println(verdict.Rule, verdict.Class, verdict.Effect)
	// Output: insufficient funds fatal not applied
}
