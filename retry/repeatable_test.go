package retry_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/retry"
)

// Who makes whole calls again, as a job queue does, must not do so where the call
// itself must not send again, whatever it says that it ended for.
func TestRepeatable(t *testing.T) {
	refused, unknown := &classify.Error{Status: 400, Details: []classify.Detail{{Code: "30010"}}}, &classify.Error{Status: 500}
	never, proof := retry.Resend(retry.ResendNever), retry.Resend(retry.ResendOnProof)
	for name, c := range map[string]struct {
		opts   []retry.Option
		fails  error
		within time.Duration
		reason error
		want   bool
	}{
		"safe to repeat":                {nil, unknown, time.Hour, retry.ErrAttempts, true},
		"safe, out of time":             {nil, nil, time.Second, retry.ErrDeadline, true},
		"proved":                        {[]retry.Option{proof}, refused, time.Hour, retry.ErrFixAndResend, true},
		"in doubt":                      {[]retry.Option{proof}, unknown, time.Hour, retry.ErrDoubt, false},
		"in doubt, out of time":         {[]retry.Option{proof}, nil, time.Second, retry.ErrDeadline, false},
		"in doubt, marked":              {[]retry.Option{proof}, retry.Permanent(unknown), time.Hour, retry.ErrFatal, false},
		"with a key, kept":              {[]retry.Option{retry.ResendWithin(time.Hour, retry.ResendOnProof)}, unknown, time.Hour, retry.ErrAttempts, false},
		"sent once, whatever it proves": {[]retry.Option{never}, unknown, time.Hour, retry.ErrAttempts, false},
		"sent once, out of time":        {[]retry.Option{never}, nil, time.Second, retry.ErrDeadline, false},
		"never sent":                    {[]retry.Option{never}, nil, 0, retry.ErrDeadline, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), c.within)
				defer cancel()
				err := retry.Do(ctx, newRetrier(t, retry.Config{}), func(ctx context.Context) error {
					if c.fails != nil {
						return c.fails
					}
					<-ctx.Done()
					return ctx.Err()
				}, c.opts...)
				require.ErrorIs(t, err, c.reason)
				e, _ := errors.AsType[*retry.Error](err)
				require.Equal(t, c.want, e.Repeatable())
			})
		})
	}
	for _, reason := range []error{retry.ErrOutcomeUnknown, retry.ErrBusy} {
		require.False(t, (&retry.Error{Reason: reason}).Repeatable(), "%v", reason)
	}
	require.True(t, (*retry.Error)(nil).Repeatable())
}
