package story_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/nexpay/nexpaytest"
	"github.com/nexpay-go/resilience/retry"
)

// short.
func TestRetryAfterIsHonouredOrEndsTheCall(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		status int
		after  string
		reason error // in a call that has ten seconds
	}{
		{503, "5", nil}, // fits: it is waited for
		{503, "15", retry.ErrDeadline},
		{503, "20", retry.ErrDeadline},
		{503, "21", retry.ErrRetryAfter},
		{503, "9223372037", retry.ErrRetryAfter},
		{429, "21", retry.ErrDeadline},
		{429, "60", retry.ErrDeadline},
		{429, "61", retry.ErrRetryAfter},
		{503, "-5", retry.ErrAttempts}, // asks for nothing
		{503, "soon", retry.ErrAttempts},
	} {
		t.Run(fmt.Sprint(row.status, " ", row.after), func(t *testing.T) {
			t.Parallel()
			w := open(t, setup{})
			w.bank.AddRule(nexpaytest.Rule{Fault: fault{Status: row.status, RetryAfter: row.after}})
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			began := time.Now()
			if row.reason == nil {
				wait := w.firstWait(ctx, cancel)
				require.GreaterOrEqual(t, wait, 5*time.Second)
				require.Less(t, wait, 5500*time.Millisecond, "up to a tenth more, so that not all come back at once")
				w.sent(1)
				return
			}
			err := w.callIn(ctx)
			require.ErrorIs(t, err, row.reason)
			require.Less(t, time.Since(began), 5*time.Second, "nobody waits for what cannot be")
			require.NoError(t, ctx.Err())
			if row.reason == retry.ErrAttempts {
				w.sent(4)
				return
			}
			require.Equal(t, row.reason == retry.ErrDeadline, errors.Is(err, context.DeadlineExceeded))
			w.sent(1)
		})
	}
}

// firstWait is the wait that the call decides on, which is then cancelled.
func (w *world) firstWait(ctx context.Context, cancel func()) (wait time.Duration) {
	w.t.Helper()
	w.onEvent = func(e retry.Event) {
		if e.Kind == retry.EventResend {
			wait = e.Wait
			cancel()
		}
	}
	err := w.callIn(ctx)
	require.ErrorIs(w.t, err, retry.ErrCanceled)
	_, answered := errors.AsType[*classify.Error](err)
	require.True(w.t, answered, "the answer is not lost")
	return wait
}
