// Package redact returns the parts of an error's text that cannot contain request
// data.
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
	"github.com/nexpay-go/resilience/internal/wire"
)

// Text returns the parts of err's text that cannot contain request data, and the type
// of the rest. It skips the errors with which callers wrap others, because the text
// of a wrapper may contain anything. An error whose text has no request data shows it
// with a method SafeError() string, as the errors of this module do. At most the
// first 4 KiB of such a text are returned, without unprintable characters.
//
// The text of a *url.Error contains the whole URL with its query; a decoder's error
// quotes the body.
//
// Text(nil) returns "<nil>". Text does not panic, even if a method of err does. It
// may be called concurrently if the methods of err may.
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

// hidden returns what is safe to show of any error.
func hidden(err error) string {
	if err == nil {
		return "<nil>"
	}
	return kind(err) + " (its text may hold request data and is not shown: see SafeError and Config.ShowErrors)"
}

// kind returns the type of err. For what retry.Transient or fmt.Errorf wrapped, which says
// nothing, it is the type of the error inside.
func kind(err error) string {
	for range maxDepth {
		_, marked := err.(*wire.Mark)
		if errtree.Nil(err) || !marked && reflect.TypeOf(err) != formatted {
			break
		}
		inner := err.(interface{ Unwrap() error }).Unwrap()
		if inner == nil {
			break
		}
		err = inner
	}
	return fmt.Sprintf("%T", err)
}

// formatted is the type of an error of fmt.Errorf with one %w.
var formatted = reflect.TypeOf(fmt.Errorf("%w", io.EOF))

// Shown returns the whole text of err, unless a *url.Error is in it: then it returns
// Text.
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
	maxDepth = 32      // nesting of errors that Text inspects
	maxSafe  = 4 << 10 // bytes of a SafeError: some list several errors
)

// A walk visits a tree of errors until it finds one whose text is known to be safe.
type walk struct {
	left int // errors that may still be visited
}

// plain is Text without the fallback to the type.
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
		if n := code.ErrorCode(); n != 0 { // 0 is no code, as for package classify
			return fmt.Sprintf("error code %d", n), true
		}
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

// joined describes up to three parts of a joined error.
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

// vouched returns the text of errors that have a SafeError, and of the sentinels of
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
