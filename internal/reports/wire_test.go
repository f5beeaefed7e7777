package reports_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/nexpay"
	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/retry"
)

// Kind E: a request without a body goes out as one with a body of unknown length.

func saysItsLength(t *testing.T, request string) {
	t.Helper()
	require.NotContains(t, request, "Transfer-Encoding", "gateways answer 411, or read no body at all")
	require.Contains(t, request, "Content-Length: 0\r\n", "RFC 9110, section 8.6")
}

// E01, seanmonstar/reqwest#838, guzzle/guzzle#34, mopemope/meinheld#94 (a chunked POST: 411 Length Required), simetrixch/ansiwise-core#60.
func TestPostWithoutABodySaysSo(t *testing.T) {
	w := serve(t, func(int) string { return jsonAnswer(200, `{}`) })
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.url()+"/payments/7/capture", nil)
	require.NoError(t, err)
	resp, err := through(t, retrier(t, nil), nil).Do(req)
	require.NoError(t, err)
	_ = resp.Body.Close()
	saysItsLength(t, w.requests()[0])
}

// E03: the same of nexpay.Client.
func TestPostOfTheNexpayClientWithoutParametersSaysSo(t *testing.T) {
	w := serve(t, func(int) string { return jsonAnswer(200, `{}`) })
	signer, err := nexpay.NewSigner(nexpay.Credentials{Key: "k", Secret: "s"})
	require.NoError(t, err)
	client := &nexpay.Client{BaseURL: w.url(), Signer: signer, HTTP: plain(t, nil)}
	lane, err := nonce.NewLane(nonce.LaneConfig{Key: "main"})
	require.NoError(t, err)
	r, err := retry.New(retry.Config{Policies: quick(t), Nonces: lane})
	require.NoError(t, err)
	require.NoError(t, retry.Do(t.Context(), r, func(ctx context.Context) error {
		req, err := client.NewRequest(ctx, http.MethodPost, "/api/1/eurowallet/ping", nil)
		require.NoError(t, err)
		return client.Do(req, nil)
	}))
	saysItsLength(t, w.requests()[0])
}
