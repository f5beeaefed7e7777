package retry

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strings"
	"syscall"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/internal/certificate"
	"github.com/nexpay-go/resilience/internal/text"
	"github.com/nexpay-go/resilience/nonce"
)

// describe returns the text of err as far as it cannot hold request data, and
// the type of the rest. Errors that callers wrap theirs in are passed over:
// what the text of a wrapper says nobody here can know. An error that knows
// its text to be free of request data says so by a method SafeError() string.
//
// A *url.Error holds the whole URL, query and all; a decoder's error quotes the body.
func describe(err error) string {
	if line, ok := plainAt(err, 0); ok {
		return line
	}
	return fmt.Sprintf("%T (its text may hold request data and is not shown)", err)
}

// maxDepth bounds how deep plain looks into an error.
const maxDepth = 32

// plainAt is describe without the last resort.
func plainAt(err error, depth int) (string, bool) {
	if err == nil || depth > maxDepth {
		return "", false
	}
	if line, ok := ours(err); ok {
		return line, true
	}
	if line, ok := transport(err, depth); ok {
		return line, true
	}
	if code, ok := err.(interface{ ErrorCode() int }); ok {
		return fmt.Sprintf("error code %d", code.ErrorCode()), true
	}
	switch err := err.(type) {
	case interface{ Unwrap() error }:
		return plainAt(err.Unwrap(), depth+1)
	case interface{ Unwrap() []error }:
		return joined(err.Unwrap(), depth)
	}
	return "", false
}

// joined describes the parts of a joined error that can be, up to three.
func joined(errs []error, depth int) (string, bool) {
	var texts []string
	for _, err := range errs {
		if line, ok := plainAt(err, depth+1); ok && len(texts) < 3 {
			texts = append(texts, line)
		}
	}
	return strings.Join(texts, "; "), len(texts) > 0
}

// ours knows the errors whose text this module answers for, and the bare
// sentinels of the standard library.
func ours(err error) (string, bool) {
	switch e := err.(type) {
	case *Error, *classify.Error, *breaker.OpenError, *breaker.LockedError,
		*nonce.ExhaustedError, *attemptTimeoutError:
		return err.Error(), true
	case *reason:
		return e.text, true
	case syscall.Errno:
		return e.Error(), true
	}
	if e, ok := err.(interface{ SafeError() string }); ok {
		return text.Line(e.SafeError()), true
	}
	switch err {
	case context.Canceled, context.DeadlineExceeded, io.EOF, io.ErrUnexpectedEOF,
		net.ErrClosed, os.ErrDeadlineExceeded, http.ErrSchemeMismatch,
		nonce.ErrLeft, nonce.ErrNoResync:
		return err.Error(), true
	}
	if t := reflect.TypeOf(err); t.PkgPath() == "os/signal" { // the cause of a NotifyContext
		return err.Error(), true
	}
	return "", false
}

// transport knows the errors of net, net/http and crypto/tls. Addresses and
// host names are shown, they are what support will ask for; URLs are not.
func transport(err error, depth int) (string, bool) {
	switch e := err.(type) {
	case *url.Error:
		return "no answer to HTTP " + known(strings.ToUpper(e.Op), methods, "request") + ": " + inside(e.Err, depth), true
	case *net.OpError:
		if e.Op == "remote error" || e.Op == "local error" { // a TLS alert, whose type is not exported
			return e.Op + ": " + tlsAlert(e.Err), true
		}
		addr := ""
		if tcp, ok := e.Addr.(*net.TCPAddr); ok && tcp != nil {
			addr = " " + tcp.String()
		}
		return known(e.Op, operations, "network") + addr + ": " + inside(e.Err, depth), true
	case *os.SyscallError:
		return plainAt(e.Err, depth+1)
	case *net.DNSError:
		return text.Line(e.Error()), true
	case tls.RecordHeaderError, *tls.RecordHeaderError, tls.AlertError:
		return text.Line(err.Error()), true
	case *tls.CertificateVerificationError, x509.HostnameError, x509.CertificateInvalidError, x509.UnknownAuthorityError,
		x509.SystemRootsError, x509.ConstraintViolationError, x509.UnhandledCriticalExtension, x509.InsecureAlgorithmError:
		return certificate.Text(err, "") // no host: that of a redirect is the server's word as well
	}
	if t, ok := err.(net.Error); ok && t.Timeout() {
		if _, wraps := err.(interface{ Unwrap() error }); !wraps {
			return "timeout", true
		}
	}
	return "", false
}

// What the standard library itself writes into url.Error and net.OpError; their
// fields are open to anybody.
var (
	methods = []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodConnect, http.MethodOptions, http.MethodTrace}
	operations = []string{"dial", "proxyconnect", "read", "write", "close", "set"}
)

func known(s string, all []string, otherwise string) string {
	if slices.Contains(all, s) {
		return s
	}
	return otherwise
}

// inside describes what a network error wraps, or at least names its type.
func inside(err error, depth int) string {
	if line, ok := plainAt(err, depth+1); ok {
		return line
	}
	if t, ok := errors.AsType[net.Error](err); ok && t.Timeout() {
		return "timeout"
	}
	return fmt.Sprintf("%T", err)
}

// tlsAlert returns the text of an alert as crypto/tls makes it: a number with a
// name.
func tlsAlert(err error) string {
	if err != nil && reflect.TypeOf(err).PkgPath() == "crypto/tls" {
		return err.Error()
	}
	return fmt.Sprintf("%T", err)
}
