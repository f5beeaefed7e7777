package retry_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// A network is what net/http dials, and how often it did.
type network struct {
	dials atomic.Int32
	dial  func(ctx context.Context, n int32) (net.Conn, error)
}

// client is one with a pool of its own.
func (n *network) client(t testing.TB) *http.Client {
	tr := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return n.dial(ctx, n.dials.Add(1))
	}}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

// swallows is a network that never answers, as net.Dialer reports it.
func swallows(ctx context.Context, _ int32) (net.Conn, error) {
	<-ctx.Done()
	return nil, &net.OpError{Op: "dial", Net: "tcp", Err: ctx.Err()}
}

// over makes requests with c, and is both Send and Verify of an operation.
func over(c *http.Client) func(*retry.Operation[string]) {
	exchange := func(ctx context.Context, method string) error {
		req, err := http.NewRequestWithContext(ctx, method, "http://api.example/payments", nil)
		if err != nil {
			return err
		}
		resp, err := c.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		return classify.FromResponse(resp)
	}
	return func(op *retry.Operation[string]) {
		op.Send = func(ctx context.Context) (string, error) { return "sent", exchange(ctx, http.MethodPost) }
		op.Verify = func(ctx context.Context) (string, retry.Outcome, error) {
			return "", retry.Undecided, exchange(ctx, http.MethodGet)
		}
	}
}

// An address that swallows packets: the time ends while net/http is still dialing.
// No connection was had, and net/http was seen at work, so it did not happen (M3),
// whatever the error is called.
func TestNoConnectionIsNoDoubt(t *testing.T) {
	for name, tt := range map[string]struct {
		dial func(context.Context, int32) (net.Conn, error)
		ctx  func(context.Context) (context.Context, context.CancelFunc)
		want error
	}{
		"the attempt's time ends": {swallows, context.WithCancel, retry.ErrElapsed},
		"the deadline comes": {swallows, func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, 3*time.Second)
		}, retry.ErrDeadline},
		"the caller goes away": {swallows, func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(3*time.Second, cancel)
			return ctx, cancel
		}, retry.ErrCanceled},
		"the dialer's own time ends": {func(context.Context, int32) (net.Conn, error) {
			time.Sleep(5 * time.Second)
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: slow{}}
		}, context.WithCancel, retry.ErrAttempts},
		"nobody listens": {func(context.Context, int32) (net.Conn, error) { return nil, errRefused }, context.WithCancel, retry.ErrAttempts},
		"no such name": {func(context.Context, int32) (net.Conn, error) {
			return nil, &net.DNSError{Err: "no such host", Name: "api.example", IsNotFound: true}
		}, context.WithCancel, retry.ErrAttempts},
		"an error nobody knows": {func(context.Context, int32) (net.Conn, error) { return nil, errors.New("strange") }, context.WithCancel, retry.ErrAttempts},
	} {
		for _, lane := range []bool{false, true} {
			for _, journal := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/lane %v/journal %v", name, lane, journal), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						n := &network{dial: tt.dial}
						c := n.client(t)
						defer c.CloseIdleConnections()
						cfg := retry.Config{Policies: steady(t, policy.Table{})}
						if lane {
							cfg.Nonces = newLane(t)
						}
						if journal {
							cfg.Journal = new(retry.MemoryJournal)
						}
						ctx, cancel := tt.ctx(t.Context())
						defer cancel()
						p := &payment{changes: over(c)}
						_, err := pay(t, ctx, cfg, p)
						e := asError(t, err)
						require.NotErrorIs(t, err, retry.ErrOutcomeUnknown)
						require.Equal(t, classify.NotApplied, e.Effect)
						require.Equal(t, tt.want, e.Reason)
						require.EqualValues(t, e.Attempts, n.dials.Load(), "no lookup")
						if journal {
							require.Equal(t, retry.EntryNotApplied, held(t, cfg.Journal).State)
						}
					})
				})
			}
		}
	}
}

type slow struct{}

func (slow) Error() string { return "i/o timeout" }

func (slow) Timeout() bool { return true }

// A connection that was had and then broke is doubt, also where the next one of the
// same Send could not be made.
func TestConnectionBeforeTheOneThatFailed(t *testing.T) {
	for name, repeats := range map[string]bool{"once": false, "repeated below": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := &network{dial: func(ctx context.Context, n int32) (net.Conn, error) {
					if n > 1 {
						return swallows(ctx, n)
					}
					ours, theirs := net.Pipe()
					go func() {
						_, _ = http.ReadRequest(bufio.NewReader(theirs))
						_ = theirs.Close() // executed, and not answered
					}()
					return ours, nil
				}}
				c := n.client(t)
				defer c.CloseIdleConnections()
				p := &payment{looks: []found{applied}}
				verify := p.operation().Verify
				p.changes = func(op *retry.Operation[string]) {
					over(c)(op)
					send := op.Send
					op.Verify = verify
					op.Send = func(ctx context.Context) (string, error) {
						v, err := send(ctx)
						if repeats {
							v, err = send(ctx)
						}
						return v, err
					}
				}
				v, err := pay(t, t.Context(), retry.Config{}, p)
				require.NoError(t, err)
				require.Equal(t, "verified", v)
				want := int32(1)
				if repeats {
					want = 2
				}
				require.Equal(t, want, n.dials.Load())
			})
		})
	}
}
