package grpcretry_test

import (
	"context"
	"errors"
	"io"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/grpcretry"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

func TestDialOptionsFindsMistakes(t *testing.T) {
	_, err := grpcretry.DialOptions(grpcretry.Config{})
	require.ErrorContains(t, err, "Retrier is nil")
	for name, p := range map[string]*policy.Set{"none": nil, "Nexpay's": policy.Nexpay()} {
		r, err := retry.New(retry.Config{Policies: p})
		require.NoError(t, err)
		_, err = grpcretry.DialOptions(grpcretry.Config{Retrier: r})
		require.ErrorContains(t, err, "grpcretry.Policies()", name)
	}
	r, err := retry.New(retry.Config{Policies: policy.Standard(), Classifier: own{}})
	require.NoError(t, err)
	_, err = grpcretry.DialOptions(grpcretry.Config{Retrier: r})
	require.NoError(t, err, "a classifier of one's own may know them")
}

type own struct{}

func (own) Classify(error) classify.Verdict { return classify.Verdict{Class: classify.Fatal} }

// A catalog that writes the codes as numbers, as a file that extends grpc does, is spoken
// to in numbers.
func TestNumbers(t *testing.T) {
	var rules []classify.Rule
	for i := 1; i <= 16; i++ {
		rules = append(rules, classify.Rule{Codes: strconv.Itoa(i), Name: codes.Code(i).String(), Class: classify.Fatal})
	}
	rules[codes.Aborted-1].Class, rules[codes.Aborted-1].Effect = classify.Retryable, classify.NotApplied
	catalog, err := classify.NewCatalog("gRPC", rules...)
	require.NoError(t, err)
	p, err := policy.Standard().With(policy.Table{Catalog: catalog, Codes: map[classify.Code]policy.Policy{"10": {MaxAttempts: 2, Backoff: policy.Backoff{Initial: time.Millisecond}}}})
	require.NoError(t, err)
	b := startBank(t, failing(status.New(codes.Aborted, "")))
	_, err = invoke(t.Context(), dial(t, b.addr, grpcretry.Config{Retrier: retrier(t, retry.Config{Policies: p})}), pay, "x")
	require.ErrorIs(t, err, retry.ErrAttempts)
	require.EqualValues(t, 2, b.calls.Load())
	require.EqualValues(t, "10", ending(t, err).Verdict.Code)
}

// Per-code policies, and the breaker of each target.
func TestPoliciesAndBreakers(t *testing.T) {
	busy := startBank(t, failing(status.New(codes.Unavailable, "")))
	fine := startBank(t, echoing)
	group := new(breaker.Group)
	r := retrier(t, retry.Config{Breakers: group, Policies: quick(t, policy.Table{
		Codes: map[classify.Code]policy.Policy{"UNAVAILABLE": {MaxAttempts: 3}},
	})})
	sick, well := dial(t, busy.addr, grpcretry.Config{Retrier: r}), dial(t, fine.addr, grpcretry.Config{Retrier: r})
	for range 2 {
		_, err := invoke(t.Context(), sick, rate, "x")
		require.Error(t, err)
	}
	require.EqualValues(t, 6, busy.calls.Load())
	_, err := invoke(t.Context(), sick, rate, "x")
	require.ErrorIs(t, err, retry.ErrOpen)
	require.Equal(t, codes.Unavailable, status.Code(err))
	open, ok := errors.AsType[*breaker.OpenError](err)
	require.True(t, ok)
	require.Contains(t, open.Reason, "UNAVAILABLE")
	require.EqualValues(t, 6, busy.calls.Load())
	_, err = invoke(t.Context(), well, rate, "x")
	require.NoError(t, err, "another target has a breaker of its own")
}

// A server's own errors are failures to the breaker, its refusals are signs of life.
func TestWhatIsAFailureToTheBreaker(t *testing.T) {
	for code, opens := range map[codes.Code]bool{
		codes.Internal: true, codes.Unknown: true, codes.DataLoss: true, codes.Unavailable: true, codes.DeadlineExceeded: true, codes.ResourceExhausted: true,
		codes.NotFound: false, codes.InvalidArgument: false, codes.Unauthenticated: false, codes.Canceled: false, codes.Aborted: false,
	} {
		b := startBank(t, failing(status.New(code, "")))
		br, err := breaker.New(breaker.Config{ConsecutiveFailures: 3})
		require.NoError(t, err)
		conn := dial(t, b.addr, grpcretry.Config{Retrier: retrier(t, retry.Config{Breaker: br})})
		for range 3 {
			_, _ = invoke(t.Context(), conn, pay, "x")
		}
		require.Equal(t, opens, br.State() == breaker.Open, "%v", code)
	}
}

func TestEndpoint(t *testing.T) {
	b := startBank(t, failing(status.New(codes.Unavailable, "")))
	var asked atomic.Int64
	conn := dial(t, b.addr, grpcretry.Config{
		Retrier: retrier(t, retry.Config{Breakers: new(breaker.Group)}),
		Endpoint: func(target, method string) string {
			require.Equal(t, "passthrough:///"+b.addr, target)
			asked.Add(1)
			return method
		},
	})
	for range 7 {
		_, _ = invoke(t.Context(), conn, pay, "x")
	}
	_, err := invoke(t.Context(), conn, pay, "x")
	require.ErrorIs(t, err, retry.ErrOpen)
	_, err = invoke(t.Context(), conn, rate, "x")
	require.NotErrorIs(t, err, retry.ErrOpen)
	require.EqualValues(t, 9, asked.Load())
}

// declared registers what protoc would generate, once.
var declared = sync.OnceValue(func() error {
	method := func(name string, level *descriptorpb.MethodOptions_IdempotencyLevel) *descriptorpb.MethodDescriptorProto {
		return &descriptorpb.MethodDescriptorProto{
			Name: proto.String(name), InputType: proto.String(".google.protobuf.StringValue"), OutputType: proto.String(".google.protobuf.StringValue"),
			Options: &descriptorpb.MethodOptions{IdempotencyLevel: level},
		}
	}
	file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name: proto.String("declared_test.proto"), Package: proto.String("declared.v1"), Dependency: []string{"google/protobuf/wrappers.proto"},
		Service: []*descriptorpb.ServiceDescriptorProto{{Name: proto.String("Bank"), Method: []*descriptorpb.MethodDescriptorProto{
			method("Read", descriptorpb.MethodOptions_NO_SIDE_EFFECTS.Enum()),
			method("Put", descriptorpb.MethodOptions_IDEMPOTENT.Enum()),
			method("Unknown", descriptorpb.MethodOptions_IDEMPOTENCY_UNKNOWN.Enum()),
			method("Pay", nil),
		}}},
	}, protoregistry.GlobalFiles)
	if err != nil {
		return err
	}
	return protoregistry.GlobalFiles.RegisterFile(file)
})

// The .proto file says what may be repeated.
func TestDeclared(t *testing.T) {
	require.NoError(t, declared())
	for name, want := range map[string]bool{
		"/declared.v1.Bank/Read": true, "/declared.v1.Bank/Put": true, "/declared.v1.Bank/Unknown": false, "/declared.v1.Bank/Pay": false,
		"/declared.v1.Bank/None": false, "/declared.v1.Bank": false, "": false, "/": false, "//": false, "/google.protobuf.StringValue": false,
	} {
		require.Equal(t, want, grpcretry.Declared(name), name)
	}
	b := startBank(t, echoing, grpc.UnknownServiceHandler(func(any, grpc.ServerStream) error { return status.Error(codes.Unavailable, "") }))
	opts, err := grpcretry.DialOptions(grpcretry.Config{Retrier: retrier(t, retry.Config{})})
	require.NoError(t, err)
	conn := bare(t, b.addr, opts...)
	for name, want := range map[string]error{"/declared.v1.Bank/Read": retry.ErrAttempts, "/declared.v1.Bank/Pay": retry.ErrDoubt} {
		_, err = invoke(t.Context(), conn, name, "x")
		require.ErrorIs(t, err, want)
	}
}

// Streams are none of ours.
func TestStreamsPass(t *testing.T) {
	b := startBank(t, failing(status.New(codes.Unavailable, "as it is")))
	conn := dial(t, b.addr, grpcretry.Config{})
	s, err := conn.NewStream(t.Context(), &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, "/bank.v1.Payments/Watch")
	require.NoError(t, err)
	require.NoError(t, s.CloseSend())
	err = s.RecvMsg(new(wrapperspb.StringValue))
	require.EqualError(t, err, status.New(codes.Unavailable, "as it is").Err().Error())
	require.EqualValues(t, 1, b.calls.Load())
}

// An interceptor below may have words of its own, or go on without us; neither is proof.
func TestInterceptorsBelow(t *testing.T) {
	type invoker = grpc.UnaryInvoker
	b := startBank(t, func(_ context.Context, _ int64, in *text) (*text, error) {
		time.Sleep(5 * time.Millisecond)
		return nil, status.Error(codes.Unavailable, "")
	})
	var left atomic.Pointer[chan struct{}]
	for name, below := range map[string]grpc.UnaryClientInterceptor{
		"forgets the options": func(ctx context.Context, m string, req, reply any, cc *grpc.ClientConn, next invoker, _ ...grpc.CallOption) error {
			return next(ctx, m, req, reply, cc)
		},
		"returns another error": func(ctx context.Context, m string, req, reply any, cc *grpc.ClientConn, next invoker, opts ...grpc.CallOption) error {
			_ = next(ctx, m, req, reply, cc, opts...)
			return io.ErrUnexpectedEOF
		},
		"does not wait": func(ctx context.Context, m string, req, reply any, cc *grpc.ClientConn, next invoker, opts ...grpc.CallOption) error {
			done := make(chan struct{})
			left.Store(&done)
			go func() {
				defer close(done)
				_ = next(ctx, m, req, new(text), cc, opts...)
			}()
			time.Sleep(time.Millisecond)
			return status.Error(codes.Unavailable, "too slow")
		},
	} {
		_, err := invoke(t.Context(), dial(t, b.addr, grpcretry.Config{}, grpc.WithChainUnaryInterceptor(below)), pay, "x")
		require.ErrorIs(t, err, retry.ErrDoubt, name)
		require.EqualValues(t, classify.Unknown, ending(t, err).Effect, name)
		if done := left.Swap(nil); done != nil {
			<-*done
		}
	}
	require.EqualValues(t, 3, b.calls.Load())
}

// Without the interceptor the catalog reads gRPC's errors as well.
func TestBareErrors(t *testing.T) {
	r := retrier(t, retry.Config{})
	sends := 0
	err := retry.Do(t.Context(), r, func(context.Context) error {
		sends++
		return status.Error(codes.Unavailable, "so it is\x1b[31m\nlevel=ERROR"+strings.Repeat(" and on", 1000))
	})
	require.ErrorIs(t, err, retry.ErrAttempts)
	require.Equal(t, 4, sends)
	e := ending(t, err)
	require.EqualValues(t, "UNAVAILABLE", e.Verdict.Code)
	require.Contains(t, err.Error(), "so it is[31mlevel=ERROR")
	require.Less(t, len(err.Error()), 500)
	require.Equal(t, codes.Unavailable, status.Code(err))
	require.Equal(t, classify.NotApplied, grpcretry.Catalog().Classify(status.Error(codes.NotFound, "")).Effect)
	require.Zero(t, grpcretry.Catalog().Classify(io.ErrShortBuffer))
	require.Equal(t, classify.Verdict{Code: "2147483648"}, grpcretry.Catalog().Classify(status.Error(1<<31, "")))
}

// A call with the interceptor inside an attempt of the same Retrier is a part of that, if it
// may be repeated.
func TestInsideAnAttempt(t *testing.T) {
	b := startBank(t, failing(status.New(codes.Unavailable, "")))
	r := retrier(t, retry.Config{Policies: quick(t, policy.Table{AttemptTimeout: time.Minute})})
	conn := dial(t, b.addr, grpcretry.Config{Retrier: r})
	for method, tt := range map[string]struct {
		reason error
		sends  int64
	}{rate: {retry.ErrAttempts, 4}, pay: {retry.ErrNested, 0}} {
		err := retry.Do(t.Context(), r, func(ctx context.Context) error {
			_, err := invoke(ctx, conn, method, "x")
			return err
		})
		require.ErrorIs(t, err, tt.reason, method)
		require.Equal(t, tt.sends, b.calls.Swap(0), method)
	}
}
