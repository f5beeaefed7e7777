package retry_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// A client that is not net/http reports no connections and tries again by itself: that
// the second try was refused proves nothing of the first, unless NoReplay vouches that
// there is none (M3).
func TestRefusedConnectionThatNobodyReports(t *testing.T) {
	for name, tt := range map[string]struct {
		noReplay bool
		tries    int
		want     error
	}{
		"two tries":                    {false, 2, retry.ErrOutcomeUnknown},
		"one try, and nobody vouches":  {false, 1, retry.ErrOutcomeUnknown},
		"nothing repeats, and is said": {true, 1, retry.ErrAttempts},
	} {
		t.Run(name, func(t *testing.T) {
			executed, addr := executesOnce(t, tt.tries == 1)
			set, err := policy.Nexpay().With(policy.Table{Default: policy.Policy{MaxAttempts: 1}})
			require.NoError(t, err)
			p := &payment{changes: func(op *retry.Operation[string]) {
				op.NoReplay, op.Verify = tt.noReplay, nil
				op.Send = func(ctx context.Context) (v string, err error) {
					for range tt.tries {
						if err = line(ctx, addr); err == nil {
							return "sent", nil
						}
					}
					return "", err
				}
			}}
			_, err = pay(t, t.Context(), retry.Config{Policies: set}, p)
			requireOnly(t, err, tt.want)
			require.EqualValues(t, tt.tries-1, executed.Load())
		})
	}
}

// executesOnce is a server that executes one payment and goes down before it answers;
// or one that is down.
func executesOnce(t testing.TB, down bool) (*atomic.Int32, string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	executed, done := new(atomic.Int32), make(chan struct{})
	if down {
		require.NoError(t, l.Close())
		return executed, l.Addr().String()
	}
	go func() {
		defer close(done)
		c, err := l.Accept()
		if err != nil {
			return
		}
		_, _ = bufio.NewReader(c).ReadString('\n')
		executed.Add(1)
		_ = l.Close()
		_ = c.Close()
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return executed, l.Addr().String()
}

// line sends a line over a connection of its own, and waits for one.
func line(ctx context.Context, addr string) error {
	c, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := io.WriteString(c, "pay\n"); err != nil {
		return err
	}
	_, err = bufio.NewReader(c).ReadString('\n')
	return err
}
