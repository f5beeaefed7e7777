package grpcretry_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/grpcretry"
	"github.com/nexpay-go/resilience/retry"
)

// Every code that a server can answer with: how often the call is sent, if it may be
// repeated and if not, why it ends, and that the caller finds the code.
func TestEveryCode(t *testing.T) {
	for code, tt := range map[codes.Code]struct {
		sends  int64
		reason error
		unsafe error // the reason where the method may not be repeated
		effect classify.Effect
	}{
		codes.Canceled:           {1, retry.ErrFatal, retry.ErrFatal, classify.Unknown},
		codes.Unknown:            {1, retry.ErrFatal, retry.ErrFatal, classify.Unknown},
		codes.InvalidArgument:    {1, retry.ErrFixAndResend, retry.ErrFixAndResend, classify.NotApplied},
		codes.DeadlineExceeded:   {4, retry.ErrAttempts, retry.ErrDoubt, classify.Unknown},
		codes.NotFound:           {1, retry.ErrFatal, retry.ErrFatal, classify.NotApplied},
		codes.AlreadyExists:      {1, retry.ErrFatal, retry.ErrFatal, classify.Unknown},
		codes.PermissionDenied:   {1, retry.ErrFatal, retry.ErrFatal, classify.NotApplied},
		codes.ResourceExhausted:  {4, retry.ErrAttempts, retry.ErrDoubt, classify.Unknown},
		codes.FailedPrecondition: {1, retry.ErrFatal, retry.ErrFatal, classify.NotApplied},
		codes.Aborted:            {1, retry.ErrFatal, retry.ErrFatal, classify.Unknown},
		codes.OutOfRange:         {1, retry.ErrFixAndResend, retry.ErrFixAndResend, classify.NotApplied},
		codes.Unimplemented:      {1, retry.ErrFatal, retry.ErrFatal, classify.NotApplied},
		codes.Internal:           {1, retry.ErrFatal, retry.ErrFatal, classify.Unknown},
		codes.Unavailable:        {4, retry.ErrAttempts, retry.ErrDoubt, classify.Unknown},
		codes.DataLoss:           {1, retry.ErrFatal, retry.ErrFatal, classify.Unknown},
		codes.Unauthenticated:    {1, retry.ErrFatal, retry.ErrFatal, classify.NotApplied},
		codes.Code(77):           {1, retry.ErrUnclassified, retry.ErrUnclassified, classify.Unknown},
	} {
		b := startBank(t, failing(status.New(code, "so it is")))
		conn := dial(t, b.addr, grpcretry.Config{})
		for _, method := range []string{rate, pay} {
			sends, reason := tt.sends, tt.reason
			if method == pay {
				sends, reason = 1, tt.unsafe
			}
			before := b.calls.Load()
			_, err := invoke(t.Context(), conn, method, "x")
			require.ErrorIs(t, err, reason, "%v %s", code, method)
			require.Equal(t, sends, b.calls.Load()-before, "%v %s", code, method)
			require.Equal(t, code, status.Code(err))
			st, ok := status.FromError(err)
			require.True(t, ok)
			require.Equal(t, err.Error(), st.Message(), "so package status has it for an error that wraps one")
			require.Contains(t, err.Error(), "so it is")
			require.Contains(t, err.Error(), method)
			e, ok := errors.AsType[*retry.Error](err)
			require.True(t, ok)
			require.Equal(t, tt.effect, e.Effect, "%v %s", code, method)
			require.Equal(t, reason != retry.ErrDoubt && (tt.effect == classify.NotApplied || method == rate), e.Repeatable(), "%v %s", code, method)
		}
	}
}

func TestSucceeds(t *testing.T) {
	b := startBank(t, echoing)
	conn := dial(t, b.addr, grpcretry.Config{})
	out, err := invoke(t.Context(), conn, pay, "17.50")
	require.NoError(t, err)
	require.Equal(t, "17.50", out)
	require.EqualValues(t, 1, b.calls.Load())
}
