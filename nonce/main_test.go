package nonce_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/nexpay-go/resilience/nonce"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	_ nonce.KeySource = (*nonce.Lane)(nil)
	_ nonce.KeySource = (*nonce.Pool)(nil)
	_ optional        = (*nonce.Lane)(nil)
	_ optional        = (*nonce.Pool)(nil)
)

// optional is what the documentation of Source offers besides.
type optional interface {
	EnterUnless(ctx context.Context, locked func(key string) error) (*nonce.Ticket, error)
	Holds(key string) bool
	Owns(ticket *nonce.Ticket) bool
}

func newLane(t testing.TB, c nonce.LaneConfig) *nonce.Lane {
	t.Helper()
	if c.Key == "" {
		c.Key = "main"
	}
	l, err := nonce.NewLane(c)
	require.NoError(t, err)
	return l
}

func newPool(t testing.TB, keys ...string) (*nonce.Pool, []*nonce.Lane) {
	t.Helper()
	var lanes []*nonce.Lane
	for _, key := range keys {
		lanes = append(lanes, newLane(t, nonce.LaneConfig{Key: key}))
	}
	p, err := nonce.NewPool(lanes...)
	require.NoError(t, err)
	return p, lanes
}

func enter(t testing.TB, s nonce.Source) *nonce.Ticket {
	t.Helper()
	ticket, err := s.Enter(context.Background())
	require.NoError(t, err)
	return ticket
}

// clock is set by hand and may step back.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

// clockOf makes l read a clock that stands at µs microseconds after 1970.
func clockOf(l *nonce.Lane, µs int64) *clock {
	c := &clock{now: time.UnixMicro(µs)}
	nonce.SetClock(l, func() time.Time {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.now
	})
	return c
}

func (c *clock) step(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// caller enters on a goroutine of its own; see arrive.
type caller struct {
	cancel context.CancelCauseFunc
	done   chan struct{} // closed when the two below are set
	ticket *nonce.Ticket
	err    error
}

// arrive calls enter on a goroutine of its own.
func arrive(enter func(context.Context) (*nonce.Ticket, error)) *caller {
	ctx, cancel := context.WithCancelCause(context.Background())
	c := &caller{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(c.done)
		c.ticket, c.err = enter(ctx)
	}()
	return c
}

// waits reports whether the call has not returned.
func (c *caller) waits() bool {
	select {
	case <-c.done:
		return false
	default:
		return true
	}
}
