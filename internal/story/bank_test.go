package story_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/nexpay"
	"github.com/nexpay-go/resilience/nexpay/nexpaytest"
	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/retry"
)

// TestTheBankObjects has the bank find the fault itself, instead of being told to.
func TestTheBankObjects(t *testing.T) {
	t.Parallel()
	key := func(change func(*nexpaytest.Key)) setup {
		k := testKey
		change(&k)
		return setup{key: k}
	}
	for _, row := range []struct {
		code  classify.Code
		setup setup
		must  behaviour
	}{
		{"10", setup{transport: without("X-API-KEY")}, stops},
		{"20", setup{transport: without("X-NONCE")}, stops},
		{"30", setup{transport: without("X-Signature")}, stops},
		{"40", setup{credentials: nexpay.Credentials{Key: "another-key", Secret: testKey.Secret}}, locksOut},
		{"50", key(func(k *nexpaytest.Key) { k.LastNonce = nonce.MaxNonce }), resyncs},
		{"60", setup{nonces: fixedNonce(1 << 60)}, stops},
		{"70", setup{credentials: nexpay.Credentials{Key: testKey.ID, Secret: "another-secret"}}, stops},
		{"80", key(func(k *nexpaytest.Key) { k.Forbidden = []string{"/api/1/eurowallet/status"} }), stops},
		{"90", key(func(k *nexpaytest.Key) { k.State = nexpaytest.NotEnabled }), locksOut},
		{"100", key(func(k *nexpaytest.Key) { k.State = nexpaytest.Locked }), locksOut},
		{"110", key(func(k *nexpaytest.Key) { k.State = nexpaytest.ClientState }), locksOut},
		{"120", key(func(k *nexpaytest.Key) { k.State = nexpaytest.Deleted }), locksOut},
		{"121", key(func(k *nexpaytest.Key) { k.State = nexpaytest.Deprecated }), locksOut},
	} {
		t.Run(fmt.Sprint(row.code), func(t *testing.T) {
			t.Parallel()
			w := open(t, row.setup)
			w.refusals = slices.Repeat([]classify.Code{row.code}, 2*row.must.always) // of a later call, too
			w.staysWith(row.must, row.code, w.call(), nil)
		})
	}
}

// without loses a header on the way.
func without(header string) func(http.RoundTripper) http.RoundTripper {
	return func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(req *http.Request) (*http.Response, error) {
			req = req.Clone(req.Context())
			req.Header.Del(header)
			return next.RoundTrip(req)
		})
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// fixedNonce is a source with one idea.
type fixedNonce uint64

func (n fixedNonce) Enter(context.Context) (*nonce.Ticket, error) {
	return nonce.NewTicket("main", uint64(n), nil, nil), nil
}

// Somebody else has used the key: the first resync goes one above the last, the second a second.
func TestANonceTooLowIsBroughtForward(t *testing.T) {
	t.Parallel()
	for behind, want := range map[uint64]error{0: nil, 1: nil, 2: nil, 1_000_001: nil, 1_000_002: retry.ErrResync} {
		t.Run(fmt.Sprint(behind, " behind"), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				start := uint64(time.Now().Add(time.Minute).UnixMicro()) // above the clock, so that the next nonces are known
				w := open(t, setup{after: start, virtual: true})
				w.bank.SetLastNonce(testKey.ID, start+behind)
				refused := min(int(behind), 2)
				if want != nil {
					refused = 3
				}
				w.refusals = slices.Repeat([]classify.Code{"50"}, refused)
				err := w.call()
				require.ErrorIs(t, err, want)
				if want != nil {
					require.ErrorContains(t, err, "give each process a key of its own")
				}
				w.sent(min(refused+1, 3))
				require.NoError(t, w.call(), "from there on it is in front")
				w.sent(1)
				require.Equal(t, limit, w.spare())
			})
		})
	}
}

// A lookup without identifier is fixed by giving both, which is wrong as well, and
// then only one: each code has its own try.
func TestEachCodeIsFixedOnce(t *testing.T) {
	t.Parallel()
	w := open(t, setup{})
	external := nexpay.Field{Name: "externalPaymentId", Value: "order-17"}
	client := nexpay.Field{Name: "clientPaymentId", Value: "17"}
	w.pay(external.Value)

	var params nexpay.Form
	var seen []classify.Code
	p, err := retry.DoValue(t.Context(), w.retrier, func(ctx context.Context) (p nexpay.PaymentStatus, err error) {
		req, err := w.client.NewRequest(ctx, http.MethodGet, "/api/1/eurowallet/payments/status", params)
		if err == nil {
			err = w.client.Do(req, &p)
		}
		return p, err
	}, retry.Fix(func(_ context.Context, e *classify.Error) (bool, error) {
		code := e.Details[0].Code
		seen = append(seen, code)
		params = map[classify.Code]nexpay.Form{"20000": {external, client}, "20010": {external}}[code]
		return true, nil
	}))
	require.NoError(t, err)
	require.Equal(t, nexpay.Pending, p.Status)
	require.Equal(t, []classify.Code{"20000", "20010"}, seen)
	w.refusals = []classify.Code{"", "20000", "20010"}
	w.sent(4)
	require.Equal(t, limit, w.spare())
}

// pay makes one payment, in a turn of its own.
func (w *world) pay(id string) {
	w.t.Helper()
	ticket, err := w.lane.Enter(w.t.Context())
	require.NoError(w.t, err)
	defer ticket.Leave()
	order, err := w.client.Signer.SignOrder(nexpay.Order{
		RequestTime: time.Now(), Amount: "10.00", ExternalPaymentID: id,
		BeneficiaryName: "Baltic Paper", BeneficiaryAccount: "LT693080010000000294", BeneficiaryReference: "invoice 17",
	})
	require.NoError(w.t, err)
	_, err = w.client.CreatePayment(nonce.NewContext(w.t.Context(), ticket), order)
	require.NoError(w.t, err)
}

// What a server asks for is waited for or ends the call at once, and is never cut
