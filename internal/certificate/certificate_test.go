package certificate_test

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/internal/certificate"
)

const secret = "SECRET"

// names are all that a certificate can say.
var names = &x509.Certificate{DNSNames: []string{secret}, Subject: pkix.Name{CommonName: secret, Organization: []string{secret}}}

func TestText(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want string
	}{
		{x509.HostnameError{Certificate: names, Host: secret}, "x509: certificate is not valid for bank.test"},
		{x509.CertificateInvalidError{Cert: names, Reason: x509.Expired, Detail: secret}, "x509: certificate has expired or is not yet valid"},
		{x509.CertificateInvalidError{Cert: names, Reason: x509.CANotAuthorizedForThisName, Detail: secret}, "x509: certificate is invalid (reason 2)"},
		{x509.UnknownAuthorityError{Cert: names}, "x509: certificate signed by unknown authority"},
		{x509.SystemRootsError{Err: errors.New(secret)}, "x509: the system's root certificates cannot be loaded"},
		{x509.ConstraintViolationError{}, "x509: certificate not accepted"},
		{x509.UnhandledCriticalExtension{}, "x509: certificate not accepted"},
		{x509.InsecureAlgorithmError(x509.MD5WithRSA), "x509: certificate not accepted"},
	} {
		text, ok := certificate.Text(fmt.Errorf("%s: %w", secret, tt.err), "bank.test")
		require.True(t, ok)
		require.Equal(t, tt.want, text)
		text, ok = certificate.Text(&tls.CertificateVerificationError{UnverifiedCertificates: []*x509.Certificate{names}, Err: tt.err}, "bank.test")
		require.True(t, ok)
		require.Equal(t, "tls: failed to verify certificate: "+tt.want, text)
	}
	text, _ := certificate.Text(x509.HostnameError{Certificate: names, Host: secret}, "")
	require.Equal(t, "x509: certificate is not valid for the host that was called", text)
	text, _ = certificate.Text(&tls.CertificateVerificationError{Err: errors.New(secret)}, "")
	require.Equal(t, "tls: failed to verify certificate: certificate not accepted", text)
	for _, err := range []error{nil, errors.New(secret), tls.RecordHeaderError{}} {
		_, ok := certificate.Text(err, "")
		require.False(t, ok)
	}
}
