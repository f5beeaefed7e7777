// Hello calls an API that fails twice, and gets its answer.
package main

import (
	"context"
	"fmt"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

func main() {
	r, err := retry.New(retry.Config{Policies: policy.Standard(), OnEvent: retry.LogEvents(nil)})
	if err != nil {
		panic(err)
	}
	sends := 0
	balance, err := retry.DoValue(context.Background(), r, func(context.Context) (string, error) {
		if sends++; sends < 3 { // your API call goes here; this one fails twice
			return "", &classify.Error{Status: 503}
		}
		return "17.50 EUR", nil
	}, retry.Named("balance"))
	fmt.Println(balance, err)
}
