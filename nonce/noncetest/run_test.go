package noncetest_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/nonce/noncetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func lane(t testing.TB, c nonce.LaneConfig) *nonce.Lane {
	l, err := nonce.NewLane(c)
	require.NoError(t, err)
	return l
}

func TestLanesAndPoolsKeepTheRules(t *testing.T) {
	for _, c := range []nonce.LaneConfig{{Key: "a"}, {Key: "a", InFlight: 3}, {Key: "a", Adaptive: true}, {Key: "a", Unit: 1e6}} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { noncetest.Run(t, lane(t, c)) })
		})
	}
	t.Run("pool", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p, err := nonce.NewPool(lane(t, nonce.LaneConfig{Key: "a"}), lane(t, nonce.LaneConfig{Key: "b", InFlight: 2}))
			require.NoError(t, err)
			noncetest.Run(t, p)
		})
	})
	t.Run("around a lane", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var events []nonce.Event
			l := lane(t, nonce.LaneConfig{Key: "a", OnEvent: func(e nonce.Event) { events = append(events, e) }})
			noncetest.Run(t, &around{l})
			require.Empty(t, events, "a foreign writer who is not there")
			require.Less(t, l.Last(), uint64(time.Now().UnixMicro())+1000)
		})
	})
	t.Run("of one's own", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { noncetest.Run(t, newCounter("")) })
	})
}

// around is a source around a lane, as for metrics.
type around struct{ lane *nonce.Lane }

func (a *around) Enter(ctx context.Context) (*nonce.Ticket, error) {
	inner, err := a.lane.Enter(ctx)
	if err != nil {
		return nil, err
	}
	return nonce.NewTicket(inner.Key(), inner.Nonce(), func(ctx context.Context, refused bool) (*nonce.Ticket, error) {
		if refused {
			return inner.Resync(ctx)
		}
		return inner.Next(ctx)
	}, inner.Leave), nil
}

// counter is a source of one's own, with one fault.
type counter struct {
	turn  chan struct{}
	last  atomic.Uint64
	fault string
}

func newCounter(fault string) *counter { return &counter{turn: make(chan struct{}, 1), fault: fault} }

func (c *counter) Enter(ctx context.Context) (*nonce.Ticket, error) {
	if c.fault != "begins on a context that is over" && ctx.Err() != nil {
		return nil, c.over(ctx)
	}
	select {
	case c.turn <- struct{}{}:
	case <-ctx.Done():
		if c.fault == "loses turns of waiters" {
			go func() { c.turn <- struct{}{} }()
		}
		return nil, c.over(ctx)
	}
	n := c.last.Add(1)
	switch c.fault {
	case "hands a nonce out twice":
		n = (n + 1) / 2
	case "falls":
		n = 1_000_000 - n
	case "counts in nanoseconds":
		n += nonce.MaxNonce
	case "starts at 0":
		n--
	case "nothing":
		return nil, nil
	}
	return nonce.NewTicket("shared", n, c.renew, c.leave), nil
}

func (c *counter) over(ctx context.Context) error {
	switch c.fault {
	case "hides the context's error":
		return context.Cause(ctx)
	case "hides the cause":
		return ctx.Err()
	}
	return fmt.Errorf("%w: %w", ctx.Err(), context.Cause(ctx))
}

func (c *counter) renew(context.Context, bool) (*nonce.Ticket, error) {
	switch c.fault {
	case "resyncs to the same":
		return nonce.NewTicket("shared", c.last.Load(), nil, nil), nil
	case "resyncs without booking":
		return nonce.NewTicket("shared", c.last.Load()+100, nil, nil), nil
	case "resyncs another key":
		return nonce.NewTicket("other", c.last.Add(1), nil, nil), nil
	}
	return nonce.NewTicket("shared", c.last.Add(1), nil, nil), nil
}

func (c *counter) leave() {
	if c.fault != "keeps turns" {
		<-c.turn
	}
}

func (c *counter) Holds(key string) bool {
	return key == "shared" && c.fault != "holds nothing" || c.fault == "holds all"
}

func (c *counter) Owns(t *nonce.Ticket) bool {
	return t.Key() == "shared" && t.Nonce() <= c.last.Load() && c.fault != "owns nothing" || c.fault == "owns all"
}

func (c *counter) EnterKey(ctx context.Context, key string) (*nonce.Ticket, error) {
	if key != "shared" && c.fault != "knows any key" {
		return nil, nonce.ErrUnknownKey
	}
	return c.Enter(ctx)
}

func (c *counter) EnterUnless(ctx context.Context, locked func(string) error) (*nonce.Ticket, error) {
	if err := locked("shared"); err != nil {
		if c.fault == "hides the lock" {
			return nil, context.Canceled
		}
		return nil, err
	}
	t, err := c.Enter(ctx)
	if err != nil || c.fault == "asks once" {
		return t, err
	}
	if err := locked("shared"); err != nil {
		if c.fault != "keeps the turn of a locked key" {
			t.Leave()
		}
		return nil, err
	}
	return t, nil
}

// A recorder is a testing.TB that fails in silence.
type recorder struct {
	testing.TB
	failed atomic.Bool
}

func (r *recorder) Helper()               {}
func (r *recorder) Errorf(string, ...any) { r.failed.Store(true) }
func (r *recorder) Failed() bool          { return r.failed.Load() }

func TestEveryFaultIsFound(t *testing.T) {
	for _, fault := range []string{
		"hands a nonce out twice", "falls", "counts in nanoseconds", "starts at 0", "nothing", "hides the context's error", "hides the cause",
		"begins on a context that is over", "loses turns of waiters", "resyncs to the same", "resyncs without booking",
		"resyncs another key", "keeps turns", "holds nothing", "holds all", "knows any key", "owns nothing", "owns all", "hides the lock", "asks once",
		"keeps the turn of a locked key",
	} {
		t.Run(fault, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCounter(fault)
				r := &recorder{TB: t}
				noncetest.Run(r, c)
				require.True(t, r.Failed())
				synctest.Wait()
				for len(c.turn) > 0 { // so that nobody is left waiting
					<-c.turn
					synctest.Wait()
				}
			})
		})
	}
}

func Example() {
	source, err := nonce.NewLane(nonce.LaneConfig{Key: "main"}) // or one of your own
	if err != nil {
		fmt.Println(err)
		return
	}
	TestSource := func(t *testing.T) { noncetest.Run(t, source) }
	_ = TestSource
	fmt.Println("ready")
	// Output: ready
}
