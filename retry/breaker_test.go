package retry_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// What each code means to the breaker. B4: only what says that the server is in
// trouble counts.
func TestWhatCountsAgainstTheBreaker(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  error
		want breaker.State // after 10 in a row
	}{
		{"-32603", code(500, "-32603"), breaker.Open},
		{"503", code(503), breaker.Open},
		{"a timeout", context.DeadlineExceeded, breaker.Open},
		{"suspended", code(403, "130"), breaker.Open},
		{"nonce", code(403, "50"), breaker.Closed},
		{"wrong signature", code(403, "70"), breaker.Closed},
		{"2xxxx", code(400, "20010"), breaker.Closed},
		{"3xxxx", code(400, "30010"), breaker.Closed},
		{"nobody knows", errors.New("?"), breaker.Closed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBreaker(t, breaker.Config{})
				r := newRetrier(t, retry.Config{Breaker: b, Policies: steady(t, policy.Table{Default: policy.Policy{MaxAttempts: 1}})})
				for range 10 {
					require.Error(t, retry.Do(t.Context(), r, always(tt.err)))
				}
				require.Equal(t, tt.want, b.State())
			})
		})
	}
}

// A caller who hangs up tells nothing about the server; one whose time is up
// has waited for it in vain.
func TestWhoseImpatience(t *testing.T) {
	for _, tt := range []struct {
		name string
		ctx  func(context.Context) (context.Context, context.CancelFunc)
		want breaker.State
	}{
		{"canceled", func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(time.Second, cancel)
			return ctx, cancel
		}, breaker.Closed},
		{"deadline", func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, time.Second)
		}, breaker.Open},
	} {
		for _, broken := range []bool{false, true} { // or the connection, by hanging up
			t.Run(fmt.Sprint(tt.name, broken), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b := newBreaker(t, breaker.Config{ConsecutiveFailures: 1})
					ctx, cancel := tt.ctx(t.Context())
					defer cancel()
					err := retry.Do(ctx, newRetrier(t, retry.Config{Breaker: b}), func(ctx context.Context) error {
						<-ctx.Done()
						if broken {
							return io.ErrUnexpectedEOF
						}
						return ctx.Err()
					})
					require.Error(t, err)
					require.Equal(t, tt.want, b.State())
				})
			})
		}
	}
}

// A server that answers everybody within 300 ms is not to blame for callers who
// spend their second in the queue for the key.
func TestImpatienceOfAQueue(t *testing.T) {
	for name, table := range map[string]policy.Table{"attempt timeout": {}, "none": {AttemptTimeout: policy.None}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBreaker(t, breaker.Config{OnStateChange: func(c breaker.StateChange) { t.Error(c.Reason) }})
				r := newRetrier(t, retry.Config{Nonces: newLane(t), Breaker: b, Policies: steady(t, table)})
				var callers sync.WaitGroup
				var late atomic.Int32
				for range 200 {
					callers.Go(func() {
						ctx, cancel := context.WithTimeout(t.Context(), time.Second)
						defer cancel()
						if retry.Do(ctx, r, within(300*time.Millisecond)) != nil {
							late.Add(1)
						}
					})
					time.Sleep(200 * time.Millisecond)
				}
				callers.Wait()
				require.Greater(t, late.Load(), int32(50), "there was a queue")
			})
		})
	}
}

// within is an operation whose server answers after d.
func within(d time.Duration) func(context.Context) error {
	return func(ctx context.Context) error {
		select {
		case <-time.After(d):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// The share of the caller's time from which on it is the server's fault, for an
// inner call too that has no breaker.
func TestHowMuchTimeASendNeeds(t *testing.T) {
	for _, tt := range []struct {
		queued time.Duration
		want   breaker.State
	}{
		{100 * time.Millisecond, breaker.Open},
		{100*time.Millisecond + 1, breaker.Closed},
	} {
		for depth := 1; depth <= 2; depth++ {
			synctest.Test(t, func(t *testing.T) {
				lane := newLane(t)
				b := newBreaker(t, breaker.Config{ConsecutiveFailures: 1})
				outer := newRetrier(t, retry.Config{Breaker: b, Key: "outer"})
				cfg := retry.Config{Nonces: lane}
				if depth == 1 {
					cfg.Breaker = b
				}
				r := newRetrier(t, cfg)
				ticket, err := lane.Enter(t.Context())
				require.NoError(t, err)
				time.AfterFunc(tt.queued, ticket.Leave)
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				call := func(ctx context.Context) error { return retry.Do(ctx, r, within(time.Hour)) }
				if depth == 2 {
					inner := call
					call = func(ctx context.Context) error { return retry.Do(ctx, outer, inner) }
				}
				require.ErrorIs(t, call(ctx), retry.ErrDeadline)
				require.Equal(t, tt.want, b.State(), "%v, %d deep", tt.queued, depth)
			})
		}
	}
}

// An open breaker ends the call, keeps the error so far and says when to come
// back. Peers burn their attempts on it.
func TestBreakerOpens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker(t, breaker.Config{Name: "nexpay", ConsecutiveFailures: 2})
		budget, err := retry.NewBudget(retry.BudgetConfig{})
		require.NoError(t, err)
		r := newRetrier(t, retry.Config{Breaker: b, Budget: budget, Policies: steady(t, policy.Table{})})
		s := play(code(500, "-32603"), code(500, "-32603"), code(500, "-32603"))
		begin := time.Now()
		err = retry.Do(t.Context(), r, s.op)
		require.Equal(t, seconds(0, 1), s.sent)
		require.Equal(t, time.Second, time.Since(begin), "it does not wait for what will refuse it")
		require.Equal(t, retry.ErrOpen, asError(t, err).Reason)
		require.ErrorIs(t, err, breaker.ErrOpen)
		var answer *classify.Error
		require.ErrorAs(t, err, &answer, "the API's own error is kept")
		var open *breaker.OpenError
		require.ErrorAs(t, err, &open)
		require.InDelta(t, 2500*time.Millisecond, open.RetryIn, float64(500*time.Millisecond))
		require.Equal(t, 90, budget.Tokens(), "only the resend that was sent is paid")

		s = play()
		err = retry.Do(t.Context(), r, s.op)
		require.Empty(t, s.sent)
		require.Equal(t, retry.ErrOpen, asError(t, err).Reason)
		require.NoError(t, asError(t, err).Last)

		time.Sleep(open.RetryIn)
		require.NoError(t, retry.Do(t.Context(), r, s.op))
		require.NoError(t, retry.Do(t.Context(), r, s.op))
		require.Equal(t, breaker.Closed, b.State())
	})
}

// A breaker that another call opens during a wait refuses the resend, which is
// not paid then.
func TestBreakerOpensDuringTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker(t, breaker.Config{})
		budget, err := retry.NewBudget(retry.BudgetConfig{})
		require.NoError(t, err)
		r := newRetrier(t, retry.Config{Breaker: b, Budget: budget, Policies: steady(t, policy.Table{})})
		time.AfterFunc(500*time.Millisecond, func() { b.Isolate("maintenance") })
		answer := code(500, "-32603")
		s := play(answer)
		err = retry.Do(t.Context(), r, s.op)
		require.Equal(t, seconds(0), s.sent)
		require.Equal(t, retry.ErrOpen, asError(t, err).Reason)
		require.ErrorIs(t, err, answer)
		require.Equal(t, 100, budget.Tokens())

		begin := time.Now()
		b.Reset()
		err = retry.Do(t.Context(), r, func(context.Context) error { b.Isolate("again"); return code(500, "-32603") })
		require.Equal(t, retry.ErrOpen, asError(t, err).Reason)
		require.Equal(t, begin, time.Now(), "isolated without end: no wait is begun")
	})
}

// B2 and the ledger: while half-open, other calls are refused, not queued.
func TestHalfOpenRefusesTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker(t, breaker.Config{ConsecutiveFailures: 1, Probes: 1})
		r := newRetrier(t, retry.Config{Breaker: b, Policies: steady(t, policy.Table{})})
		require.Error(t, retry.Do(t.Context(), r, always(code(500, "-32603"))))
		time.Sleep(15 * time.Second)
		probed := make(chan error)
		go func() {
			probed <- retry.Do(t.Context(), r, func(context.Context) error { time.Sleep(time.Second); return nil })
		}()
		synctest.Wait()
		s := play()
		require.ErrorIs(t, retry.Do(t.Context(), r, s.op), retry.ErrOpen)
		require.Empty(t, s.sent)
		require.NoError(t, <-probed)
		require.NoError(t, retry.Do(t.Context(), r, s.op))
	})
}

// A call waits for a breaker that will let it through by then.
func TestWaitOutlastsTheOpenTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker(t, breaker.Config{ConsecutiveFailures: 1})
		slow := code(503)
		slow.RetryAfter = 15 * time.Second
		s := play(slow)
		require.NoError(t, retry.Do(t.Context(), newRetrier(t, retry.Config{Breaker: b}), s.op))
		require.Len(t, s.sent, 2)
		require.GreaterOrEqual(t, s.sent[1], 15*time.Second)
		require.Less(t, s.sent[1], 16500*time.Millisecond, "up to a tenth more")
	})
}

// What is not an answer is no sign of life: a certificate that is not accepted
// closes no breaker.
func TestCertificateIsNoSignOfLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker(t, breaker.Config{ConsecutiveFailures: 2, Probes: 1})
		r := newRetrier(t, retry.Config{Breaker: b, Policies: steady(t, policy.Table{Default: policy.Policy{MaxAttempts: 1}})})
		forged := &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}
		require.Error(t, retry.Do(t.Context(), r, always(code(503))))
		require.ErrorIs(t, retry.Do(t.Context(), r, always(forged)), retry.ErrFatal)
		require.Error(t, retry.Do(t.Context(), r, always(code(503))))
		require.Equal(t, breaker.Open, b.State(), "two in a row, whatever came between")
		time.Sleep(15 * time.Second)
		require.ErrorIs(t, retry.Do(t.Context(), r, always(forged)), retry.ErrFatal)
		require.Equal(t, breaker.HalfOpen, b.State())
		bare := newRetrier(t, retry.Config{})
		require.ErrorIs(t, retry.Do(t.Context(), r, nest(bare, 2, always(forged))), retry.ErrFatal)
		require.Equal(t, breaker.HalfOpen, b.State(), "nor one that an inner call found")
	})
}

// An answer counts, even if its caller has hung up meanwhile.
func TestAnswerToACallerWhoHungUp(t *testing.T) {
	b := newBreaker(t, breaker.Config{ConsecutiveFailures: 1})
	ctx, cancel := context.WithCancel(t.Context())
	err := retry.Do(ctx, newRetrier(t, retry.Config{Breaker: b}), func(context.Context) error { cancel(); return code(500, "-32603") })
	require.ErrorIs(t, err, retry.ErrCanceled)
	require.Equal(t, breaker.Open, b.State())
}

// People are told which code opened the breaker.
func TestTripSaysWhy(t *testing.T) {
	var why string
	b := newBreaker(t, breaker.Config{OnStateChange: func(c breaker.StateChange) { why = c.Reason }})
	r := newRetrier(t, retry.Config{Breaker: b})
	require.Error(t, retry.Do(t.Context(), r, always(code(403, "140"))))
	require.Equal(t, "140 REST API suspended (trace 5f2c)", why)
	require.ErrorContains(t, retry.Do(t.Context(), r, play().op), "140 REST API suspended (trace 5f2c); retry in")
}

// What ends a context may be the failure of another call, which errgroup makes
// it and net/http hands on. It says nothing about this call and this key.
func TestFailureOfAnotherCall(t *testing.T) {
	other := newRetrier(t, retry.Config{Key: "other"})
	failure := retry.Do(t.Context(), other, always(code(403, "100")))
	for name, sibling := range map[string]error{"an answer": code(403, "100"), "a call that gave up": failure} {
		t.Run(name, func(t *testing.T) {
			b := newBreaker(t, breaker.Config{ConsecutiveFailures: 1})
			r := newRetrier(t, retry.Config{Key: "main", Breaker: b})
			ctx, cancel := context.WithCancelCause(t.Context())
			err := retry.Do(ctx, r, func(ctx context.Context) error {
				cancel(sibling)
				return &url.Error{Op: "Post", URL: "https://api.example/pay", Err: context.Cause(ctx)}
			})
			e := asError(t, err)
			require.Equal(t, retry.ErrCanceled, e.Reason)
			require.ErrorIs(t, err, context.Canceled)
			require.ErrorIs(t, err, sibling)
			require.Equal(t, sibling, e.Cause)
			require.NotErrorIs(t, err, retry.ErrFatal, "the sibling's reason")
			require.Equal(t, context.Canceled, e.Last)
			var answer *classify.Error
			require.False(t, errors.As(err, &answer) && answer != sibling, "the sibling's answer")
			require.Equal(t, classify.Unclassified, e.Verdict.Class)
			require.Equal(t, classify.Unknown, e.Effect)
			require.Empty(t, e.TraceID)
			require.NoError(t, r.Lockout().Check("main"), "an innocent key")
			require.Equal(t, breaker.Closed, b.State())
		})
	}
}

// A context that simply ended leaves the operation's error as it is.
func TestOwnErrorOfACanceledCall(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	own := &url.Error{Op: "Get", URL: "https://api.example", Err: context.Canceled}
	err := retry.Do(ctx, newRetrier(t, retry.Config{}), func(context.Context) error { cancel(); return own })
	require.Equal(t, own, asError(t, err).Last)
}

// The same for a call that had not begun, or was waiting for its turn.
func TestFailureOfAnotherCallBeforeTheFirstSend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		other := newRetrier(t, retry.Config{Key: "other"})
		require.Error(t, retry.Do(t.Context(), other, always(code(403, "100"))))
		failure := retry.Do(t.Context(), other, always(nil))
		require.ErrorIs(t, failure, retry.ErrLockedOut)

		lane := newLane(t)
		ticket, err := lane.Enter(t.Context())
		require.NoError(t, err)
		defer ticket.Leave()
		var event retry.Event
		r := newRetrier(t, retry.Config{Nonces: lane, OnEvent: func(_ context.Context, e retry.Event) { event = e }})
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(failure) })
		for range 2 { // in the queue, and then before it
			err = retry.Do(ctx, r, play().op)
			e := asError(t, err)
			require.Equal(t, retry.ErrCanceled, e.Reason)
			require.ErrorIs(t, err, context.Canceled)
			require.Empty(t, e.TraceID)
			require.Empty(t, event.TraceID)
			require.Equal(t, "lane", event.Key, "its own")
		}
	})
}

// The operation is not run on a context that ended while somebody else's code
// was at work.
func TestContextEndsRightBeforeTheSend(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := play(code(403, "50"))
	r := newRetrier(t, retry.Config{OnEvent: func(context.Context, retry.Event) { cancel() }})
	require.Equal(t, retry.ErrCanceled, asError(t, retry.Do(ctx, r, s.op)).Reason)
	require.Len(t, s.sent, 1, "an observer")

	ctx, cancel = context.WithCancel(t.Context())
	s = play()
	lane := newLane(t)
	r = newRetrier(t, retry.Config{Nonces: source(func(context.Context) (*nonce.Ticket, error) {
		cancel()
		return lane.Enter(context.Background())
	})})
	require.Equal(t, retry.ErrCanceled, asError(t, retry.Do(ctx, r, s.op)).Reason)
	require.Empty(t, s.sent, "a source")
	ticket, err := lane.Enter(t.Context())
	require.NoError(t, err, "and its turn is given back")
	ticket.Leave()
}
