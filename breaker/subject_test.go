package breaker_test

import (
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/nexpay-go/resilience/breaker"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A subject is a breaker under test in virtual time, the leases taken from it by name, and what its hook heard.
type subject struct {
	*testing.T
	b       *breaker.Breaker
	leases  map[string]*breaker.Lease
	changes []breaker.StateChange
}

// A step does something, after which the breaker is in a state.
type step struct {
	do    func(*subject)
	state breaker.State
}

func run(t *testing.T, cfg breaker.Config, steps []step) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := newSubject(t, cfg)
		for i, st := range steps {
			st.do(s)
			require.Equal(t, st.state.String(), s.b.State().String(), "after step %d", i)
		}
	})
}

func newSubject(t *testing.T, cfg breaker.Config) *subject {
	t.Helper()
	s := &subject{T: t, leases: map[string]*breaker.Lease{}}
	cfg.OnStateChange = func(c breaker.StateChange) { s.changes = append(s.changes, c) }
	s.b = newBreaker(t, cfg)
	return s
}

func newBreaker(t testing.TB, cfg breaker.Config) *breaker.Breaker {
	t.Helper()
	b, err := breaker.New(cfg)
	require.NoError(t, err)
	return b
}

// setDefault directs slog.Default for the length of a test.
func setDefault(t *testing.T, h slog.Handler) {
	t.Helper()
	before := slog.Default()
	slog.SetDefault(slog.New(h))
	t.Cleanup(func() { slog.SetDefault(before) })
}

// calls makes n calls that end in o, one after the other.
func calls(n int, o breaker.Outcome) func(*subject) {
	return func(s *subject) {
		s.Helper()
		for range n {
			l, err := s.b.Acquire()
			require.NoError(s, err)
			l.Done(o)
		}
	}
}

// take acquires leases and keeps them by their names. It compares Check with Acquire as it goes.
func take(probe bool, names ...string) func(*subject) {
	return func(s *subject) {
		s.Helper()
		for _, name := range names {
			require.NoError(s, s.b.Check())
			l, err := s.b.Acquire()
			require.NoError(s, err)
			require.Equal(s, probe, l.Probe())
			s.leases[name] = l
		}
	}
}

// done reports for a lease kept by take.
func done(name string, o breaker.Outcome) func(*subject) {
	return func(s *subject) { s.leases[name].Done(o) }
}

// refused expects Acquire and Check to refuse for the same reason, and to be tried again after retryIn.
func refused(reason string, retryIn time.Duration) func(*subject) {
	return func(s *subject) {
		s.Helper()
		e := s.refusal()
		require.Equal(s, reason, e.Reason)
		require.Equal(s, retryIn, e.RetryIn)
	}
}

// refusedFor expects a refusal during an open time that has just begun and was drawn from base.
func refusedFor(reason string, base time.Duration) func(*subject) {
	return refusedBetween(reason, base*2/3, base)
}

// refusedBetween expects a refusal that ends in some span of time.
func refusedBetween(reason string, least, most time.Duration) func(*subject) {
	return func(s *subject) {
		s.Helper()
		e := s.refusal()
		require.Equal(s, reason, e.Reason)
		require.GreaterOrEqual(s, e.RetryIn, least)
		require.LessOrEqual(s, e.RetryIn, most)
	}
}

func (s *subject) refusal() *breaker.OpenError {
	s.Helper()
	l, err := s.b.Acquire()
	require.Nil(s, l)
	require.ErrorIs(s, err, breaker.ErrOpen)
	var e *breaker.OpenError
	require.ErrorAs(s, err, &e)
	require.Equal(s, err, s.b.Check())
	return e
}

func wait(d time.Duration) func(*subject) {
	return func(*subject) { time.Sleep(d) }
}

// waitOpen waits for the end of the open time, plus d.
func waitOpen(d time.Duration) func(*subject) {
	return func(s *subject) {
		s.Helper()
		time.Sleep(s.refusal().RetryIn + d)
	}
}

func isolate(reason string) func(*subject) { return func(s *subject) { s.b.Isolate(reason) } }
func reset(s *subject)                     { s.b.Reset() }

// all does several things as one step.
func all(do ...func(*subject)) func(*subject) {
	return func(s *subject) {
		s.Helper()
		for _, f := range do {
			f(s)
		}
	}
}
