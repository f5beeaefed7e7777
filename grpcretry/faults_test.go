package grpcretry_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/grpcretry"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

func ending(t testing.TB, err error) *retry.Error {
	t.Helper()
	e, ok := errors.AsType[*retry.Error](err)
	require.True(t, ok, "%v", err)
	return e
}

// Nobody listens: nothing was sent, and so a call that is not safe to repeat is made
// again.
func TestNoConnection(t *testing.T) {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := lis.Addr().String()
	require.NoError(t, lis.Close())
	for _, method := range []string{pay, rate} {
		_, err = invoke(t.Context(), dial(t, addr, grpcretry.Config{}), method, "x")
		require.ErrorIs(t, err, retry.ErrAttempts)
		require.Equal(t, codes.Unavailable, status.Code(err))
		e := ending(t, err)
		require.Equal(t, 4, e.Attempts)
		require.Equal(t, classify.NotApplied, e.Effect)
		require.True(t, e.Repeatable())
		require.Contains(t, err.Error(), "no connection: UNAVAILABLE")
		require.Contains(t, err.Error(), "refused")
	}
}

// A server that answers over HTTP alone, as a proxy does.
func page(t *testing.T, code int) string {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(code)
		_, _ = w.Write([]byte("<html>secret-canary-in-a-page</html>"))
	}))
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// What is no gRPC is no refusal: it proves nothing, has no code for policies and
// lockouts, and is nothing to the breaker.
func TestPagesProveNothing(t *testing.T) {
	for http, tt := range map[int]struct {
		code   codes.Code
		reason error
		rule   classify.Code
	}{
		400: {codes.Internal, retry.ErrFatal, "INTERNAL"},
		401: {codes.Unauthenticated, retry.ErrFatal, ""},
		403: {codes.PermissionDenied, retry.ErrFatal, ""},
		404: {codes.Unimplemented, retry.ErrFatal, ""},
		429: {codes.Unavailable, retry.ErrDoubt, "UNAVAILABLE"},
		500: {codes.Unknown, retry.ErrFatal, "UNKNOWN"},
		503: {codes.Unavailable, retry.ErrDoubt, "UNAVAILABLE"},
	} {
		_, err := invoke(t.Context(), dial(t, page(t, http), grpcretry.Config{}), pay, "x")
		require.ErrorIs(t, err, tt.reason, "%d", http)
		e := ending(t, err)
		require.Equal(t, tt.code, status.Code(err), "%d", http)
		require.Equal(t, tt.rule, e.Verdict.Code, "%d", http)
		require.Equal(t, classify.Unknown, e.Effect, "%d", http)
		require.False(t, e.Repeatable(), "%d", http)
		require.NotContains(t, err.Error(), "canary")
	}
}

type credentialsFor func() (map[string]string, error)

func (c credentialsFor) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return c()
}
func (credentialsFor) RequireTransportSecurity() bool { return false }

var _ credentials.PerRPCCredentials = credentialsFor(nil)

// Where gRPC itself refuses, nothing was sent, and nothing of why is shown that may hold a secret.
func TestNeverSent(t *testing.T) {
	b := startBank(t, echoing)
	noToken := credentialsFor(func() (map[string]string, error) { return nil, errors.New("token endpoint says secret-canary") })
	conn := dial(t, b.addr, grpcretry.Config{})
	dialed := dial(t, b.addr, grpcretry.Config{}, grpc.WithPerRPCCredentials(noToken))
	closed := dial(t, b.addr, grpcretry.Config{})
	require.NoError(t, closed.Close())
	for name, tt := range map[string]struct {
		conn *grpc.ClientConn
		md   []string
		opts []grpc.CallOption
		code codes.Code
	}{
		"no token":          {conn: dialed, code: codes.Unauthenticated},
		"no token, by call": {conn: conn, opts: []grpc.CallOption{grpc.PerRPCCredentials(noToken)}, code: codes.Internal},
		"metadata":          {conn: conn, md: []string{"note", "secret-canary\x01"}, code: codes.Internal},
		"compressor":        {conn: conn, opts: []grpc.CallOption{grpc.UseCompressor("secret-canary")}, code: codes.Internal},
		"closed connection": {conn: closed, code: codes.Canceled},
	} {
		ctx := t.Context()
		if tt.md != nil {
			ctx = metadata.AppendToOutgoingContext(ctx, tt.md...)
		}
		_, err := invoke(ctx, tt.conn, pay, "x", tt.opts...)
		require.ErrorIs(t, err, retry.ErrFatal, name)
		require.Equal(t, tt.code, status.Code(err), name)
		e := ending(t, err)
		require.Equal(t, 1, e.Attempts, name)
		require.Equal(t, classify.NotApplied, e.Effect, name)
		require.NotContains(t, err.Error(), "canary", name)
	}
	require.Zero(t, b.calls.Load())
}

// The server has a copy of the deadline. That it says so a moment earlier changes nothing
// for the caller; much earlier, it is an answer.
func TestTheServersDeadlineComesFirst(t *testing.T) {
	b := startBank(t, func(context.Context, int64, *text) (*text, error) {
		return nil, status.Error(codes.DeadlineExceeded, "too late")
	})
	conn := dial(t, b.addr, grpcretry.Config{})
	ctx, cancel := context.WithTimeout(t.Context(), 45*time.Millisecond)
	defer cancel()
	_, err := invoke(ctx, conn, pay, "x")
	require.ErrorIs(t, err, retry.ErrDeadline)
	require.ErrorIs(t, err, context.DeadlineExceeded)

	began := time.Now()
	ctx, cancel = context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	_, err = invoke(ctx, conn, pay, "x")
	require.ErrorIs(t, err, retry.ErrDoubt)
	require.Equal(t, codes.DeadlineExceeded, status.Code(err))
	require.Less(t, time.Since(began), time.Minute)
}

// A caller's deadline and cancellation are those of package context, and gRPC's.
func TestCallersContextEnds(t *testing.T) {
	got, released := make(chan struct{}, 1), make(chan struct{})
	defer close(released)
	b := startBank(t, func(ctx context.Context, _ int64, _ *text) (*text, error) {
		got <- struct{}{}
		<-released // no answer comes before the client's own clock has struck
		return nil, status.FromContextError(ctx.Err()).Err()
	})
	conn := dial(t, b.addr, grpcretry.Config{})
	for _, method := range []string{rate, pay} {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
		_, err := invoke(ctx, conn, method, "x")
		cancel()
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, err, retry.ErrDeadline)
		require.NotErrorIs(t, err, context.Canceled)
		require.Equal(t, codes.DeadlineExceeded, status.Code(err))
		require.Equal(t, classify.Unknown, ending(t, err).Effect)
		require.True(t, ending(t, err).Timeout())
		require.Equal(t, classify.Verdict{Class: classify.Retryable, Rule: "no answer in time"}, ending(t, err).Verdict)
		<-got

		ctx, cancel = context.WithCancel(t.Context())
		go func() { <-got; cancel() }()
		_, err = invoke(ctx, conn, method, "x")
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, err, retry.ErrCanceled)
		require.Equal(t, codes.Canceled, status.Code(err))
		require.Equal(t, classify.Unknown, ending(t, err).Effect)
		require.False(t, ending(t, err).Timeout())
		require.Equal(t, classify.Verdict{Rule: "canceled"}, ending(t, err).Verdict, "it says nothing of the server")
	}
}

// An attempt's timeout is the deadline that the server is told, and a new one for each.
func TestAttemptTimeout(t *testing.T) {
	left := make(chan time.Duration, 10)
	b := startBank(t, func(ctx context.Context, _ int64, _ *text) (*text, error) {
		at, ok := ctx.Deadline()
		if !ok {
			at = time.Now().Add(time.Hour)
		}
		left <- time.Until(at)
		<-ctx.Done()
		return nil, ctx.Err()
	})
	r := retrier(t, retry.Config{Policies: quick(t, policy.Table{
		AttemptTimeout: 40 * time.Millisecond,
		Codes:          map[classify.Code]policy.Policy{"DEADLINE_EXCEEDED": {MaxAttempts: 2}},
	})})
	_, err := invoke(t.Context(), dial(t, b.addr, grpcretry.Config{Retrier: r}), rate, "x")
	require.ErrorIs(t, err, retry.ErrAttempts)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Equal(t, codes.DeadlineExceeded, status.Code(err))
	require.EqualValues(t, 2, b.calls.Load(), "the policy of the code holds")
	for range 2 {
		require.LessOrEqual(t, <-left, 40*time.Millisecond)
	}
}

// Calls that wait for the server wait no longer than an attempt may take, and nothing of
// them was sent.
func TestWaitForReady(t *testing.T) {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := lis.Addr().String()
	require.NoError(t, lis.Close())
	r := retrier(t, retry.Config{Policies: quick(t, policy.Table{AttemptTimeout: 20 * time.Millisecond})})
	_, err = invoke(t.Context(), dial(t, addr, grpcretry.Config{Retrier: r}), pay, "x", grpc.WaitForReady(true))
	require.ErrorIs(t, err, retry.ErrAttempts)
	require.Equal(t, codes.DeadlineExceeded, status.Code(err))
	e := ending(t, err)
	require.Equal(t, 4, e.Attempts)
	require.Equal(t, classify.NotApplied, e.Effect)
}
