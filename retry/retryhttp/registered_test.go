package retryhttp_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/retry"
	"github.com/nexpay-go/resilience/retry/retryhttp"
)

// An http.Transport may have another one registered for a scheme, HTTP/3 say, which
// reports no connection: that none was asked for proves nothing of what changes
// something (M3).
func TestRegisteredProtocol(t *testing.T) {
	for name, text := range map[string]string{"a body": "amount=17", "none": ""} {
		t.Run(name, func(t *testing.T) {
			executed := 0
			base := new(http.Transport)
			base.RegisterProtocol("https", roundTripper(func(r *http.Request) (*http.Response, error) {
				if r.Body != nil {
					_, _ = io.ReadAll(r.Body)
				}
				executed++
				return nil, &net.OpError{Op: "read", Net: "udp", Err: syscall.ECONNRESET}
			}))
			tr := &retryhttp.Transport{Base: base, Retrier: retrier(t, retry.Config{})}
			pay := func(ctx context.Context) *http.Request {
				req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://bank.example/pay", strings.NewReader(text))
				require.NoError(t, err)
				return req
			}
			_, err := tr.RoundTrip(pay(t.Context()))
			require.ErrorIs(t, err, retry.ErrDoubt)
			require.Equal(t, 1, executed)

			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			_, err = tr.RoundTrip(retryhttp.Once(pay(ctx), "id", func(context.Context) (*http.Response, retry.Outcome, error) {
				return nil, retry.Undecided, nil
			}))
			require.ErrorIs(t, err, retry.ErrOutcomeUnknown)
			require.Equal(t, 2, executed)
		})
	}
}
