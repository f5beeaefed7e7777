package retryhttp_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/retry"
	"github.com/nexpay-go/resilience/retry/retryhttp"
)

// same answers at once, always with the same response.
type same struct{ resp http.Response }

func (s *same) RoundTrip(req *http.Request) (*http.Response, error) {
	r := s.resp
	r.Request, r.Body = req, http.NoBody
	return &r, nil
}

func stubbed(b testing.TB, change func(*retryhttp.Transport)) (plain, ours *http.Client) {
	base := &same{resp: http.Response{StatusCode: 200, Header: http.Header{}}}
	tr := &retryhttp.Transport{Base: base, Retrier: quick(b, retry.Config{})}
	if change != nil {
		change(tr)
	}
	return &http.Client{Transport: base}, &http.Client{Transport: tr}
}

func do(b testing.TB, c *http.Client, req *http.Request) {
	resp, err := c.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
}

// A stubbed round trip: what is on top of a plain http.Client, at most 1 µs.
func BenchmarkGet(b *testing.B) {
	plain, ours := stubbed(b, nil)
	lane, err := nonce.NewLane(nonce.LaneConfig{Key: "main"})
	require.NoError(b, err)
	_, signed := stubbed(b, func(tr *retryhttp.Transport) {
		tr.Retrier = quick(b, retry.Config{Nonces: lane})
		tr.Sign = func(r *http.Request) error { r.Header.Set("X-API-SIGN", "signature"); return nil }
	})
	_, timed := stubbed(b, func(tr *retryhttp.Transport) {
		r, err := retry.New(retry.Config{}) // whose attempts have a timeout
		require.NoError(b, err)
		tr.Retrier = r
	})
	for name, c := range map[string]*http.Client{"plain": plain, "ours": ours, "signed": signed, "timeout": timed} {
		b.Run(name, func(b *testing.B) {
			req := request(b, "GET", "")
			b.ReportAllocs()
			for b.Loop() {
				do(b, c, req)
			}
		})
	}
}

// The same over loopback: the ratio of the two is to be at most 1.05.
func BenchmarkLoopback(b *testing.B) {
	s := httptest.NewServer(http.HandlerFunc(fine))
	defer s.Close()
	base := &http.Transport{}
	defer base.CloseIdleConnections()
	for name, rt := range map[string]http.RoundTripper{
		"plain": base,
		"ours":  &retryhttp.Transport{Base: base, Retrier: quick(b, retry.Config{})},
	} {
		b.Run(name, func(b *testing.B) {
			req, err := http.NewRequestWithContext(b.Context(), "GET", s.URL, nil)
			require.NoError(b, err)
			c := &http.Client{Transport: rt}
			b.ReportAllocs()
			for b.Loop() {
				do(b, c, req)
			}
		})
	}
}

func TestAllocations(t *testing.T) {
	plain, ours := stubbed(t, nil)
	req := request(t, "GET", "")
	bare := testing.AllocsPerRun(1000, func() { do(t, plain, req) })
	require.LessOrEqual(t, testing.AllocsPerRun(1000, func() { do(t, ours, req) }), bare+6)
}
