package retryhttp_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/retry"
	"github.com/nexpay-go/resilience/retry/retryhttp"
)

// A payment over HTTP that is looked up by another request, through the same client.
type shop struct {
	client *http.Client
	looks  atomic.Int64
}

func (s *shop) pay(t *testing.T, found retry.Outcome) (*http.Response, error) {
	t.Helper()
	req := request(t, "POST", "amount=17")
	return s.client.Do(retryhttp.Once(req, "inv-7", func(ctx context.Context) (*http.Response, retry.Outcome, error) {
		s.looks.Add(1)
		look, err := http.NewRequestWithContext(ctx, "GET", "http://bank.example/payments/inv-7", nil)
		if err != nil {
			return nil, retry.Undecided, err
		}
		resp, err := s.client.Do(look)
		if err != nil {
			return nil, retry.Undecided, err
		}
		if found != retry.Applied {
			_ = resp.Body.Close()
			return nil, found, nil
		}
		return resp, found, nil
	}))
}

// posts answers POSTs by the script and everything else with what a lookup finds, and remembers nonces.
type posts struct {
	*stub
	nonces []uint64
}

func (p *posts) RoundTrip(req *http.Request) (*http.Response, error) {
	if ticket, ok := nonce.FromContext(req.Context()); ok {
		p.nonces = append(p.nonces, ticket.Nonce())
	}
	if req.Method == "POST" {
		return p.stub.RoundTrip(req)
	}
	return says(200, "the payment")(req)
}

func TestOnce(t *testing.T) {
	const absent, applied, undecided = retry.Absent, retry.Applied, retry.Undecided
	for name, tt := range map[string]struct {
		answers []func(*http.Request) (*http.Response, error)
		found   retry.Outcome
		posts   int
		looks   int // zero: none; negative: some
		body    string
		err     error
	}{
		"paid at once":                       {ways(says(200, `"paid"`)), absent, 1, 0, `"paid"`, nil},
		"in doubt, and it happened":          {ways(says(500, internal)), applied, 1, 1, "the payment", nil},
		"in doubt, and it did not happen":    {ways(breaks(io.ErrUnexpectedEOF), says(200, `"paid"`)), absent, 2, -1, `"paid"`, nil},
		"in doubt, and nobody can tell":      {ways(says(503, "sorry")), undecided, 1, -1, "", retry.ErrOutcomeUnknown},
		"refused":                            {ways(says(400, wrong)), applied, 1, 0, "", retry.ErrFixAndResend},
		"no connection, then paid":           {ways(breaks(dialError), says(200, `"paid"`)), absent, 2, 0, `"paid"`, nil},
		"a refused nonce may hide a success": {ways(says(403, monotonic)), applied, 1, 1, "the payment", nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				lane, err := nonce.NewLane(nonce.LaneConfig{Key: "main"})
				require.NoError(t, err)
				p := &posts{stub: answers(tt.answers...)}
				s := &shop{client: client(t, p, func(tr *retryhttp.Transport) { tr.Retrier = quick(t, retry.Config{Nonces: lane}) })}
				resp, err := s.pay(t, tt.found)
				require.Len(t, p.seen, tt.posts)
				require.Equal(t, tt.looks != 0, s.looks.Load() > 0)
				if tt.looks > 0 {
					require.Equal(t, int64(tt.looks), s.looks.Load())
				}
				for i := range p.nonces[1:] {
					require.Less(t, p.nonces[i], p.nonces[i+1], "also those of lookups")
				}
				if tt.err == nil {
					require.NoError(t, err)
					require.Equal(t, tt.body, read(t, resp))
				} else {
					require.ErrorIs(t, err, tt.err)
					require.Equal(t, "inv-7", errorOf(t, err).ID)
				}
				require.Zero(t, p.open, "every body is closed")
			})
		})
	}
}

func ways(a ...func(*http.Request) (*http.Response, error)) []func(*http.Request) (*http.Response, error) {
	return a
}

// What a body allows is not more than the operation allows: one that is gone cannot be sent again, and is said to be.
func TestOnceWithoutGetBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := answers(breaks(dialError), says(200, `"paid"`))
		req := request(t, "POST", "")
		req.Body = io.NopCloser(strings.NewReader("amount=17"))
		_, err := client(t, s).Do(retryhttp.OnceWith(req, retry.Operation[*http.Response]{
			ID: "inv-7", Settle: time.Second,
			Verify: func(context.Context) (*http.Response, retry.Outcome, error) { return nil, retry.Absent, nil },
		}))
		e := errorOf(t, err)
		require.Equal(t, retry.ErrFatal, e.Reason)
		require.ErrorContains(t, e, "request body can be read only once, and was")
		require.Len(t, s.seen, 1)
	})
}

// A mistake in the operation is one before anything is sent.
func TestOnceMistakes(t *testing.T) {
	s := answers(says(200, `"paid"`))
	_, err := client(t, s).Do(retryhttp.Once(request(t, "POST", "x"), "", nil))
	require.ErrorContains(t, err, "ID is required")
	require.Empty(t, s.seen)
}
