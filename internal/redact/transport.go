package redact

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/nexpay-go/resilience/internal/certificate"
	"github.com/nexpay-go/resilience/internal/errtree"
	"github.com/nexpay-go/resilience/internal/text"
)

// transport describes the errors of net, net/http and crypto/tls. It shows addresses
// and host names, which support needs; it does not show URLs.
func (w *walk) transport(err error, depth int) (string, bool) {
	switch e := err.(type) {
	case *url.Error:
		return "no answer to HTTP " + known(strings.ToUpper(e.Op), methods, "request") + ": " + w.inside(e.Err, depth), true
	case *net.OpError:
		if e.Op == "remote error" || e.Op == "local error" { // a TLS alert, whose type is not exported
			return e.Op + ": " + alert(e.Err), true
		}
		addr := ""
		if tcp, ok := e.Addr.(*net.TCPAddr); ok && tcp != nil {
			addr = " " + tcp.String()
		}
		return known(e.Op, operations, "network") + addr + ": " + w.inside(e.Err, depth), true
	case *os.SyscallError:
		return w.plain(e.Err, depth+1)
	case *net.DNSError:
		return text.Line(e.Error()), true
	case tls.RecordHeaderError, *tls.RecordHeaderError, tls.AlertError:
		return text.Line(err.Error()), true
	case *tls.CertificateVerificationError, x509.HostnameError, x509.CertificateInvalidError, x509.UnknownAuthorityError,
		x509.SystemRootsError, x509.ConstraintViolationError, x509.UnhandledCriticalExtension, x509.InsecureAlgorithmError:
		return certificate.Text(err, "") // no host: in a redirect it comes from the server
	}
	if t, ok := err.(net.Error); ok && t.Timeout() {
		if _, wraps := err.(interface{ Unwrap() error }); !wraps {
			return "timeout", true
		}
	}
	return "", false
}

// The values that the standard library itself sets in url.Error and net.OpError.
// Anybody can set their fields.
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

// inside describes the error that a network error wraps, or at least names its type.
func (w *walk) inside(err error, depth int) string {
	if line, ok := w.plain(err, depth+1); ok {
		return line
	}
	if t, ok := errtree.As[net.Error](err); ok && timeout(t) {
		return "timeout"
	}
	return kind(err)
}

// timeout calls err.Timeout unless that would call a nil pointer: url.Error and
// net.OpError pass the call on to the error that they wrap.
func timeout(err net.Error) bool {
	_, found := errtree.NilPointer(err)
	return !found && err.Timeout()
}

// alert returns the text of a TLS alert as crypto/tls formats it: a number with a
// name.
func alert(err error) string {
	if err != nil && reflect.TypeOf(err).PkgPath() == "crypto/tls" {
		return err.Error()
	}
	return fmt.Sprintf("%T", err)
}
