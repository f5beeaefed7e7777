package retryhttp_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
	"github.com/nexpay-go/resilience/retry/retryhttp"
)

func retrier(t testing.TB, cfg retry.Config) *retry.Retrier {
	t.Helper()
	r, err := retry.New(cfg)
	require.NoError(t, err)
	return r
}

// An http.Client whose Timeout is over has an error of its own, which wraps nothing:
// what is known of a payment comes before that.
func TestUnknownOutcomeGetsThroughTheTimeoutOfAClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // else a busy machine lets the client's timer go first
		executed := 0
		silent := roundTripper(func(r *http.Request) (*http.Response, error) {
			_, _ = io.Copy(io.Discard, r.Body)
			executed++
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		client := &http.Client{Timeout: time.Second, Transport: &retryhttp.Transport{Base: silent, Retrier: retrier(t, retry.Config{})}}
		req, err := http.NewRequest(http.MethodPost, "http://bank.test", strings.NewReader("amount=17"))
		require.NoError(t, err)
		_, err = client.Do(retryhttp.Once(req, "p", func(context.Context) (*http.Response, retry.Outcome, error) { return nil, retry.Undecided, nil }))
		var e *retry.Error
		require.ErrorAs(t, err, &e)
		require.ErrorIs(t, err, retry.ErrOutcomeUnknown)
		require.NotErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, "p", e.ID)
		require.Equal(t, 1, executed)
	})
}

// Somebody below keeps the context of a request and makes calls of their own with it,
// which wait and are sent again: the answer of the exchange is none of theirs.
func TestCallInAKeptContextDoesNotCloseTheAnswer(t *testing.T) {
	const parts = 50
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		for range parts {
			_, _ = io.WriteString(w, strings.Repeat("0123456789abcdef", 8<<10))
			_ = http.NewResponseController(w).Flush()
		}
	}))
	defer srv.Close()
	quick, err := policy.Nexpay().With(policy.Table{Default: policy.Policy{MaxAttempts: 200, Backoff: policy.Backoff{Initial: time.Millisecond, Max: time.Millisecond}}})
	require.NoError(t, err)
	other := retrier(t, retry.Config{Policies: quick, Budget: retry.NoBudget()})
	var beside sync.WaitGroup
	base := roundTripper(func(r *http.Request) (*http.Response, error) {
		ctx := context.WithoutCancel(r.Context())
		beside.Go(func() {
			_ = retry.Do(ctx, other, func(context.Context) error { return &classify.Error{Status: 503} })
		})
		return http.DefaultTransport.RoundTrip(r)
	})
	client := &http.Client{Transport: &retryhttp.Transport{Base: base, Retrier: retrier(t, retry.Config{})}}
	resp, err := client.Get(srv.URL)
	require.NoError(t, err)
	n, err := io.Copy(io.Discard, resp.Body)
	require.NoError(t, err)
	require.EqualValues(t, parts*128<<10, n)
	require.NoError(t, resp.Body.Close())
	beside.Wait()
	http.DefaultClient.CloseIdleConnections()
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A register executes a payment once by its text and refuses a second one, as many
// APIs do. after answers the n-th POST in its stead, once that was executed.
type register struct {
	*httptest.Server
	mu       sync.Mutex
	posts    int
	executed map[string]int
}

func newRegister(t *testing.T, after func(n int, w http.ResponseWriter) bool) *register {
	r := &register{executed: map[string]int{}}
	r.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		text, _ := io.ReadAll(req.Body)
		r.mu.Lock()
		r.posts++
		n, again := r.posts, r.executed[string(text)] > 0
		if !again {
			r.executed[string(text)]++
		}
		r.mu.Unlock()
		switch {
		case after(n, w):
		case again:
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"errors":[{"code":30240,"message":"a payment with this id exists"}]}`)
		default:
			_, _ = io.WriteString(w, `{"status":"PENDING"}`)
		}
	}))
	r.Config.ErrorLog = log.New(io.Discard, "", 0)
	r.Start()
	t.Cleanup(r.Close)
	return r
}

func (r *register) count(text string) (posts, executed int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.posts, r.executed[text]
}

// submit sends a payment and says what classify makes of the answer.
func submit(ctx context.Context, c *http.Client, url, text, key string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader([]byte(text)))
	if err != nil {
		return err
	}
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	resp, err := c.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	err = classify.FromResponse(resp)
	_, _ = io.Copy(io.Discard, resp.Body) // so that the connection serves again
	return err
}

// The first copy was executed and the second is refused as a duplicate: where a client
// below Send sends again, a refusal proves nothing (M3).
func TestRetryingClientBelowSend(t *testing.T) {
	reg := newRegister(t, func(n int, w http.ResponseWriter) bool {
		if n == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		return n == 1
	})
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	_, err := retry.DoOnce(t.Context(), retrier(t, retry.Config{}), retry.Operation[int]{ID: "p", Send: func(ctx context.Context) (int, error) {
		err := submit(ctx, client, reg.URL, "p", "")
		if e := (*classify.Error)(nil); errors.As(err, &e) && e.Status == http.StatusServiceUnavailable {
			err = submit(ctx, client, reg.URL, "p", "") // the client's own retry
		}
		return 1, err
	}})
	require.ErrorIs(t, err, retry.ErrOutcomeUnknown)
	posts, executed := reg.count("p")
	require.Equal(t, [2]int{2, 1}, [2]int{posts, executed})
}

// net/http itself repeats a POST that has an Idempotency-Key on a connection that was
// used before and breaks off.
func TestNetHTTPRepeatsWithAnIdempotencyKey(t *testing.T) {
	for key, want := range map[string]int{"key-1": 2, "": 1} {
		t.Run("key "+key, func(t *testing.T) {
			reg := newRegister(t, func(n int, w http.ResponseWriter) bool {
				if n == 2 {
					conn, _, err := http.NewResponseController(w).Hijack()
					if err == nil {
						_ = conn.Close()
					}
				}
				return n == 2
			})
			client := &http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			require.NoError(t, submit(t.Context(), client, reg.URL, "warm", ""))
			_, err := retry.DoOnce(t.Context(), retrier(t, retry.Config{}), retry.Operation[int]{ID: "p", Send: func(ctx context.Context) (int, error) {
				return 1, submit(ctx, client, reg.URL, "p", key)
			}})
			require.ErrorIs(t, err, retry.ErrOutcomeUnknown)
			posts, executed := reg.count("p")
			require.Equal(t, [2]int{1 + want, 1}, [2]int{posts, executed})
		})
	}
}
