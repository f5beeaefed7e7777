// Package wire makes errors of package net/http fit to be printed.
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

// Unanswered makes an error of package net/http fit to be printed: its URL
// holds the query, and the text of what is inside can quote a broken answer,
// which can quote the request.
//
// Where the request had been written, the outermost word is that of a
// connection that failed later: net/http may have tried again by itself since,
// and "connection refused" would speak of that second try only.
func Unanswered(req *http.Request, err error, written bool) error {
	err = errtree.Tidy(err)
	op, inner := req.Method, err
	if ue, ok := errors.AsType[*url.Error](err); ok {
		op, inner = ue.Op, ue.Err
	}
	if ctx := req.Context(); ctx.Err() != nil && errors.Is(inner, context.Cause(ctx)) && !vouched(context.Cause(ctx)) {
		inner = ctx.Err() // the cause may be the failure of another request altogether
	}
	u := url.URL{Scheme: req.URL.Scheme, Host: req.URL.Host, Path: req.URL.Path, RawPath: req.URL.RawPath}
	says := safeText(inner, u.Hostname())
	if says == context.DeadlineExceeded.Error() && req.Context().Err() == nil {
		says = "timeout of the http.Client" // whose Timeout is a context.DeadlineExceeded too
	}
	inner = &transportError{text: says, err: inner}
	if written {
		inner = &net.OpError{Op: "read", Net: "tcp", Err: inner}
	}
	return &url.Error{Op: op, URL: u.String(), Err: inner}
}

// transportError has a text of its own and the chain of err.
type transportError struct {
	text string
	err  error
}

func (e *transportError) Error() string { return e.text }
func (e *transportError) Unwrap() error { return e.err }

// SafeError says that this text is fit to be logged.
func (e *transportError) SafeError() string { return e.text }

// Timeout is asked for by url.Error, which looks no deeper than this.
func (e *transportError) Timeout() bool { return isTimeout(e.err) }

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}

// A safeError knows its text to be fit for a log: that of an attempt's timeout
// is one.
type safeError interface {
	error
	SafeError() string
}

func vouched(err error) bool {
	_, ok := err.(safeError)
	return ok
}

// safeText is the text of what in err speaks of the connection only, not that
// of the whole chain. host is what was dialled, as far as we know.
func safeText(err error, host string) string {
	if safe, ok := errors.AsType[safeError](err); ok {
		return text.Line(safe.SafeError())
	}
	if line, ok := certificate.Text(err, host); ok {
		return text.Line(line)
	}
	if known := aboutConnection(err); known != nil {
		return text.Line(known.Error())
	}
	if isTimeout(err) {
		return "timeout"
	}
	return "the exchange broke off or the answer was not HTTP (no details, as they may quote the answer)"
}

// aboutConnection finds the first of the errors that package net and crypto/tls
// make, whose texts hold addresses, names and numbers.
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
