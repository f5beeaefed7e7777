package retryhttp_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/retry"
	"github.com/nexpay-go/resilience/retry/retryhttp"
)

// A doubler is a proxy that sends what is no GET to two servers with one database,
// which executes a nonce once and refuses it the second time. The client sees what the
// second says.
type doubler struct {
	*stub            // says 403 with code 50
	executes    bool // the first copy
	last        uint64
	paid, looks int
}

func (d *doubler) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method == "GET" {
		d.looks++
		return says(200, "the payment")(req)
	}
	ticket, _ := nonce.FromContext(req.Context())
	if d.executes && ticket.Nonce() > d.last {
		d.last = ticket.Nonce()
		d.paid++
	}
	return d.stub.RoundTrip(req)
}

// A payment whose nonce was refused may have been made, whatever its method: several
// proxies double PUTs and DELETEs, one of them POSTs without a body.
func TestPaymentThatAProxyDoubled(t *testing.T) {
	for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "PAY"} {
		for _, body := range []string{"amount=17", ""} {
			t.Run(method+" "+body, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					d := &doubler{stub: answers(says(403, monotonic), says(403, monotonic), says(403, monotonic), says(403, monotonic)), executes: true}
					resp, err := d.pay(t, method, body, false)
					require.NoError(t, err)
					require.Equal(t, "the payment", read(t, resp))
					require.Equal(t, 1, d.paid)
					require.Equal(t, 1, d.looks)
					require.Len(t, d.seen, 1, "never sent again: it is there")
				})
			})
		}
	}
}

// Who vouches that nothing doubles requests has nobody asked: for whatever method, a
// refused nonce is a refusal then, and a newer one helps.
func TestPaymentThatNothingDoubles(t *testing.T) {
	for _, method := range []string{"POST", "PUT", "DELETE", "PATCH"} {
		synctest.Test(t, func(t *testing.T) {
			d := &doubler{stub: answers(says(403, monotonic), says(200, `"paid"`))}
			resp, err := d.pay(t, method, "amount=17", true)
			require.NoError(t, err)
			require.Equal(t, `"paid"`, read(t, resp))
			require.Zero(t, d.looks)
			require.Len(t, d.seen, 2)
		})
	}
}

// pay makes a payment that is looked up by a GET.
func (d *doubler) pay(t *testing.T, method, body string, noReplay bool) (*http.Response, error) {
	t.Helper()
	lane, err := nonce.NewLane(nonce.LaneConfig{Key: "main"})
	require.NoError(t, err)
	c := client(t, d, func(tr *retryhttp.Transport) { tr.Retrier = quick(t, retry.Config{Nonces: lane}) })
	var in io.Reader
	if body != "" {
		in = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, "http://bank.example/payments/inv-7", in)
	require.NoError(t, err)
	return c.Do(retryhttp.OnceWith(req, retry.Operation[*http.Response]{
		ID: "inv-7", Settle: time.Second, NoReplay: noReplay,
		Verify: func(ctx context.Context) (*http.Response, retry.Outcome, error) {
			look, err := http.NewRequestWithContext(ctx, "GET", "http://bank.example/payments/inv-7", nil)
			if err != nil {
				return nil, retry.Undecided, err
			}
			resp, err := c.Do(look)
			return resp, retry.Applied, err
		},
	}))
}
