package classify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"

	"github.com/nexpay-go/resilience/internal/errtree"
)

// Undecodable marks err as an unreadable 2xx: its class is [Retryable] and its effect
// [Unknown]. The result wraps err. Undecodable(nil) returns nil. ReadJSON is more
// precise: it makes an answer [Fatal] if a retry would return the same.
//
// The text of the result has the kind and the place of the error, but not its text,
// because decoders quote what they read.
func Undecodable(err error) error {
	if err == nil {
		return nil
	}
	return &undecodable{err: err}
}

type undecodable struct {
	status int // 0 if not known
	err    error
	whole  bool // it was read to its end: a retry would return the same
}

func (u *undecodable) Error() string {
	text := u.rule()
	if u.err != errNoValue {
		text += ": " + describe(u.err)
	}
	if u.status != 0 {
		return fmt.Sprintf("HTTP %d: %s", u.status, text)
	}
	return text
}

// rule returns the name of the rule in a verdict.
func (u *undecodable) rule() string {
	if u.err == errNoValue {
		return string(errNoValue)
	}
	return "unreadable answer"
}

// class returns the class in a verdict.
func (u *undecodable) class() Class {
	if u.whole {
		return Fatal
	}
	return Retryable
}

// SafeError returns the same text as Error: it is safe to log.
func (u *undecodable) SafeError() string { return u.Error() }

// GoString keeps %#v from printing what the cause holds.
func (u *undecodable) GoString() string { return u.Error() }

func (u *undecodable) Unwrap() error { return u.err }

// A fault is a mistake that ReadJSON finds itself; its text is safe to log.
type fault string

func (f fault) Error() string { return string(f) }

const (
	errTooLong fault = "body too long"
	errTooDeep fault = "JSON nested too deep"
	errNoValue fault = "answer without a value"
	errOpenEnd fault = "nothing announced its end"
	errSilent  fault = "it does not confirm the operation"
	errSaid    fault = `it has a member "error"`
)

// describe returns the parts of an error that cannot hold a part of the body.
func describe(err error) string {
	if kind, found := errtree.NilPointer(err); found {
		return (&errtree.NilError{Kind: kind}).Error()
	}
	if _, ours := err.(fault); ours || err == io.EOF || err == io.ErrUnexpectedEOF {
		return err.Error()
	}
	if e, ok := errors.AsType[interface {
		error
		SafeError() string
	}](err); ok {
		return e.SafeError()
	}
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Sprintf("not JSON, at offset %d", e.Offset)
	}
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok { // its Field can hold keys of the body
		return fmt.Sprintf("value at offset %d does not fit a %v", e.Offset, e.Type)
	}
	if text := broken(err); text != "" {
		return text
	}
	return fmt.Sprintf("%T", err)
}

// broken returns how reading ended if the connection ended it, or "". It calls a timeout
// a timeout, not a deadline: http.Client.Timeout is a context.DeadlineExceeded too,
// although no context of the caller has ended.
func broken(err error) string {
	if t, ok := errors.AsType[net.Error](err); ok && t.Timeout() || errors.Is(err, context.DeadlineExceeded) {
		return "timeout while reading the answer"
	}
	if errors.Is(err, context.Canceled) {
		return "canceled while reading the answer"
	}
	const text = "connection broke off while reading the answer"
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return text + ": " + errno.Error()
	}
	if _, ok := errors.AsType[*net.OpError](err); ok { // its text holds addresses, or the text of a custom connection
		return text
	}
	return ""
}
