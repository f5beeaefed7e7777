package nexpay_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/nexpay-go/resilience/nexpay"
	"github.com/nexpay-go/resilience/nonce"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Credentials whose signatures were computed with openssl:
//
//	printf %s "$TEXT" | openssl dgst -sha512 -hmac "$SECRET"
var golden = nexpay.Credentials{Key: "AK-1", Secret: "s3cret-ключ", PaymentSecret: "pay-s3cret"}

func signer(t testing.TB, c nexpay.Credentials) *nexpay.Signer {
	t.Helper()
	s, err := nexpay.NewSigner(c)
	require.NoError(t, err)
	return s
}

// withNonce is a context with a ticket for that nonce.
func withNonce(ctx context.Context, n uint64) context.Context {
	return nonce.NewContext(ctx, nonce.NewTicket("main", n, nil, nil))
}

// roundTrip is an http.RoundTripper made of a function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		defer req.Body.Close()
	}
	return f(req)
}

func reply(status int, body string) roundTrip {
	return func(req *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: req}, nil
	}
}

func client(t testing.TB, rt http.RoundTripper) *nexpay.Client {
	t.Helper()
	return &nexpay.Client{BaseURL: "https://bank.test", Signer: signer(t, golden), HTTP: &http.Client{Transport: rt}}
}
