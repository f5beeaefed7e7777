//go:build unix

package retry_test

import (
	"context"
	"os/signal"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/retry"
)

func TestInnerErrorBesideASignal(t *testing.T) {
	r := newRetrier(t, retry.Config{})
	ctx, stop := signal.NotifyContext(t.Context(), syscall.SIGUSR1)
	defer stop()
	answer := code(500, "-32603")
	err := retry.Do(ctx, r, nest(r, 2, func(ctx context.Context) error {
		require.NoError(t, syscall.Kill(syscall.Getpid(), syscall.SIGUSR1))
		<-ctx.Done()
		return answer
	}))
	require.ErrorIs(t, err, answer)
	require.ErrorIs(t, err, retry.ErrCanceled)
}
