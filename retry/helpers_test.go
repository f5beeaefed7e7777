package retry_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newRetrier(t testing.TB, cfg retry.Config) *retry.Retrier {
	t.Helper()
	r, err := retry.New(cfg)
	require.NoError(t, err)
	return r
}

func newLane(t testing.TB) *nonce.Lane {
	t.Helper()
	l, err := nonce.NewLane(nonce.LaneConfig{Key: "lane"})
	require.NoError(t, err)
	return l
}

func newBreaker(t testing.TB, cfg breaker.Config) *breaker.Breaker {
	t.Helper()
	b, err := breaker.New(cfg)
	require.NoError(t, err)
	return b
}

// fallingBackTo returns a Fallback with a fixed value.
func fallingBackTo[T any](value T) retry.Option {
	return retry.Fallback(func(context.Context, *retry.Error) (T, error) { return value, nil })
}

// steady returns the Nexpay policies with waits of 1 s, 2 s, 4 s … without
// jitter, so that instants can be named, and with t on top.
func steady(t testing.TB, over policy.Table) *policy.Set {
	t.Helper()
	set, err := policy.Nexpay().With(policy.Table{Default: policy.Policy{
		Backoff: policy.Backoff{Initial: time.Second, Max: time.Minute, Jitter: policy.JitterNone},
	}})
	require.NoError(t, err)
	set, err = set.With(over)
	require.NoError(t, err)
	return set
}

// code returns an answer as the API gives it.
func code(status int, codes ...classify.Code) *classify.Error {
	e := &classify.Error{Status: status, TraceID: "5f2c"}
	for _, c := range codes {
		e.Details = append(e.Details, classify.Detail{Code: c})
	}
	return e
}

// A script is an operation that answers step by step, then nil for ever, and
// remembers when it was sent what.
type script struct {
	steps  []error
	sent   []time.Duration // since the first
	nonces []uint64
	first  time.Time
}

func play(steps ...error) *script { return &script{steps: steps} }

func (s *script) op(ctx context.Context) error {
	if s.first.IsZero() {
		s.first = time.Now()
	}
	s.sent = append(s.sent, time.Since(s.first))
	if ticket, ok := nonce.FromContext(ctx); ok {
		s.nonces = append(s.nonces, ticket.Nonce())
	}
	if len(s.steps) == 0 {
		return nil
	}
	err := s.steps[0]
	s.steps = s.steps[1:]
	return err
}

// always is an operation that never succeeds.
func always(err error) func(context.Context) error {
	return func(context.Context) error { return err }
}

// asError returns err as what every ended call returns.
func asError(t testing.TB, err error) *retry.Error {
	t.Helper()
	var e *retry.Error
	require.ErrorAs(t, err, &e)
	return e
}

func seconds(n ...float64) []time.Duration {
	d := make([]time.Duration, len(n))
	for i := range n {
		d[i] = time.Duration(n[i] * float64(time.Second))
	}
	return d
}
