// Package failure gives the errors of journals a text that is safe to log: package
// retry prints it, because they have a method SafeError. The text names the operation
// and the error number of the system or the database. It contains nothing of entries,
// addresses or statements.
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

// An Error is the error of a call of a journal.
type Error struct {
	Call string // such as "sqljournal: begin"; safe to log
	Err  error

	// Name describes errors that only one kind of journal has. nil: there are
	// none.
	Name func(error) (string, bool)
}

// Error returns the whole text, which may contain data of entries.
func (e *Error) Error() string { return e.Call + ": " + e.Err.Error() }

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// SafeError returns a text that is safe to log.
func (e *Error) SafeError() string {
	line, ok := e.text(e.Err, 0)
	if !ok {
		line = fmt.Sprintf("%T", innermost(e.Err))
	}
	return e.Call + ": " + line
}

// Plain returns an error whose text is safe to log: a constant, or one made of
// constants and numbers.
func Plain(text string) error { return &plain{text: text} }

// Wrap is Plain around another error, whose text it does not include.
func Wrap(text string, err error) error { return &plain{text, err} }

// Hide returns err with another text that is safe to log.
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

// maxDepth limits the nesting of errors that is inspected.
const maxDepth = 32

// text returns the parts of err's text that are known to be free of data.
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

// during describes an error of an operation of the standard library.
func (e *Error) during(operation string, err error, depth int) (string, bool) {
	line, ok := e.text(err, depth+1)
	if !ok {
		line = fmt.Sprintf("%T", err)
	}
	return operation + ": " + line, true
}

// joined describes the parts of a joined error, each once.
func (e *Error) joined(errs []error, depth int) (string, bool) {
	var lines []string
	for _, err := range errs {
		if line, ok := e.text(err, depth+1); ok && !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "; "), len(lines) > 0
}

// sentinels are the standard library's own, with constant texts.
var sentinels = []error{
	context.Canceled, context.DeadlineExceeded, io.EOF, io.ErrUnexpectedEOF, fs.ErrClosed, fs.ErrNotExist, fs.ErrExist, fs.ErrPermission,
	fs.ErrInvalid, os.ErrDeadlineExceeded, net.ErrClosed, driver.ErrBadConn, sql.ErrConnDone, sql.ErrTxDone, sql.ErrNoRows,
}

func ofSystem(err error) (string, bool) {
	switch err := err.(type) {
	case syscall.Errno:
		return err.Error(), true
	case *net.DNSError: // its text contains the host name
		return "the host name was not resolved", true
	}
	for _, known := range sentinels {
		if err == known {
			return err.Error(), true
		}
	}
	return "", false
}

// innermost returns the most specific error.
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
