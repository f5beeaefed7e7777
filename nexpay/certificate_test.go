package nexpay_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/nexpay"
)

// A server may write what it has seen of earlier requests into a certificate,
// to have it quoted.
func TestCertificateIsNotQuoted(t *testing.T) {
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{certificateFor(t, golden.Key+".zzz")}})
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if conn, err := listener.Accept(); err == nil {
			_ = conn.(*tls.Conn).Handshake()
			_ = conn.Close()
		}
	}()
	defer func() { _ = listener.Close(); <-done }()

	_, port, err := net.SplitHostPort(listener.Addr().String())
	require.NoError(t, err)
	transport := new(http.Transport)
	defer transport.CloseIdleConnections()
	c := &nexpay.Client{BaseURL: "https://localhost:" + port, Signer: signer(t, golden), HTTP: &http.Client{Transport: transport}}
	_, err = c.AccountStatus(withNonce(t.Context(), 7))
	require.ErrorContains(t, err, "tls: failed to verify certificate: x509: certificate is not valid for localhost")
	require.NotContains(t, strings.ToLower(err.Error()), strings.ToLower(golden.Key))
	require.NotContains(t, err.Error(), "zzz")
	require.Equal(t, classify.Fatal, classify.Nexpay().Classify(err).Class)
}

// certificateFor makes a certificate that is signed by itself.
func certificateFor(t *testing.T, name string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	c := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
