package grpcretry

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/internal/text"
	"github.com/nexpay-go/resilience/internal/wire"
	"github.com/nexpay-go/resilience/retry"
)

type code = codes.Code

// number returns the code as a number.
func number(c code) classify.Code { return classify.Code(strconv.FormatUint(uint64(c), 10)) }

// A failure is the error of one attempt. Its methods pass its data to catalogs, and its
// status to gRPC.
type failure struct {
	status  *status.Status // unchanged, for the caller
	code    classify.Code  // for the classification, "" if the API returned none
	text    string         // for humans, without request data
	trace   string
	wait    time.Duration
	context error // of the caller's context, if that is what ended it
}

// Error returns the code and the server's message, without what it repeats of the
// request.
func (f *failure) Error() string { return f.text }

// SafeError returns the same text: it is safe to log.
func (f *failure) SafeError() string { return f.text }

// GRPCStatus returns the unchanged status for status.FromError: its message and details
// may repeat the request.
func (f *failure) GRPCStatus() *status.Status { return f.status }

// ErrorCode returns the code for the classification.
func (f *failure) ErrorCode() string { return string(f.code) }

// RetryAfter returns how long the server asks to wait.
func (f *failure) RetryAfter() time.Duration { return f.wait }

// TraceID returns the id by which the API's support finds the call.
func (f *failure) TraceID() string { return f.trace }

// Timeout reports whether the code is DEADLINE_EXCEEDED.
func (f *failure) Timeout() bool { return f.status.Code() == codes.DeadlineExceeded }

// Is reports whether target is the error that ended the context. Every DEADLINE_EXCEEDED
// is a context.DeadlineExceeded.
func (f *failure) Is(target error) bool {
	return target != nil && target == f.context || target == context.DeadlineExceeded && f.Timeout()
}

// failed returns the error for a send that failed with err.
func (c *call) failed(s *send, err error) error {
	unsent := s.unsent()
	if !unsent {
		s.went()
	}
	st, ok := status.FromError(err)
	if !ok { // from an interceptor below
		return err
	}
	d := read(st, c.catalog(), s.headers(), s.trailers())
	f := &failure{status: st, code: c.code(st.Code()), trace: d.trace, wait: d.wait}
	if d.code != "" {
		f.code = d.code
	}
	if unsent {
		return c.never(f)
	}
	answered := s.answered()
	said := st.Message()
	if s.seen() && !answered { // gRPC quotes the page that came instead of an answer
		said, _, _ = strings.Cut(said, `data: "`)
	}
	f.text = c.says(f, said)
	switch {
	case c.over(f):
		f.code = "" // even if it comes from the server, it only repeats our deadline
	case !answered && s.seen() && refused(st.Code()):
		f.code = ""
		f.text += " (no answer of a gRPC server)"
		return retry.Permanent(f)
	case d.never, s.tooLarge(st):
		return retry.Permanent(f)
	}
	return f
}

// code returns the code as the catalog of the Retrier writes it: by number in a file that
// extends grpc.
func (c *call) code(of code) classify.Code {
	if catalog := c.catalog(); catalog != nil && !knows(catalog, name) && knows(catalog, number) {
		return number(of)
	}
	return name(of)
}

// over reports whether the caller's context ended the send, and records that.
func (c *call) over(f *failure) bool {
	if c.Err() == nil || f.status.Code() != codes.DeadlineExceeded && f.status.Code() != codes.Canceled {
		return false
	}
	f.context = c.Err()
	return true
}

// refused reports whether gRPC makes this code out of an answer that is not from a gRPC
// server: a page with HTTP status 401, 403 or 404. Such a page proves nothing, and says
// nothing about a key.
func refused(of code) bool {
	return of == codes.Unauthenticated || of == codes.PermissionDenied || of == codes.Unimplemented
}

// never returns the error for a call that was not sent. It has no code, because the API
// did not answer.
func (c *call) never(f *failure) error {
	of := f.status.Code()
	f.code = ""
	c.over(f)
	text := fmt.Sprintf("not sent: %s (no details, as they may quote credentials)", name(of))
	asked := false
	switch of {
	case codes.Unavailable, codes.DeadlineExceeded, codes.ResourceExhausted:
		asked = true
		text = "no connection: " + c.says(f, f.status.Message())
	case codes.Canceled:
		asked = f.context != nil
		text = "not sent: " + c.says(f, f.status.Message())
	}
	f.text = text
	return wire.NeverSent(text, f, asked, !asked)
}

// says returns the status as a text for humans.
func (c *call) says(f *failure, message string) string {
	named := f.code
	if named == "" {
		named = name(f.status.Code())
	}
	d := classify.Detail{Code: named, Message: text.Cut(message, mostMessage)}
	e := classify.Error{Details: []classify.Detail{d}, TraceID: f.trace}
	c.blot(&e)
	f.trace = e.TraceID
	if f.code != "" {
		f.code = e.Details[0].Code
	}
	e.Details[0].Message = text.Line(e.Details[0].Message)
	return fmt.Sprint(e.Details[0])
}

// mostMessage is how much of a message is examined, in bytes.
const mostMessage = 4 << 10
