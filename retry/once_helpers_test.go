package retry_test

import (
	"context"
	"errors"
	"net"
	"net/http/httptrace"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/retry"
)

var (
	errTimeout = context.DeadlineExceeded // of an attempt: the answer did not come
	errRefused = &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
)

// A found is one answer of Verify.
type found struct {
	outcome retry.Outcome
	err     error
}

var (
	applied   = found{outcome: retry.Applied}
	absent    = found{outcome: retry.Absent}
	undecided = found{}
)

// A payment is an operation that answers step by step; when the steps of Verify
// are used up, the last one is repeated.
type payment struct {
	start   time.Time
	sends   []error
	looks   []found
	sent    []time.Duration // when, since the first use
	looked  []time.Duration
	nonces  []uint64 // of all requests, in order
	onSend  func(ctx context.Context)
	onLook  func(ctx context.Context)
	changes func(*retry.Operation[string])
}

func (p *payment) now() time.Duration { return time.Since(p.start) }

func (p *payment) note(ctx context.Context) {
	if ticket, ok := nonce.FromContext(ctx); ok {
		p.nonces = append(p.nonces, ticket.Nonce())
	}
}

func (p *payment) operation() retry.Operation[string] {
	p.start = time.Now()
	op := retry.Operation[string]{
		ID: "inv-7",
		Send: func(ctx context.Context) (string, error) {
			p.note(ctx)
			p.sent = append(p.sent, p.now())
			if p.onSend != nil {
				p.onSend(ctx)
			}
			if len(p.sends) == 0 {
				return "sent", nil
			}
			err := p.sends[0]
			p.sends = p.sends[1:]
			if err == nil {
				return "sent", nil
			}
			return "never shown", err
		},
		Verify: func(ctx context.Context) (string, retry.Outcome, error) {
			p.note(ctx)
			p.looked = append(p.looked, p.now())
			if p.onLook != nil {
				p.onLook(ctx)
			}
			f := p.looks[0]
			if len(p.looks) > 1 {
				p.looks = p.looks[1:]
			}
			return "verified", f.outcome, f.err
		},
	}
	if p.changes != nil {
		p.changes(&op)
	}
	return op
}

// pay runs p with the Nexpay policies.
func pay(t testing.TB, ctx context.Context, cfg retry.Config, p *payment, opts ...retry.Option) (string, error) {
	t.Helper()
	return retry.DoOnce(ctx, newRetrier(t, cfg), p.operation(), opts...)
}

// connected tells the trace in ctx of a connection, as net/http does.
func connected(ctx context.Context) {
	if trace := httptrace.ContextClientTrace(ctx); trace != nil && trace.GotConn != nil {
		trace.GotConn(httptrace.GotConnInfo{})
	}
}

// asked tells it that a connection was asked for.
func asked(ctx context.Context) {
	httptrace.ContextClientTrace(ctx).GetConn("127.0.0.1:1")
}

func twice(ctx context.Context) {
	connected(ctx)
	connected(ctx)
}

// notSent is an error of one who knows that nothing was written.
type notSent struct{}

func (notSent) Error() string { return "a mistake" }
func (notSent) NotSent() bool { return true }

// codedStatus is an error that tells its code and its status.
type codedStatus struct{ code, status int }

func (codedStatus) Error() string     { return "refused" }
func (e codedStatus) ErrorCode() int  { return e.code }
func (e codedStatus) StatusCode() int { return e.status }

var sentinels = []error{retry.ErrFatal, retry.ErrFixAndResend, retry.ErrUnclassified, retry.ErrAttempts, retry.ErrElapsed,
	retry.ErrDeadline, retry.ErrCanceled, retry.ErrBudget, retry.ErrOpen, retry.ErrLockedOut, retry.ErrRetryAfter,
	retry.ErrResync, retry.ErrNonce, retry.ErrOutcomeUnknown, retry.ErrApplied, retry.ErrBusy, retry.ErrNested}

// requireOnly holds that err is want and no other sentinel, of this package or
// of package context.
func requireOnly(t testing.TB, err, want error) *retry.Error {
	t.Helper()
	for _, sentinel := range sentinels {
		require.Equal(t, sentinel == want, errors.Is(err, sentinel), "%v: %v", sentinel, err)
	}
	if want == retry.ErrOutcomeUnknown {
		require.NotErrorIs(t, err, context.Canceled)
		require.NotErrorIs(t, err, context.DeadlineExceeded)
		require.NotNil(t, asError(t, err).Doubt)
	}
	e := asError(t, err)
	require.Equal(t, "inv-7", e.ID)
	return e
}

func withTrace(ctx context.Context, told func()) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { told() }})
}

// held is what the journal holds of the payment.
func held(t testing.TB, journal retry.Journal) retry.Entry {
	t.Helper()
	e, err := journal.Begin(context.Background(), retry.Entry{ID: "inv-7", Generation: retry.ReadGeneration})
	require.NoError(t, err)
	return e
}
