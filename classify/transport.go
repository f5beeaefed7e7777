package classify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql/driver"
	"io"
	"net"
	"net/http"
	"net/url"
	"reflect"
	"syscall"
)

// A transport is what an error says about the connection, in ascending order of
// precedence: the largest of one chain counts.
//
// Only some errors prove that nothing was written, namely those for which Go has a type.
// A TLS handshake that ends in an alert, a bare EOF or an untyped error looks the same as
// a connection lost after the request was sent. So does http.ErrSchemeMismatch:
// http.Client returns it for any plain-text record, even in the middle of a session. All
// these are "later".
type transport uint8

const (
	noTransport transport = iota
	unnamed               // a request failed in a way for which Go has no type: GOAWAY, idle connection closed
	later                 // the connection was made: the request may have arrived
	silent                // as later: no answer before a timeout
	unsent                // the connection was never made: nothing was written
	unwelcome             // the server rejected our certificate; under TLS 1.3 it reports that after a request was written
	certificate           // as unsent, and a retry would end the same way
	canceled              // the caller cancelled
)

var transportVerdicts = [...]Verdict{
	unnamed:     {Class: Retryable, Rule: "request failed"},
	later:       {Class: Retryable, Rule: "connection failed"},
	silent:      {Class: Retryable, Rule: "no answer in time"},
	unsent:      {Class: Retryable, Effect: NotApplied, Rule: "connection not made"},
	unwelcome:   {Class: Fatal, Rule: "our certificate not accepted"},
	certificate: {Class: Fatal, Effect: NotApplied, Rule: "certificate not accepted"},
	canceled:    {Class: Unclassified, Rule: "canceled"},
}

// A connection collects what the errors of one chain say about the connection.
type connection struct {
	says transport
	op   bool // a net.OpError was among them
}

// add adds the next inner error. The outermost net.OpError decides whether the connection
// had been made: a custom connection may dial again while it reads, and that says nothing
// about what was written before.
func (c *connection) add(err error) {
	t := look(err)
	if !c.op || t > unsent {
		c.says = max(c.says, t)
	}
	if _, ok := err.(*net.OpError); ok {
		c.op = true
	}
}

func (c *connection) opinion() opinion {
	o := opinion{Verdict: transportVerdicts[c.says]}
	switch c.says {
	case noTransport:
	case unnamed:
		o.rank = byURL
	case canceled:
		o.rank = byCancel
	default:
		o.rank = byTransport
	}
	return o
}

// Error numbers of Windows. Its package syscall defines the POSIX names with invented
// numbers that the system never returns. No other system has numbers this large.
const (
	wsaENETUNREACH  syscall.Errno = 10051
	wsaECONNABORTED syscall.Errno = 10053
	wsaECONNRESET   syscall.Errno = 10054
	wsaETIMEDOUT    syscall.Errno = 10060
	wsaECONNREFUSED syscall.Errno = 10061
	wsaEHOSTUNREACH syscall.Errno = 10065
)

// look classifies this one error, without those it wraps.
func look(err error) transport {
	if is(err, context.Canceled) {
		return canceled
	}
	switch e := err.(type) {
	case *net.OpError:
		switch e.Op {
		case "dial", "proxyconnect", "socks connect":
			return unsent
		}
		if e.Timeout() {
			return silent
		}
		if refusesCertificate(e.Err) {
			return unwelcome
		}
		return later
	case *net.DNSError:
		return unsent
	case tls.RecordHeaderError:
		if e.Conn != nil { // set only for the very first record
			return unsent
		}
		return later
	case *tls.ECHRejectionError:
		return unsent
	case *tls.CertificateVerificationError, x509.UnknownAuthorityError, x509.HostnameError,
		x509.CertificateInvalidError, x509.SystemRootsError, x509.ConstraintViolationError,
		x509.UnhandledCriticalExtension, x509.InsecureAlgorithmError:
		return certificate
	case syscall.Errno:
		switch e {
		case syscall.ECONNRESET, syscall.EPIPE, syscall.ECONNABORTED, wsaECONNABORTED, wsaECONNRESET,
			// Without a dial error around them it is unknown when they happened.
			syscall.ECONNREFUSED, syscall.ENETUNREACH, syscall.EHOSTUNREACH, wsaECONNREFUSED, wsaENETUNREACH, wsaEHOSTUNREACH:
			return later
		case wsaETIMEDOUT:
			return silent
		}
	}
	switch err {
	case io.EOF, io.ErrUnexpectedEOF, io.ErrClosedPipe, net.ErrClosed, http.ErrSchemeMismatch,
		driver.ErrBadConn: // some drivers return it after the statement was written
		return later
	}
	if is(err, context.DeadlineExceeded) {
		return silent
	}
	if t, ok := err.(interface{ Timeout() bool }); ok && t.Timeout() {
		return silent
	}
	if e, ok := err.(*url.Error); ok && e.Op != "parse" {
		return unnamed
	}
	if t, ok := err.(interface{ Temporary() bool }); ok && t.Temporary() {
		return later
	}
	return noTransport
}

// refusesCertificate reports whether err is one of the TLS alerts with which a server
// rejects the client's certificate (RFC 8446, section 6.2). Package crypto/tls has no
// exported type for an alert over TCP; its own type is a number.
func refusesCertificate(err error) bool {
	v := reflect.ValueOf(err)
	if v.Kind() != reflect.Uint8 || v.Type().PkgPath() != "crypto/tls" {
		return false
	}
	switch v.Uint() {
	case 42, 43, 44, 45, 46, 48, 49, 116:
		return true
	}
	return false
}

// is is errors.Is for one error of a chain.
func is(err, target error) bool {
	if err == target {
		return true
	}
	x, ok := err.(interface{ Is(error) bool })
	return ok && x.Is(target)
}
