// Package redact tells of an error what cannot hold request data.
package redact

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"strings"
	"syscall"

	"github.com/nexpay-go/resilience/internal/codes"
	"github.com/nexpay-go/resilience/internal/errtree"
	"github.com/nexpay-go/resilience/internal/text"
)

// Text returns the text of err as far as it cannot hold request data, and the
// type of the rest. Errors that callers wrap theirs in are passed over: what
// the text of a wrapper says nobody here can know. An error that knows its text
// to be free of request data says so by a method SafeError() string, as the
// errors of this module do. Of a text that is printed for that the first 4 KiB
// are, without what is not printable.
//
// A *url.Error holds the whole URL, query and all; a decoder's error quotes the
// body.
//
// Text(nil) says "<nil>". It does not panic, whatever the methods of err do, and
// may be called concurrently as far as those may.
func Text(err error) (line string) {
	defer func() {
		if recover() != nil {
			line = hidden(err)
		}
	}()
	w := walk{left: errtree.MaxErrors}
	if line, ok := w.plain(err, 0); ok {
		return line
	}
	return hidden(err)
}

// hidden is what can be told of any error.
func hidden(err error) string {
	if err == nil {
		return "<nil>"
	}
	return fmt.Sprintf("%T (its text may hold request data and is not shown: see SafeError and Config.ShowErrors)", err)
}

// Shown is Text for somebody who wants to see what errors say by themselves: all of
// it, unless a *url.Error is in it.
func Shown(err error) (line string) {
	defer func() {
		if recover() != nil {
			line = hidden(err)
		}
	}()
	if errtree.Nil(err) {
		return Text(err)
	}
	if _, ok := errors.AsType[*url.Error](err); ok {
		return Text(err)
	}
	return err.Error()
}

const (
	maxDepth = 32      // how deep Text looks into an error
	maxSafe  = 4 << 10 // bytes of a SafeError: some tell of several others
)

// A walk goes through a tree of errors, down to the first whose text is known
// to be harmless.
type walk struct {
	left int // how many errors may be looked at
}

// plain is Text without the last resort.
func (w *walk) plain(err error, depth int) (string, bool) {
	if errtree.Nil(err) || depth > maxDepth || w.left == 0 {
		return "", false
	}
	w.left--
	if line, ok := vouched(err); ok {
		return line, true
	}
	if line, ok := w.transport(err, depth); ok {
		return line, true
	}
	switch code := err.(type) {
	case interface{ ErrorCode() int }:
		return fmt.Sprintf("error code %d", code.ErrorCode()), true
	case interface{ ErrorCode() string }:
		if code := code.ErrorCode(); codes.Valid(code) {
			return "error code " + codes.Text(code), true
		}
	}
	switch err := err.(type) {
	case interface{ Unwrap() error }:
		return w.plain(err.Unwrap(), depth+1)
	case interface{ Unwrap() []error }:
		return w.joined(err.Unwrap(), depth)
	}
	return "", false
}

// joined describes the parts of a joined error that can be, up to three.
func (w *walk) joined(errs []error, depth int) (string, bool) {
	var texts []string
	for _, err := range errs {
		if len(texts) == 3 || w.left == 0 {
			break
		}
		if line, ok := w.plain(err, depth+1); ok {
			texts = append(texts, line)
		}
	}
	return strings.Join(texts, "; "), len(texts) > 0
}

// vouched knows the errors that vouch for their text, and the bare sentinels of
// the standard library.
func vouched(err error) (string, bool) {
	if e, ok := err.(interface{ SafeError() string }); ok {
		return text.Cut(e.SafeError(), maxSafe), true
	}
	if e, ok := err.(syscall.Errno); ok {
		return e.Error(), true
	}
	switch err {
	case context.Canceled, context.DeadlineExceeded, io.EOF, io.ErrUnexpectedEOF,
		net.ErrClosed, os.ErrDeadlineExceeded, http.ErrSchemeMismatch:
		return err.Error(), true
	}
	if reflect.TypeOf(err).PkgPath() == "os/signal" { // the cause of a NotifyContext
		return err.Error(), true
	}
	return "", false
}
