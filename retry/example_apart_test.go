package retry_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/nexpay-go/resilience/retry"
)

// Inside a payment's Send a call of another Retrier is refused, because it might
// repeat the payment. One that is about something else says so.
func ExampleApart() {
	tokens, err := retry.New(retry.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	r, err := retry.New(retry.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	token := func(context.Context) (string, error) { return "token 7", nil }

	paid, err := retry.DoOnce(context.Background(), r, retry.Operation[string]{
		ID: "inv-7",
		Send: func(ctx context.Context) (string, error) {
			_, err := retry.DoValue(ctx, tokens, token)
			fmt.Println("nested:", errors.Is(err, retry.ErrNested))

			t, err := retry.DoValue(retry.Apart(ctx), tokens, token)
			if err != nil {
				return "", err
			}
			return "paid with " + t, nil
		},
	})
	fmt.Println(paid, err)
	// Output:
	// nested: true
	// paid with token 7 <nil>
}
