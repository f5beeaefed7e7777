// Package certificate describes what is wrong with a server's certificate in fixed texts.
// The texts of crypto/x509 quote the certificate. A server chooses the names in its
// certificate, and could choose parts of a request.
package certificate

import (
	"crypto/tls"
	"crypto/x509"
	"strconv"

	"github.com/nexpay-go/resilience/internal/errtree"
)

// Text describes err, if it is or wraps an error about a certificate. host is the name that
// was dialled, from a URL of the caller; it may be empty.
func Text(err error, host string) (text string, ok bool) {
	text, ok = reason(err, host)
	if _, tried := errtree.As[*tls.CertificateVerificationError](err); tried {
		if !ok {
			text = "certificate not accepted" // a check of the caller's, whose text may contain anything
		}
		return "tls: failed to verify certificate: " + text, true
	}
	return text, ok
}

func reason(err error, host string) (text string, ok bool) {
	if is[x509.HostnameError](err) {
		if host == "" {
			host = "the host that was called"
		}
		return "x509: certificate is not valid for " + host, true
	}
	if invalid, ok := errtree.As[x509.CertificateInvalidError](err); ok {
		if invalid.Reason == x509.Expired {
			return "x509: certificate has expired or is not yet valid", true
		}
		return "x509: certificate is invalid (reason " + strconv.Itoa(int(invalid.Reason)) + ")", true
	}
	switch {
	case is[x509.UnknownAuthorityError](err):
		return "x509: certificate signed by unknown authority", true
	case is[x509.SystemRootsError](err):
		return "x509: the system's root certificates cannot be loaded", true
	case is[x509.ConstraintViolationError](err), is[x509.UnhandledCriticalExtension](err), is[x509.InsecureAlgorithmError](err):
		return "x509: certificate not accepted", true
	}
	return "", false
}

func is[T error](err error) bool {
	_, ok := errtree.As[T](err)
	return ok
}
