package grpcretry

import (
	"errors"
	"log/slog"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/nexpay-go/resilience/retry"
)

// ended is what the caller gets: an error that package status can read, as callers of gRPC
// count on.
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

// An unanswered call ended without any status of gRPC's: the breaker was open, say.
type unanswered struct{ end *retry.Error }

// Error tells it in one line.
func (u *unanswered) Error() string { return u.end.Error() }

// SafeError says that this text is fit to be logged.
func (u *unanswered) SafeError() string { return u.end.Error() }

// LogValue is that of the *retry.Error.
func (u *unanswered) LogValue() slog.Value { return u.end.LogValue() }

// Unwrap returns the *retry.Error.
func (u *unanswered) Unwrap() error { return u.end }

// GRPCStatus is what it means in the words of gRPC.
func (u *unanswered) GRPCStatus() *status.Status {
	return status.New(meaning(u.end.Reason), u.Error())
}

// meaning is the code for why a call ended.
func meaning(reason error) codes.Code {
	switch reason {
	case retry.ErrCanceled:
		return codes.Canceled
	case retry.ErrDeadline:
		return codes.DeadlineExceeded
	case retry.ErrLockedOut:
		return codes.FailedPrecondition // which no wait helps against
	case retry.ErrOpen, retry.ErrBudget, retry.ErrElapsed, retry.ErrAttempts, retry.ErrRetryAfter, retry.ErrNonce, retry.ErrResync:
		return codes.Unavailable
	}
	return codes.Internal
}
