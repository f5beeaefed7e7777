package grpcretry_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"unicode"
	"unicode/utf8"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/grpcretry"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// Whatever a server sends with a status, the error can be logged and read, and the call is
// sent once.
func FuzzAnswer(f *testing.F) {
	add := func(code codes.Code, message string, m proto.Message, pushback string) {
		a, err := anypb.New(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint32(code), message, a.GetTypeUrl(), a.GetValue(), pushback, "req-1")
	}
	add(codes.Unavailable, "so it is", &errdetails.RetryInfo{RetryDelay: durationpb.New(3)}, "20")
	add(codes.ResourceExhausted, "a\nb\x1b[31m", &errdetails.RetryInfo{RetryDelay: &durationpb.Duration{Seconds: 1 << 62, Nanos: -1}}, "-1")
	add(codes.FailedPrecondition, "\u202e(x): \"", &errdetails.ErrorInfo{Reason: "DECLINED", Domain: "pay.example.com"}, "")
	add(codes.Code(99), strings.Repeat("€", 1000), &errdetails.RequestInfo{RequestId: "a b\tc"}, "99999999999999999999")
	catalog, err := grpcretry.Catalog().With(classify.Rule{Codes: "pay.example.com/*", Name: "Declined", Class: classify.Fatal, Effect: classify.NotApplied})
	if err != nil {
		f.Fatal(err)
	}
	var answer atomic.Pointer[status.Status]
	var trailer atomic.Pointer[metadata.MD]
	b := startBank(f, func(ctx context.Context, _ int64, _ *text) (*text, error) {
		_ = grpc.SetTrailer(ctx, *trailer.Load())
		return nil, answer.Load().Err()
	})
	r := retrier(f, retry.Config{Budget: retry.NoBudget(), Policies: quick(f, policy.Table{Catalog: catalog})})
	conn := dial(f, b.addr, grpcretry.Config{Retrier: r})
	f.Fuzz(func(t *testing.T, code uint32, message, url string, value []byte, pushback, id string) {
		if code == 0 || len(message)+len(url)+len(value)+len(pushback)+len(id) > 12<<10 || !utf8.ValidString(url) || !utf8.ValidString(message) {
			t.Skip("no server can send that as it is")
		}
		st := status.FromProto(&spb.Status{Code: int32(code), Message: message, Details: []*anypb.Any{{TypeUrl: url, Value: value}}})
		answer.Store(st)
		trailer.Store(&metadata.MD{"grpc-retry-pushback-ms": {printable(pushback)}, "x-request-id": {printable(id)}})
		b.calls.Store(0)
		_, err := invoke(t.Context(), conn, pay, "x")
		e, ok := errors.AsType[*retry.Error](err)
		if !ok || b.calls.Load() != 1 && e.Verdict.Effect != classify.NotApplied {
			t.Fatalf("%d sends: %v", b.calls.Load(), err)
		}
		line := err.Error()
		if len(line) > 2000 || !utf8.ValidString(line) || strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Fatalf("%q", line)
		}
		if len(e.TraceID) > 128 || strings.ContainsFunc(e.TraceID, unicode.IsSpace) || e.Verdict.RetryAfter < 0 {
			t.Fatalf("%q %v", e.TraceID, e.Verdict.RetryAfter)
		}
		if status.Code(err) != st.Code() {
			t.Fatalf("%v instead of %v", status.Code(err), st.Code())
		}
		grpcretry.Catalog().Classify(st.Err())
	})
}

// printable is what metadata can hold.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, s)
}
