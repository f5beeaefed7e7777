package retryhttp_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
	"github.com/nexpay-go/resilience/retry/retryhttp"
)

// What a client says of a timeout without this transport, it says with it: to who
// asks the url.Error, to os.IsTimeout and to who looks for a net.Error.
func TestTimeoutsAsOfAPlainClient(t *testing.T) {
	t.Parallel()
	const soon = 100 * time.Millisecond
	deadline := func(ctx context.Context) (context.Context, context.CancelFunc) { return context.WithTimeout(ctx, soon) }
	cancel := func(ctx context.Context) (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithCancel(ctx)
		time.AfterFunc(soon, cancel)
		return ctx, cancel
	}
	none := func(ctx context.Context) (context.Context, context.CancelFunc) { return context.WithCancel(ctx) }
	for name, tt := range map[string]struct {
		ends   func(context.Context) (context.Context, context.CancelFunc)
		change func(*http.Transport)
		attempt,
		client time.Duration
		want bool
	}{
		"the caller's deadline":      {ends: deadline, want: true},
		"the caller's cancellation":  {ends: cancel},
		"the Timeout of the client":  {ends: none, client: soon, want: true},
		"ResponseHeaderTimeout":      {ends: none, change: func(b *http.Transport) { b.ResponseHeaderTimeout = soon }, want: true},
		"of an attempt":              {ends: none, attempt: soon, want: true},
		"of an attempt and a Client": {ends: none, attempt: soon, client: time.Minute, want: true},
	} {
		for _, two := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/HTTP 2: %v", name, two), func(t *testing.T) {
				t.Parallel()
				s := serve(t, func(_ http.ResponseWriter, r *http.Request) {
					<-r.Context().Done()
					panic(http.ErrAbortHandler) // an answer might still arrive: TLS says farewell before it hangs up
				}, func(s *httptest.Server) { s.EnableHTTP2, s.TLS = two, &tls.Config{} })
				base := s.Client().Transport.(*http.Transport)
				if tt.change != nil {
					tt.change(base)
				}
				timeout := tt.attempt
				if timeout == 0 {
					timeout = policy.None
				}
				set, err := policy.New(policy.Table{AttemptTimeout: timeout, Default: policy.Policy{MaxAttempts: 1}})
				require.NoError(t, err)
				ours := &retryhttp.Transport{Base: base, Retrier: quick(t, retry.Config{Policies: set})}
				for which, rt := range map[string]http.RoundTripper{"plain": base, "ours": ours} {
					if which == "plain" && tt.attempt != 0 {
						continue
					}
					ctx, cancel := tt.ends(t.Context())
					req, err := http.NewRequestWithContext(ctx, "GET", s.URL, nil)
					require.NoError(t, err)
					_, err = (&http.Client{Transport: rt, Timeout: tt.client}).Do(req)
					cancel()
					ue, ok := errors.AsType[*url.Error](err)
					require.True(t, ok, which)
					require.Equal(t, tt.want, ue.Timeout(), "%s: %v", which, err)
					require.Equal(t, tt.want, os.IsTimeout(err), which)
					ne, ok := errors.AsType[net.Error](err)
					require.True(t, ok, which)
					require.Equal(t, tt.want, ne.Timeout(), which)
				}
			})
		}
	}
}

// A payment that may have happened is no timeout: there are those who send again what is.
func TestDoubtIsNoTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := answers(func(req *http.Request) (*http.Response, error) {
			<-req.Context().Done()
			return nil, context.Cause(req.Context())
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, "POST", "http://bank.example/pay", strings.NewReader("amount=17"))
		require.NoError(t, err)
		_, err = client(t, s).Do(retryhttp.Once(req, "inv-7", nil))
		require.ErrorIs(t, err, retry.ErrOutcomeUnknown)
		require.False(t, os.IsTimeout(err))
	})
}
