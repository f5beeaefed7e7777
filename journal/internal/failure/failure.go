// Package failure gives the errors of journals a text that may be shown to
// anybody: package retry prints it, because they have a method SafeError. It names
// the operation and the number by which the system or the database calls what went
// wrong, and has nothing of entries, addresses or statements.
package failure

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
)

// An Error is what a call of a journal came to.
type Error struct {
	Call string // such as "sqljournal: begin"; may be shown to anybody
	Err  error

	// Name names errors that only the journal in question can meet. nil: there
	// are none.
	Name func(error) (string, bool)
}

// Error returns all that is known, for whoever may see entries.
func (e *Error) Error() string { return e.Call + ": " + e.Err.Error() }

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// SafeError returns what may be shown to anybody.
func (e *Error) SafeError() string {
	line, ok := e.text(e.Err, 0)
	if !ok {
		line = fmt.Sprintf("%T", innermost(e.Err))
	}
	return e.Call + ": " + line
}

// Plain is an error whose text is fit for all: a constant, or one made of
// constants and numbers.
func Plain(text string) error { return &plain{text: text} }

// Wrap is Plain around another error, whose text it does not have.
func Wrap(text string, err error) error { return &plain{text, err} }

// Hide returns an error with the text of err, for whoever may see entries, and
// another one that is fit for all.
func Hide(text string, err error) error { return &hidden{err, text} }

type hidden struct {
	error
	text string
}

func (e *hidden) SafeError() string { return e.text }
func (e *hidden) Unwrap() error     { return e.error }

type plain struct {
	text string
	err  error
}

func (e *plain) Error() string     { return e.text }
func (e *plain) SafeError() string { return e.text }
func (e *plain) Unwrap() error     { return e.err }

// maxDepth bounds how deep an error is looked into.
const maxDepth = 32

// text describes err as far as its text is known to be free of data.
func (e *Error) text(err error, depth int) (string, bool) {
	if err == nil || depth > maxDepth {
		return "", false
	}
	if safe, ok := err.(interface{ SafeError() string }); ok {
		return safe.SafeError(), true
	}
	if e.Name != nil {
		if line, ok := e.Name(err); ok {
			return line, true
		}
	}
	if line, ok := ofSystem(err); ok {
		return line, true
	}
	switch err := err.(type) {
	case *fs.PathError:
		return e.during(err.Op, err.Err, depth)
	case *os.LinkError:
		return e.during(err.Op, err.Err, depth)
	case *os.SyscallError:
		return e.during(err.Syscall, err.Err, depth)
	case *net.OpError:
		return e.during(err.Op, err.Err, depth)
	case interface{ Unwrap() error }:
		return e.text(err.Unwrap(), depth+1)
	case interface{ Unwrap() []error }:
		return e.joined(err.Unwrap(), depth)
	}
	return "", false
}

// during describes an error of one of the standard library's operations.
func (e *Error) during(operation string, err error, depth int) (string, bool) {
	line, ok := e.text(err, depth+1)
	if !ok {
		line = fmt.Sprintf("%T", err)
	}
	return operation + ": " + line, true
}

// joined describes the parts that can be, each once.
func (e *Error) joined(errs []error, depth int) (string, bool) {
	var lines []string
	for _, err := range errs {
		if line, ok := e.text(err, depth+1); ok && !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "; "), len(lines) > 0
}

// sentinels have texts of the standard library's own.
var sentinels = []error{
	context.Canceled, context.DeadlineExceeded, io.EOF, io.ErrUnexpectedEOF, fs.ErrClosed, fs.ErrNotExist, fs.ErrExist, fs.ErrPermission,
	fs.ErrInvalid, os.ErrDeadlineExceeded, net.ErrClosed, driver.ErrBadConn, sql.ErrConnDone, sql.ErrTxDone, sql.ErrNoRows,
}

func ofSystem(err error) (string, bool) {
	switch err := err.(type) {
	case syscall.Errno:
		return err.Error(), true
	case *net.DNSError: // its text has the name of the host
		return "the host's name was not resolved", true
	}
	for _, known := range sentinels {
		if err == known {
			return err.Error(), true
		}
	}
	return "", false
}

// innermost returns the error whose type says the most.
func innermost(err error) error {
	for range maxDepth {
		inner := errors.Unwrap(err)
		if inner == nil {
			break
		}
		err = inner
	}
	return err
}
