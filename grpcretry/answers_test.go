package grpcretry_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/grpcretry"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

func detailed(t testing.TB, code codes.Code, details ...protoadapt.MessageV1) *status.Status {
	t.Helper()
	st, err := status.New(code, "so it is, and larger than max").WithDetails(details...)
	require.NoError(t, err)
	return st
}

// google.rpc.RetryInfo is waited for as a Retry-After is, and no longer than allowed.
func TestRetryInfo(t *testing.T) {
	info := func(d time.Duration) *status.Status {
		return detailed(t, codes.Unavailable, &errdetails.RetryInfo{RetryDelay: durationpb.New(d)})
	}
	var st *status.Status
	var trailer metadata.MD
	b := startBank(t, func(ctx context.Context, n int64, in *text) (*text, error) {
		if n == 1 {
			_ = grpc.SetTrailer(ctx, trailer)
			return nil, st.Err()
		}
		return in, nil
	})
	conn := dial(t, b.addr, grpcretry.Config{})
	for name, tt := range map[string]struct {
		st       *status.Status
		pushback []string
		wait     time.Duration
		reason   error
	}{
		"a wait":                  {st: info(60 * time.Millisecond), wait: 60 * time.Millisecond},
		"too long a wait":         {st: info(time.Hour), reason: retry.ErrRetryAfter},
		"none":                    {st: info(0)},
		"a negative one":          {st: info(-time.Hour)},
		"no duration":             {st: detailed(t, codes.Unavailable, &errdetails.RetryInfo{RetryDelay: &durationpb.Duration{Seconds: 1, Nanos: -1}})},
		"gRFC A6":                 {st: status.New(codes.Unavailable, ""), pushback: []string{"70"}, wait: 70 * time.Millisecond},
		"both, the longer counts": {st: info(20 * time.Millisecond), pushback: []string{"70"}, wait: 70 * time.Millisecond},
		"the first counts": {st: detailed(t, codes.Unavailable, &errdetails.RetryInfo{RetryDelay: durationpb.New(time.Millisecond)},
			&errdetails.RetryInfo{RetryDelay: durationpb.New(time.Hour)})},
		"several of A6":   {st: info(time.Millisecond), pushback: []string{"1", "2"}, reason: retry.ErrFatal},
		"do not, says A6": {st: info(time.Millisecond), pushback: []string{"-1"}, reason: retry.ErrFatal},
		"nor by words":    {st: info(time.Millisecond), pushback: []string{"soon"}, reason: retry.ErrFatal},
	} {
		st, trailer = tt.st, nil
		if tt.pushback != nil {
			trailer = metadata.MD{"grpc-retry-pushback-ms": tt.pushback}
		}
		b.calls.Store(0)
		began := time.Now()
		_, err := invoke(t.Context(), conn, rate, "x")
		if tt.reason != nil {
			require.ErrorIs(t, err, tt.reason, name)
			require.EqualValues(t, 1, b.calls.Load(), name)
			require.Equal(t, codes.Unavailable, status.Code(err), name)
			continue
		}
		require.NoError(t, err, name)
		require.EqualValues(t, 2, b.calls.Load(), name)
		require.GreaterOrEqual(t, time.Since(began), tt.wait, name)
	}
}

// What an API says in google.rpc.ErrorInfo has rules of its own, and they are proof as its
// words are.
func TestErrorInfo(t *testing.T) {
	catalog, err := grpcretry.Catalog().With(
		classify.Rule{Codes: "pay.example.com/BUSY", Name: "Busy", Class: classify.Retryable, Effect: classify.NotApplied},
		classify.Rule{Codes: "pay.example.com/*", Name: "Declined", Class: classify.Fatal, Effect: classify.NotApplied},
		classify.Rule{Codes: "pay.example.com/KEY_LOCKED", Name: "Key locked", Class: classify.Fatal, Effect: classify.NotApplied, Lockout: true, Fix: "Have it unlocked."},
	)
	require.NoError(t, err)
	r := retrier(t, retry.Config{Policies: quick(t, policy.Table{Catalog: catalog})})
	var st *status.Status
	b := startBank(t, func(context.Context, int64, *text) (*text, error) { return nil, st.Err() })
	conn := dial(t, b.addr, grpcretry.Config{Retrier: r})
	for _, tt := range []struct {
		reason, domain string
		code           classify.Code
		sends          int64
		is             error
		effect         classify.Effect
	}{
		{"BUSY", "pay.example.com", "pay.example.com/BUSY", 4, retry.ErrAttempts, classify.NotApplied},
		{"CARD_DECLINED", "pay.example.com", "pay.example.com/CARD_DECLINED", 1, retry.ErrFatal, classify.NotApplied},
		{"BUSY", "other.example.com", "UNAVAILABLE", 1, retry.ErrDoubt, classify.Unknown},
		{"KEY_LOCKED", "pay.example.com", "pay.example.com/KEY_LOCKED", 1, retry.ErrFatal, classify.NotApplied},
		{"BUSY", "pay.example.com", "", 0, retry.ErrLockedOut, classify.NotApplied},
	} {
		st = detailed(t, codes.Unavailable, &errdetails.ErrorInfo{Reason: tt.reason, Domain: tt.domain, Metadata: map[string]string{"card": "4242 canary"}})
		b.calls.Store(0)
		_, err := invoke(t.Context(), conn, pay, "x")
		require.ErrorIs(t, err, tt.is)
		require.Equal(t, tt.sends, b.calls.Load())
		e := ending(t, err)
		require.Equal(t, tt.code, e.Verdict.Code)
		require.Equal(t, tt.effect, e.Effect)
		require.NotContains(t, err.Error(), "canary")
		if tt.sends > 0 {
			require.Equal(t, codes.Unavailable, status.Code(err))
			full, _ := status.FromError(err)
			require.Len(t, full.Details(), 1, "the caller can read them")
		} else {
			require.Equal(t, codes.FailedPrecondition, status.Code(err), "locked out")
		}
	}
}

// Of several the first that the catalog knows counts.
func TestSeveralErrorInfos(t *testing.T) {
	catalog, err := grpcretry.Catalog().With(classify.Rule{Codes: "pay.example.com/*", Name: "Declined", Class: classify.Fatal})
	require.NoError(t, err)
	st := detailed(t, codes.Internal, &errdetails.ErrorInfo{Reason: "A", Domain: "other.example.com"},
		&errdetails.ErrorInfo{Reason: "B", Domain: "pay.example.com"}, &errdetails.ErrorInfo{Reason: "C", Domain: "pay.example.com"})
	b := startBank(t, failing(st))
	r := retrier(t, retry.Config{Policies: quick(t, policy.Table{Catalog: catalog})})
	_, err = invoke(t.Context(), dial(t, b.addr, grpcretry.Config{Retrier: r}), pay, "x")
	require.EqualValues(t, "pay.example.com/B", ending(t, err).Verdict.Code)
}

// A refusal is the server's own as well where its header came before.
func TestHeaderBeforeTheRefusal(t *testing.T) {
	for _, code := range []codes.Code{codes.PermissionDenied, codes.Unauthenticated, codes.Unimplemented} {
		b := startBank(t, func(ctx context.Context, _ int64, _ *text) (*text, error) {
			_ = grpc.SendHeader(ctx, nil)
			return nil, status.Error(code, "")
		})
		_, err := invoke(t.Context(), dial(t, b.addr, grpcretry.Config{}), pay, "x")
		e := ending(t, err)
		require.Equal(t, classify.NotApplied, e.Effect)
		require.NotEmpty(t, e.Verdict.Code)
		require.NotContains(t, err.Error(), "no answer")
	}
}

// The id by which the server's people find the call.
func TestTraceID(t *testing.T) {
	shaped, err := grpcretry.Catalog().WithShape(classify.Shape{TraceID: []string{"header:acme-trace"}})
	require.NoError(t, err)
	for name, tt := range map[string]struct {
		header, trailer metadata.MD
		info            string
		own             bool
		want            string
	}{
		"RequestInfo":   {info: "req-1", trailer: metadata.Pairs("x-request-id", "md-1"), want: "req-1"},
		"trailer":       {trailer: metadata.Pairs("x-request-id", "md-1"), header: metadata.Pairs("x-request-id", "md-2"), want: "md-1"},
		"header":        {header: metadata.Pairs("request-id", "md-2"), want: "md-2"},
		"of the shape":  {trailer: metadata.Pairs("x-request-id", "md-1", "acme-trace", "a-7"), own: true, want: "a-7"},
		"none":          {},
		"a longer text": {info: "two words\nand a line", want: "two"},
	} {
		st := status.New(codes.Unavailable, "")
		if tt.info != "" {
			st = detailed(t, codes.Unavailable, &errdetails.RequestInfo{RequestId: tt.info})
		}
		b := startBank(t, func(ctx context.Context, _ int64, _ *text) (*text, error) {
			if tt.header != nil {
				_ = grpc.SendHeader(ctx, tt.header)
			}
			_ = grpc.SetTrailer(ctx, tt.trailer)
			return nil, st.Err()
		})
		table := policy.Table{}
		if tt.own {
			table.Catalog = shaped
		}
		_, err := invoke(t.Context(), dial(t, b.addr, grpcretry.Config{Retrier: retrier(t, retry.Config{Policies: quick(t, table)})}), pay, "x")
		require.Equal(t, tt.want, ending(t, err).TraceID, name)
		if tt.want != "" {
			require.Contains(t, err.Error(), tt.want, name)
		}
	}
}
