// Package wire makes errors of package net/http safe to print.
package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"syscall"

	"github.com/nexpay-go/resilience/internal/certificate"
	"github.com/nexpay-go/resilience/internal/errtree"
	"github.com/nexpay-go/resilience/internal/text"
)

// Unanswered makes an error of package net/http safe to print. The URL in it has the
// query, and the inner text can quote a broken answer, which can quote the request.
//
// If the request had been written, the outermost error is a read error: net/http may
// have resent it by itself since, and "connection refused" would describe only the
// second try.
func Unanswered(req *http.Request, err error, written bool) error {
	op, inner := operation(req, errtree.Tidy(err))
	if ctx := req.Context(); ctx.Err() != nil && errors.Is(inner, context.Cause(ctx)) && !vouched(context.Cause(ctx)) {
		inner = ctx.Err() // the cause may be the failure of another request
	}
	inner = &transportError{text: says(req, inner, brokenOff), err: inner}
	if written {
		inner = &net.OpError{Op: "read", Net: "tcp", Err: inner}
	}
	return &url.Error{Op: op, URL: place(req), Err: inner}
}

const (
	brokenOff = "the connection broke or the answer was not HTTP (no details, because they may quote the answer)"
	timeout   = "timeout"
)

// operation returns the error that http.Client has wrapped.
func operation(req *http.Request, err error) (op string, inner error) {
	if ue, ok := errors.AsType[*url.Error](err); ok {
		return ue.Op, errtree.Tidy(ue.Err)
	}
	return req.Method, err
}

// place returns the URL of a request without user, query and fragment.
func place(req *http.Request) string {
	u := url.URL{Scheme: req.URL.Scheme, Host: req.URL.Host, Path: req.URL.Path, RawPath: req.URL.RawPath}
	return u.String()
}

// says returns the safe text of err, or otherwise if there is none.
func says(req *http.Request, err error, otherwise string) string {
	text, known := safeText(err, req.URL.Hostname())
	switch {
	case !known:
		return otherwise
	case text == context.DeadlineExceeded.Error() && req.Context().Err() == nil:
		return "timeout of the http.Client" // whose Timeout is a context.DeadlineExceeded too
	}
	return text
}

// A transportError has its own text and the chain of err.
type transportError struct {
	text string
	err  error
}

func (e *transportError) Error() string { return e.text }
func (e *transportError) Unwrap() error { return e.err }

// SafeError returns the text, which is safe to log.
func (e *transportError) SafeError() string { return e.text }

// Timeout is for url.Error, which inspects only the error that it wraps.
func (e *transportError) Timeout() bool { return isTimeout(e.err) }

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}

// A safeError has a text that is safe to log. The error of an attempt's timeout is
// one.
type safeError interface {
	error
	SafeError() string
}

func vouched(err error) bool {
	_, ok := err.(safeError)
	return ok
}

// safeText returns the text of the error in err that describes only the connection,
// not the text of the whole chain. host is the host that was dialled, as far as
// known.
func safeText(err error, host string) (line string, known bool) {
	if safe, ok := errors.AsType[safeError](err); ok {
		return text.Line(safe.SafeError()), true
	}
	if line, ok := certificate.Text(err, host); ok {
		return text.Line(line), true
	}
	if known := aboutConnection(err); known != nil {
		return text.Line(known.Error()), true
	}
	if isTimeout(err) {
		return timeout, true
	}
	return "", false
}

// aboutConnection returns the first error of packages net and crypto/tls, whose texts
// contain only addresses, names and numbers.
func aboutConnection(err error) error {
	for _, find := range []func(error) error{
		as[tls.RecordHeaderError], as[tls.AlertError], as[*net.OpError], as[*net.DNSError], as[syscall.Errno],
	} {
		if found := find(err); found != nil {
			return found
		}
	}
	for _, target := range []error{context.Canceled, context.DeadlineExceeded, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, http.ErrSchemeMismatch} {
		if errors.Is(err, target) {
			return target
		}
	}
	return nil
}

func as[T error](err error) error {
	if found, ok := errors.AsType[T](err); ok {
		return found
	}
	return nil
}
