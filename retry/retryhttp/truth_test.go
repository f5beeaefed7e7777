package retryhttp_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
	"github.com/nexpay-go/resilience/retry/retryhttp"
)

// heldBy is the state that the journal holds of the payment.
func heldBy(t testing.TB, j retry.Journal) retry.EntryState {
	t.Helper()
	e, err := j.Begin(context.Background(), retry.Entry{ID: "inv-7", Generation: retry.ReadGeneration})
	require.NoError(t, err)
	return e.State
}

// What an answer to a payment says of it, and what the journal keeps: a success needs
// a 2xx whose body can be read whole, as JSON without "errors" or empty.
func TestWhatAnAnswerSaysOfAPayment(t *testing.T) {
	const paid, doubt = retry.EntryApplied, retry.EntryOpen
	for name, tt := range map[string]struct {
		answer func(*http.Request) (*http.Response, error)
		want   retry.EntryState
	}{
		"200, an object":          {says(200, `{"status":"PENDING"}`), paid},
		"201, an object":          {says(201, `{"status":"PENDING"}`), paid},
		"200, empty":              {says(200, ""), paid},
		"204":                     {says(204, ""), paid},
		"200, errors":             {says(200, wrong), doubt},
		"200, errors after more":  {says(200, `{"id":7,"data":{},"errors":[{"code":30010}]}`), doubt},
		"200, a page":             {says(200, "<html>maintenance</html>"), doubt},
		"200, a text":             {says(200, "OK"), doubt},
		"200, half an object":     {says(200, `{"status":"PEN`), doubt},
		"200, an object and more": {says(200, `{"status":"PENDING"} trailing`), doubt},
		"200, too long":           {says(200, `"`+strings.Repeat("x", 4<<20)+`"`), doubt},
		"200, torn":               {torn(`{"status":"PENDING"}`), doubt},
		"302":                     {sends("http://bank.example/elsewhere", 302), doubt},
		"304":                     {says(304, ""), doubt},
		"400, bare":               {says(400, ""), doubt},
		"400, a page":             {says(400, "<html>bad request</html>"), doubt},
		"404, bare":               {says(404, "not found"), doubt},
		"409, a refusal":          {says(409, wrong), doubt},
		"429, a refusal":          {says(429, wrong), doubt},
		"400, a refusal":          {says(400, wrong), retry.EntryNotApplied},
		"500, a refusal":          {says(500, wrong), doubt},
		"503, a page":             {says(503, "<html>maintenance</html>"), doubt},
		"a refused nonce":         {says(403, monotonic), doubt},
		"no answer":               {breaks(io.ErrUnexpectedEOF), doubt},
		"no connection":           {breaks(dialError), retry.EntryNotApplied},
	} {
		for _, lane := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/lane %v", name, lane), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					journal := new(retry.MemoryJournal)
					cfg := retry.Config{Journal: journal}
					if lane {
						l, err := nonce.NewLane(nonce.LaneConfig{Key: "main"})
						require.NoError(t, err)
						cfg.Nonces = l
					}
					s := answers(tt.answer)
					c := client(t, s, func(tr *retryhttp.Transport) { tr.Retrier = quick(t, cfg) })
					resp, err := c.Do(retryhttp.Once(request(t, "POST", "amount=17"), "inv-7", nil))
					require.Equal(t, tt.want, heldBy(t, journal))
					switch tt.want {
					case paid:
						require.NoError(t, err)
						_ = read(t, resp)
					case doubt:
						require.ErrorIs(t, err, retry.ErrOutcomeUnknown)
						require.Len(t, s.seen, 1, "and is not sent again")
					default:
						require.NotErrorIs(t, err, retry.ErrOutcomeUnknown)
						require.Equal(t, classify.NotApplied, errorOf(t, err).Effect)
					}
					require.Zero(t, s.open, "every body is closed")
				})
			})
		}
	}
}

// torn breaks off in the middle of its body.
func torn(body string) func(*http.Request) (*http.Response, error) {
	return func(req *http.Request) (*http.Response, error) {
		resp, err := says(200, body)(req)
		resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(body[:len(body)/2]), broken{}))
		return resp, err
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// The truth about a payment comes before the Timeout of an http.Client, whatever that
// is and however the payment hangs: in Send, in its body, or in the lookups.
func TestTruthComesBeforeTheTimeoutOfAClient(t *testing.T) {
	hang := func(req *http.Request) (*http.Response, error) {
		<-req.Context().Done()
		return nil, context.Cause(req.Context())
	}
	for name, answer := range map[string]func(*http.Request) (*http.Response, error){
		"Send hangs": hang,
		"its body hangs": func(req *http.Request) (*http.Response, error) {
			resp, err := says(200, "")(req)
			resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"status":`), stuck{req.Context()}))
			return resp, err
		},
		"500":       says(500, internal),
		"broke off": breaks(io.ErrUnexpectedEOF),
	} {
		for verify, look := range map[string]func(context.Context) (*http.Response, retry.Outcome, error){
			"none":      nil,
			"undecided": func(context.Context) (*http.Response, retry.Outcome, error) { return nil, retry.Undecided, nil },
			"hangs": func(ctx context.Context) (*http.Response, retry.Outcome, error) {
				<-ctx.Done()
				return nil, retry.Undecided, ctx.Err()
			},
		} {
			for _, timeout := range []time.Duration{100 * time.Millisecond, time.Second, 5 * time.Second, time.Minute} {
				t.Run(fmt.Sprintf("%s/%s/%v", name, verify, timeout), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						c := client(t, answers(answer), func(tr *retryhttp.Transport) { tr.Retrier = quick(t, retry.Config{}) })
						c.Timeout = timeout
						began := time.Now()
						_, err := c.Do(retryhttp.Once(request(t, "POST", "amount=17"), "inv-7", look))
						require.ErrorIs(t, err, retry.ErrOutcomeUnknown)
						require.NotErrorIs(t, err, context.DeadlineExceeded)
						require.Equal(t, "inv-7", errorOf(t, err).ID)
						require.Less(t, time.Since(began), timeout)
					})
				})
			}
		}
	}
}

// stuck never reads anything before its request is over.
type stuck struct{ ctx context.Context }

func (s stuck) Read([]byte) (int, error) {
	<-s.ctx.Done()
	return 0, context.Cause(s.ctx)
}

// An address that swallows packets is no doubt, over an http.Client either (M3).
func TestPaymentWithoutAConnection(t *testing.T) {
	for _, timeout := range []time.Duration{0, 3 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			base := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				<-ctx.Done()
				return nil, &net.OpError{Op: "dial", Net: "tcp", Err: ctx.Err()}
			}}
			defer base.CloseIdleConnections()
			set, err := policy.Nexpay().With(policy.Table{AttemptTimeout: 2 * time.Second})
			require.NoError(t, err)
			journal := new(retry.MemoryJournal)
			c := client(t, base, func(tr *retryhttp.Transport) { tr.Retrier = quick(t, retry.Config{Policies: set, Journal: journal}) })
			c.Timeout = timeout
			_, err = c.Do(retryhttp.Once(request(t, "POST", "amount=17"), "inv-7", func(context.Context) (*http.Response, retry.Outcome, error) {
				t.Error("looked up")
				return nil, retry.Undecided, nil
			}))
			require.NotErrorIs(t, err, retry.ErrOutcomeUnknown)
			require.Equal(t, classify.NotApplied, errorOf(t, err).Effect)
			require.Equal(t, retry.EntryNotApplied, heldBy(t, journal))
		})
	}
}
