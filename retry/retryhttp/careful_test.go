package retryhttp_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
	"github.com/nexpay-go/resilience/retry/retryhttp"
)

// steady returns a retrier that waits 50 ms between sends.
func steady(t *testing.T, timeout time.Duration, lane *nonce.Lane, j retry.Journal) *retry.Retrier {
	t.Helper()
	set, err := policy.Nexpay().With(policy.Table{AttemptTimeout: timeout, Default: policy.Policy{Backoff: policy.Backoff{Initial: 50 * time.Millisecond, Max: 50 * time.Millisecond, Jitter: policy.JitterNone}}})
	require.NoError(t, err)
	cfg := retry.Config{Policies: set, Budget: retry.NoBudget(), Journal: j}
	if lane != nil {
		cfg.Nonces = lane
	}
	r, err := retry.New(cfg)
	require.NoError(t, err)
	return r
}

func post(t *testing.T, u string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "POST", u, strings.NewReader("amount=1"))
	require.NoError(t, err)
	return req
}

// Over HTTP/2 net/http tells an attempt's time as a cancellation: it is sent again all the same.
func TestTimeoutOfAnAttemptOverHTTP(t *testing.T) {
	for _, h2 := range []bool{false, true} {
		t.Run(map[bool]string{false: "h1", true: "h2"}[h2], func(t *testing.T) {
			var n atomic.Int32
			s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if n.Add(1) == 1 {
					<-r.Context().Done()
					return
				}
			}))
			s.EnableHTTP2 = h2
			s.StartTLS()
			defer s.Close()
			c := &http.Client{Transport: &retryhttp.Transport{Base: s.Client().Transport, Retrier: steady(t, 200*time.Millisecond, nil, nil)}}
			resp, err := c.Get(s.URL)
			require.NoError(t, err, "sends: %d", n.Load())
			require.NoError(t, resp.Body.Close())
		})
	}
}

// A call that waits holds no connection, however long the answer was: with one connection and one turn, who has the one
// would wait for who has the other.
func TestNoConnectionIsHeldDuringAWait(t *testing.T) {
	for _, length := range []int{1000, 1 << 20} {
		t.Run(map[bool]string{true: "long", false: "short"}[length > 64<<10], func(t *testing.T) {
			var n atomic.Int32
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if n.Add(1) == 1 {
					w.WriteHeader(503)
				}
				_, _ = io.WriteString(w, strings.Repeat("x", length))
			}))
			defer s.Close()
			base := s.Client().Transport.(*http.Transport)
			base.MaxConnsPerHost = 1
			lane, err := nonce.NewLane(nonce.LaneConfig{Key: "k"})
			require.NoError(t, err)
			c := &http.Client{Transport: &retryhttp.Transport{Base: base, Retrier: steady(t, 3*time.Second, lane, nil)}}
			began := time.Now()
			done := make(chan error, 2)
			get := func() {
				resp, err := c.Get(s.URL)
				if err == nil {
					_, err = io.Copy(io.Discard, resp.Body)
					_ = resp.Body.Close()
				}
				done <- err
			}
			go get()
			time.Sleep(20 * time.Millisecond) // the first one waits in its backoff
			go get()
			err = errors.Join(<-done, <-done)
			require.NoError(t, err)
			require.Equal(t, int32(3), n.Load())
			require.Less(t, time.Since(began), 2*time.Second)
		})
	}
}

// What is no proof that the payment happened does not come back as success.
func TestOnceIsSureOfItsSuccess(t *testing.T) {
	for name, first := range map[string]http.HandlerFunc{
		"200 HTML": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, "<h1>log in</h1>")
		},
		"200 with errors": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"errors":[{"code":-32603}]}`) },
		"200 cut": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, `{"a":`)
		},
		"304": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(304) },
		"allowed 307": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(307)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(first)
			defer s.Close()
			tr := &retryhttp.Transport{Base: s.Client().Transport, Retrier: steady(t, time.Second, nil, new(retry.MemoryJournal)), AllowRedirect: func(_, _ *url.URL) bool { return true }}
			resp, err := tr.RoundTrip(retryhttp.Once(post(t, s.URL), "inv-1", nil))
			if resp != nil {
				_ = resp.Body.Close()
			}
			require.ErrorIs(t, err, retry.ErrOutcomeUnknown)
		})
	}
}

// A payment is not redirected, whatever else may be: nobody would know where it ended.
func TestOnceIsNotRedirected(t *testing.T) {
	var paid atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/elsewhere" {
			paid.Add(1)
			return
		}
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(307)
	}))
	defer s.Close()
	tr := &retryhttp.Transport{Base: s.Client().Transport, Retrier: steady(t, time.Second, nil, new(retry.MemoryJournal)), AllowRedirect: func(_, _ *url.URL) bool { return true }}
	resp, err := (&http.Client{Transport: tr}).Do(retryhttp.Once(post(t, s.URL), "inv-1", nil))
	if resp != nil {
		_ = resp.Body.Close()
	}
	require.ErrorIs(t, err, retry.ErrOutcomeUnknown)
	require.Zero(t, paid.Load())
}

// The response of a lookup that stands for a lost answer can be read when the lookup is over.
func TestResponseOfALookup(t *testing.T) {
	run := func(t *testing.T, verify func(s *httptest.Server, c *http.Client) func(context.Context) (*http.Response, retry.Outcome, error)) (*http.Response, error) {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == "POST" {
				w.WriteHeader(500)
				return
			}
			_, _ = io.WriteString(w, `{"status":"`)
			w.(http.Flusher).Flush()
			time.Sleep(50 * time.Millisecond)
			_, _ = io.WriteString(w, `PENDING"}`)
		}))
		t.Cleanup(s.Close)
		tr := &retryhttp.Transport{Base: s.Client().Transport, Retrier: steady(t, time.Second, nil, nil)}
		c := &http.Client{Transport: tr}
		return tr.RoundTrip(retryhttp.Once(post(t, s.URL), "inv-1", verify(s, c)))
	}
	t.Run("its body can be read", func(t *testing.T) {
		resp, err := run(t, func(s *httptest.Server, c *http.Client) func(context.Context) (*http.Response, retry.Outcome, error) {
			return func(ctx context.Context) (*http.Response, retry.Outcome, error) {
				req, _ := http.NewRequestWithContext(ctx, "GET", s.URL, nil)
				resp, err := c.Do(req)
				return resp, retry.Applied, err
			}
		})
		require.NoError(t, err)
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		require.NoError(t, err)
		require.Equal(t, `{"status":"PENDING"}`, string(body))
	})
	t.Run("there is none", func(t *testing.T) {
		resp, err := run(t, func(*httptest.Server, *http.Client) func(context.Context) (*http.Response, retry.Outcome, error) {
			return func(context.Context) (*http.Response, retry.Outcome, error) { return nil, retry.Applied, nil }
		})
		require.Nil(t, resp)
		require.ErrorIs(t, err, retry.ErrApplied)
	})
}

type countedBody struct {
	io.Reader
	closed int
}

func (b *countedBody) Close() error { b.closed++; return nil }

// A panic of the caller's own closes what is open.
func TestPanicInSign(t *testing.T) {
	req := post(t, "http://bank.example")
	b := &countedBody{Reader: strings.NewReader("x")}
	req.Body = b
	tr := &retryhttp.Transport{Base: http.DefaultTransport, Retrier: steady(t, time.Second, nil, nil), Sign: func(*http.Request) error { panic("boom") }}
	require.Panics(t, func() { _, _ = tr.RoundTrip(req) })
	require.Equal(t, 1, b.closed)
}

// The same of a panic in AllowRedirect, which gets URLs of its own.
func TestPanicInAllowRedirect(t *testing.T) {
	s := answers(sends("/elsewhere", 302))
	tr := &retryhttp.Transport{Base: s, Retrier: steady(t, time.Second, nil, nil), AllowRedirect: func(from, _ *url.URL) bool {
		from.Host = "changed.example"
		panic("boom")
	}}
	req := request(t, "GET", "")
	require.Panics(t, func() { _, _ = tr.RoundTrip(req) })
	require.Zero(t, s.open)
	require.Equal(t, "bank.example", req.URL.Host)
}

// Verify is believed, and what it leaves open is closed.
func TestWhatVerifyReturns(t *testing.T) {
	for name, tt := range map[string]struct {
		body  io.Reader
		found retry.Outcome
		err   error
		want  error
	}{
		"applied, cut":             {io.MultiReader(strings.NewReader("{"), failing{io.ErrUnexpectedEOF}), retry.Applied, nil, retry.ErrApplied},
		"applied, endless":         {&zeros{5 << 20}, retry.Applied, nil, retry.ErrApplied},
		"applied, with an error":   {strings.NewReader("{}"), retry.Applied, errors.New("own"), retry.ErrApplied},
		"undecided, with a body":   {strings.NewReader("{}"), retry.Undecided, nil, retry.ErrOutcomeUnknown},
		"undecided, and an error":  {strings.NewReader("{}"), retry.Undecided, errors.New("own"), retry.ErrOutcomeUnknown},
		"applied, all of the body": {strings.NewReader("{}"), retry.Applied, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				closed := false
				tr := &retryhttp.Transport{Base: answers(says(500, internal)), Retrier: steady(t, time.Second, nil, nil)}
				resp, err := tr.RoundTrip(retryhttp.Once(post(t, "http://bank.example/"), "inv-1", func(context.Context) (*http.Response, retry.Outcome, error) {
					return &http.Response{StatusCode: 200, Body: &closer{tt.body, &closed}}, tt.found, tt.err
				}))
				require.True(t, closed)
				require.ErrorIs(t, err, tt.want)
				if tt.want == nil {
					require.Equal(t, "{}", read(t, resp))
				}
			})
		})
	}
}
