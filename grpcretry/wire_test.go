package grpcretry_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/grpcretry"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// A cutter stands between client and server, and cuts each connection after some bytes from
// either side.
type cutter struct {
	addr string
	lis  net.Listener
	wg   sync.WaitGroup
	most func() (up, down int64)
}

func cut(t *testing.T, to string, most func() (up, down int64)) *cutter {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	c := &cutter{addr: lis.Addr().String(), lis: lis, most: most}
	c.wg.Go(func() {
		for {
			client, err := lis.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", to)
			if err != nil {
				_ = client.Close()
				continue
			}
			up, down := c.most()
			closing := func() { _ = client.Close(); _ = server.Close() }
			c.wg.Go(func() { defer closing(); _, _ = io.CopyN(server, client, up) })
			c.wg.Go(func() { defer closing(); _, _ = io.CopyN(client, server, down) })
		}
	})
	t.Cleanup(func() {
		_ = lis.Close()
		c.wg.Wait()
	})
	return c
}

// Whatever the network does, the server has made each call at most once that is not safe to
// repeat, and none that is said not to have been applied.
func TestNothingIsPaidTwice(t *testing.T) {
	var mu sync.Mutex
	made := map[string]int{}
	b := startBank(t, func(_ context.Context, _ int64, in *text) (*text, error) {
		mu.Lock()
		defer mu.Unlock()
		made[in.GetValue()]++
		return in, nil
	})
	random := rand.New(rand.NewPCG(1, 2))
	var lock sync.Mutex
	c := cut(t, b.addr, func() (up, down int64) {
		lock.Lock()
		defer lock.Unlock()
		return random.Int64N(500), random.Int64N(500)
	})
	r := retrier(t, retry.Config{Budget: retry.NoBudget(), Policies: quick(t, policy.Table{AttemptTimeout: time.Second})})
	opts, err := grpcretry.DialOptions(grpcretry.Config{Retrier: r, Idempotent: rates})
	require.NoError(t, err)
	var ok, doubt, unsent atomic.Int64
	var clients sync.WaitGroup
	for client := range 4 {
		clients.Go(func() {
			for i := range 50 {
				id := fmt.Sprint(client, " ", i)
				conn, err := grpc.NewClient("passthrough:///"+c.addr, append(opts, insecureOption)...)
				if err != nil {
					t.Error(err)
					return
				}
				_, err = invoke(t.Context(), conn, pay, id)
				_, _ = invoke(t.Context(), conn, pay, id+" again") // on a connection that is there
				_ = conn.Close()
				mu.Lock()
				times := made[id]
				mu.Unlock()
				switch {
				case err == nil:
					ok.Add(1)
					if times != 1 {
						t.Errorf("%s succeeded, and was made %d times", id, times)
					}
				case ending(t, err).Effect == classify.NotApplied:
					unsent.Add(1)
					if times != 0 {
						t.Errorf("%s is said not to be made, and was: %v", id, err)
					}
				default:
					doubt.Add(1)
				}
			}
		})
	}
	clients.Wait()
	mu.Lock()
	defer mu.Unlock()
	for id, times := range made {
		require.Equal(t, 1, times, id)
	}
	t.Log(ok.Load(), "succeeded,", doubt.Load(), "in doubt,", unsent.Load(), "not sent")
	for _, n := range []*atomic.Int64{&ok, &doubt, &unsent} {
		require.Greater(t, n.Load(), int64(5), "all three kinds happen")
	}
}

// A server that goes away in a call leaves doubt, whose call is made again if that is safe.
func TestServerGoesAway(t *testing.T) {
	for _, method := range []string{pay, rate} {
		var b *bank
		var other atomic.Value
		b = startBank(t, func(_ context.Context, n int64, in *text) (*text, error) {
			other.Store(startBank(t, echoing).addr)
			go b.server.Stop()
			time.Sleep(20 * time.Millisecond)
			return in, nil
		})
		conn := dial(t, b.addr, grpcretry.Config{}, grpc.WithContextDialer(func(ctx context.Context, addr string) (net.Conn, error) {
			if next, ok := other.Load().(string); ok {
				addr = next
			}
			return new(net.Dialer).DialContext(ctx, "tcp", addr)
		}))
		_, err := invoke(t.Context(), conn, method, "x", grpc.WaitForReady(true))
		if method == rate {
			require.NoError(t, err)
			continue
		}
		require.ErrorIs(t, err, retry.ErrDoubt)
		require.Equal(t, codes.Unavailable, status.Code(err))
	}
}
