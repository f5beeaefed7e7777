package retry_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// For those who come from cenkalti/backoff: the same loop. What no rule knows is not
// sent again here, so an error that is worth it says so.
func Example_backoff() {
	policies, err := policy.New(policy.Table{Default: policy.Policy{
		MaxElapsed: time.Minute, Backoff: policy.Backoff{Initial: time.Millisecond, Max: 30 * time.Second, Multiplier: 1.5},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	r, err := retry.New(retry.Config{Policies: policies, ShowErrors: true})
	if err != nil {
		fmt.Println(err)
		return
	}

	errFull, errNoQueue := errors.New("queue full"), errors.New("no such queue")
	push := func(answers ...error) error {
		return retry.Do(context.Background(), r, func(context.Context) error {
			err := answers[0]
			answers = answers[1:]
			switch {
			case errors.Is(err, errFull):
				return retry.Transient(err) // send it again
			case errors.Is(err, errNoQueue):
				return retry.Permanent(err) // never
			}
			return err
		}, retry.Named("push"))
	}
	fmt.Println(push(errFull, nil))
	err = push(errFull, errNoQueue)
	var failed *retry.Error
	fmt.Println(errors.As(err, &failed), failed.Attempts, errors.Is(err, retry.ErrFatal), errors.Is(err, errNoQueue))
	fmt.Println(strings.Contains(err.Error(), "no such queue")) // ShowErrors
	err = push(errors.New("what is that?"))
	fmt.Println(errors.Is(err, retry.ErrUnclassified))
	// Output:
	// <nil>
	// true 2 true true
	// true
	// true
}
