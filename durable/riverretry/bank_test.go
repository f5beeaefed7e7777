package riverretry_test

import (
	"fmt"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/nexpay-go/resilience/nexpay"
	"github.com/nexpay-go/resilience/nexpay/nexpaytest"
	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if err := postgres.Stop(); err != nil {
		fmt.Println(err)
		code = 1
	}
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Println(err)
			code = 1
		}
	}
	os.Exit(code)
}

// A teller makes payments at a bank in the process.
type teller struct {
	*nexpaytest.Bank
	client *nexpay.Client
	signer *nexpay.Signer
	r      *retry.Retrier
}

func newTeller(t *testing.T, journal retry.Journal) *teller {
	t.Helper()
	bank, credentials := nexpaytest.NewKeyed()
	t.Cleanup(bank.Close)
	signer, err := nexpay.NewSigner(credentials)
	require.NoError(t, err)
	lane, err := nonce.NewLane(nonce.LaneConfig{Key: "main"})
	require.NoError(t, err)
	return &teller{
		Bank: bank, signer: signer,
		client: &nexpay.Client{BaseURL: "http://bank.test", Signer: signer, HTTP: &http.Client{Transport: bank.RoundTripper()}},
		r:      newRetrier(t, retry.Config{Nonces: lane, Journal: journal, Policies: quick(t)}),
	}
}

// quick are policies with waits of no more than a millisecond.
func quick(t *testing.T) *policy.Set {
	t.Helper()
	set, err := policy.Nexpay().With(policy.Table{
		AttemptTimeout: 50 * time.Millisecond,
		Default:        policy.Policy{Backoff: policy.Backoff{Initial: time.Millisecond, Max: time.Millisecond}},
	})
	require.NoError(t, err)
	return set
}

func newRetrier(t *testing.T, cfg retry.Config) *retry.Retrier {
	t.Helper()
	r, err := retry.New(cfg)
	require.NoError(t, err)
	return r
}

func (b *teller) payment(t *testing.T, id string) retry.Operation[nexpay.PaymentStatus] {
	t.Helper()
	order, err := b.signer.SignOrder(nexpay.Order{
		RequestTime: time.Now(), Amount: "17.50", ExternalPaymentID: id,
		BeneficiaryName: "Baltic Paper", BeneficiaryAccount: "LT693080010000000294", BeneficiaryReference: "invoice 7",
	})
	require.NoError(t, err)
	p := nexpay.Payment{Client: b.client, ExternalID: id, Order: order}
	return retry.Operation[nexpay.PaymentStatus]{
		ID: id, Send: p.Send, Verify: p.Verify, Settle: 20 * time.Millisecond, GiveUp: 60 * time.Millisecond,
	}
}

// sends is how many requests for payments came.
func (b *teller) sends() (n int) {
	for _, r := range b.Requests() {
		if r.Method == http.MethodPost {
			n++
		}
	}
	return n
}
