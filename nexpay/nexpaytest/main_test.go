package nexpaytest_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/nexpay"
	"github.com/nexpay-go/resilience/nexpay/nexpaytest"
	"github.com/nexpay-go/resilience/nonce"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	paymentsPath = "/api/2/eurowallet/payments"
	statusPath   = "/api/1/eurowallet/status"
	lookupPath   = "/api/1/eurowallet/payments/status"
)

func withNonce(ctx context.Context, n uint64) context.Context {
	return nonce.NewContext(ctx, nonce.NewTicket("main", n, nil, nil))
}

// caller sends signed requests to a bank, each with the next nonce.
type caller struct {
	*nexpay.Client
	t *testing.T
	n uint64
}

func inProcess(t *testing.T, b *nexpaytest.Bank, c nexpay.Credentials) *caller {
	t.Helper()
	s, err := nexpay.NewSigner(c)
	require.NoError(t, err)
	return &caller{Client: &nexpay.Client{BaseURL: "https://bank.test", Signer: s, HTTP: &http.Client{Transport: b.RoundTripper()}}, t: t}
}

func overTCP(t *testing.T, b *nexpaytest.Bank, c nexpay.Credentials) *caller {
	t.Helper()
	client := inProcess(t, b, c)
	url, err := b.Start()
	require.NoError(t, err)
	transport := &http.Transport{}
	client.BaseURL, client.HTTP = url, &http.Client{Transport: transport}
	t.Cleanup(func() { transport.CloseIdleConnections(); b.Close() })
	return client
}

func (c *caller) call(ctx context.Context, method, path string, f nexpay.Form, v any) error {
	c.t.Helper()
	c.n++
	req, err := c.NewRequest(withNonce(ctx, c.n), method, path, f)
	require.NoError(c.t, err)
	return c.Do(req, v)
}

// order is a payment as the vendor knows it, unsigned, whatever the amount is.
// Without an id it has none.
func order(t testing.TB, external, amount string) nexpay.Form {
	t.Helper()
	f, err := nexpay.Order{
		RequestTime: time.UnixMilli(1700000000000), Amount: "1", BeneficiaryName: "Baltic Paper",
		BeneficiaryAccount: "LT693080010000000294", BeneficiaryReference: "invoice 17", ExternalPaymentID: external,
	}.Form()
	require.NoError(t, err)
	f[1].Value = amount
	return f
}

// pay creates a payment of 10 euros.
func (c *caller) pay(ctx context.Context, external string) error {
	c.t.Helper()
	f, err := c.Signer.SignPayment(order(c.t, external, "10"))
	require.NoError(c.t, err)
	var answer struct{ PaymentID string }
	return c.call(ctx, "POST", paymentsPath, f, &answer)
}

func (c *caller) lookup(ctx context.Context, external string) (nexpay.PaymentStatus, error) {
	c.n++
	return c.PaymentByExternalID(withNonce(ctx, c.n), external)
}

// code is the first code of an answer, and its status.
func code(err error) (classify.Code, int) {
	e, ok := errors.AsType[*classify.Error](err)
	switch {
	case !ok:
		return "", 0
	case len(e.Details) == 0:
		return "", e.Status
	}
	return e.Details[0].Code, e.Status
}

func last(b *nexpaytest.Bank) nexpaytest.Request {
	all := b.Requests()
	return all[len(all)-1]
}
