package grpcretry

import (
	"errors"
	"log/slog"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/nexpay-go/resilience/retry"
)

// ended returns the caller's error: one that package status can read, as gRPC callers
// expect.
func ended(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[statusError](err); ok {
		return err
	}
	end, ok := errors.AsType[*retry.Error](err)
	if !ok {
		return err
	}
	return &unanswered{end}
}

// An unanswered call ended without a gRPC status, for example because the breaker was
// open.
type unanswered struct{ end *retry.Error }

// Error returns the text of the *retry.Error, one line.
func (u *unanswered) Error() string { return u.end.Error() }

// SafeError returns the same text: it is safe to log.
func (u *unanswered) SafeError() string { return u.end.Error() }

// LogValue is that of the *retry.Error.
func (u *unanswered) LogValue() slog.Value { return u.end.LogValue() }

// Unwrap returns the *retry.Error.
func (u *unanswered) Unwrap() error { return u.end }

// GRPCStatus returns the gRPC code for the reason.
func (u *unanswered) GRPCStatus() *status.Status {
	return status.New(meaning(u.end.Reason), u.Error())
}

// meaning returns the code for the reason why a call ended.
func meaning(reason error) codes.Code {
	switch reason {
	case retry.ErrCanceled:
		return codes.Canceled
	case retry.ErrDeadline:
		return codes.DeadlineExceeded
	case retry.ErrLockedOut:
		return codes.FailedPrecondition // waiting does not help
	case retry.ErrOpen, retry.ErrBudget, retry.ErrElapsed, retry.ErrAttempts, retry.ErrRetryAfter, retry.ErrNonce, retry.ErrResync:
		return codes.Unavailable
	}
	return codes.Internal
}
