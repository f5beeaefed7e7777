// Package coming has the code of docs/coming-from.md, before and after, and tests what the
// page says about other libraries with the libraries themselves.
package coming_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// A bank is the API that is called. It fails as configured and then answers.
type bank struct {
	fails []error // one for each of the next calls
	calls int
}

// Balance asks the bank.
func (b *bank) Balance(ctx context.Context) (string, error) {
	b.calls++
	if len(b.fails) > 0 {
		err := b.fails[0]
		b.fails = b.fails[1:]
		return "", err
	}
	return "17.50", nil
}

// failing returns a bank that fails n times in the same way.
func failing(n int, err error) *bank {
	b := new(bank)
	for range n {
		b.fails = append(b.fails, err)
	}
	return b
}

// An apiError is what a client makes of an answer. Package retry reads its methods.
type apiError struct {
	status int
	wait   time.Duration // Retry-After
}

func (e *apiError) Error() string             { return fmt.Sprintf("the bank answers %d", e.status) }
func (e *apiError) StatusCode() int           { return e.status }
func (e *apiError) RetryAfter() time.Duration { return e.wait }

var (
	errDown    = &apiError{status: http.StatusServiceUnavailable}
	errRefused = &apiError{status: http.StatusForbidden}
)

// refused reports whether a resend cannot help.
func refused(err error) bool {
	e, ok := errors.AsType[*apiError](err)
	return ok && e.status < 500 && e.status != http.StatusTooManyRequests
}
