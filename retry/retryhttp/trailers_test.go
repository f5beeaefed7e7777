package retryhttp_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/retry"
	"github.com/nexpay-go/resilience/retry/retryhttp"
)

// A trailing body calls atEnd when it has been read.
type trailing struct {
	io.Reader
	atEnd func()
}

func (r *trailing) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err == io.EOF {
		r.atEnd()
	}
	return n, err
}

func (*trailing) Close() error { return nil }

// The values of trailers may be set while the body is read, as net/http has it: they
// arrive with each send, however the request is signed, kept or repeated.
func TestTrailersOfARequest(t *testing.T) {
	type set = func(*retryhttp.Transport)
	sign := func(r *http.Request) error { r.Header.Set("X-Signature", "s"); return nil }
	for name, tt := range map[string]struct {
		change  set
		getBody bool
		body    string
		pay     bool
		first   int // status
		want    []string
	}{
		"plain":          {change: func(*retryhttp.Transport) {}, want: []string{"amount=1 1"}},
		"signed":         {change: func(tr *retryhttp.Transport) { tr.Sign = sign }, want: []string{"amount=1 1"}},
		"again":          {change: func(*retryhttp.Transport) {}, getBody: true, first: 503, want: []string{"amount=1 1", "amount=1 2"}},
		"signed, again":  {change: func(tr *retryhttp.Transport) { tr.Sign = sign }, getBody: true, first: 503, want: []string{"amount=1 1", "amount=1 2"}},
		"kept":           {change: func(tr *retryhttp.Transport) { tr.BufferBody = 100 }, first: 503, want: []string{"amount=1 1", "amount=1 1"}},
		"kept, signed":   {change: func(tr *retryhttp.Transport) { tr.BufferBody, tr.Sign = 100, sign }, first: 503, want: []string{"amount=1 1", "amount=1 1"}},
		"kept, too long": {change: func(tr *retryhttp.Transport) { tr.BufferBody, tr.Sign = 3, sign }, want: []string{"amount=1 1"}},
		"kept, empty":    {change: func(tr *retryhttp.Transport) { tr.BufferBody = 100 }, body: "none", want: []string{" 1"}},
		"a payment":      {change: func(tr *retryhttp.Transport) { tr.Sign = sign }, pay: true, getBody: true, want: []string{"amount=1 1"}},
		"Sign reads the body": {change: func(tr *retryhttp.Transport) {
			tr.Sign = func(r *http.Request) error {
				b, err := io.ReadAll(r.Body)
				r.Body = io.NopCloser(strings.NewReader(string(b)))
				return err
			}
		}, want: []string{"amount=1 1"}},
		"Sign has one of its own": {change: func(tr *retryhttp.Transport) {
			tr.Sign = func(r *http.Request) error {
				r.Trailer.Set("X-Signed", "yes")
				r.Trailer.Set("X-Sum", "by Sign")
				return nil
			}
		}, want: []string{"amount=1 by Sign yes"}},
		"Sign takes it away": {change: func(tr *retryhttp.Transport) {
			tr.Sign = func(r *http.Request) error { r.Trailer.Del("X-Sum"); return nil }
		}, want: []string{"amount=1 "}},
	} {
		for _, two := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/HTTP 2: %v", name, two), func(t *testing.T) {
				got := make(chan string, 4)
				answered := 0
				s := serve(t, func(w http.ResponseWriter, r *http.Request) {
					b, _ := io.ReadAll(r.Body)
					got <- strings.TrimRight(fmt.Sprint(string(b), " ", r.Trailer.Get("X-Sum"), " ", r.Trailer.Get("X-Signed")), " ")
					if answered++; answered == 1 && tt.first != 0 {
						w.WriteHeader(tt.first)
						return
					}
					_, _ = io.WriteString(w, "{}")
				}, func(s *httptest.Server) { s.EnableHTTP2, s.TLS = two, &tls.Config{} })
				tr := &retryhttp.Transport{Base: s.Client().Transport, Retrier: quick(t, retry.Config{})}
				tt.change(tr)

				req, err := http.NewRequestWithContext(t.Context(), "PUT", s.URL, nil)
				require.NoError(t, err)
				req.Trailer = http.Header{"X-Sum": nil}
				text, reads := "amount=1", 0
				if tt.body == "none" {
					text = ""
				}
				open := func() io.ReadCloser {
					return &trailing{strings.NewReader(text), func() { reads++; req.Trailer.Set("X-Sum", fmt.Sprint(reads)) }}
				}
				req.Body, req.ContentLength = open(), -1
				if tt.getBody {
					req.GetBody = func() (io.ReadCloser, error) { return open(), nil }
				}
				if tt.pay {
					req = retryhttp.Once(req, "inv-7", nil)
				}
				resp, err := (&http.Client{Transport: tr}).Do(req)
				require.NoError(t, err)
				require.Equal(t, "{}", read(t, resp))
				require.Equal(t, http.Header{"X-Sum": req.Trailer["X-Sum"]}, req.Trailer, "the caller's own is as it was")
				close(got)
				var all []string
				for one := range got {
					all = append(all, one)
				}
				for i := range tt.want {
					tt.want[i] = strings.TrimRight(tt.want[i], " ")
				}
				require.Equal(t, tt.want, all)
			})
		}
	}
}

// Judge finds the trailers of a body that it has read to its end, whether it was read before or not.
func TestJudgeReadsTrailers(t *testing.T) {
	for _, two := range []bool{false, true} {
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Trailer", "Grpc-Status")
			_, _ = io.WriteString(w, "{}")
			w.Header().Set("Grpc-Status", "13")
		}))
		s.EnableHTTP2 = two
		s.StartTLS()
		t.Cleanup(s.Close)
		for _, inspect := range []bool{false, true} {
			t.Run(fmt.Sprintf("HTTP/2 %v, InspectJSON %v", two, inspect), func(t *testing.T) {
				tr := &retryhttp.Transport{Base: s.Client().Transport, Retrier: quick(t, retry.Config{}), InspectJSON: inspect}
				tr.Judge = func(r *http.Response) error {
					_, err := io.ReadAll(r.Body)
					require.Equal(t, "13", r.Trailer.Get("Grpc-Status"))
					return err
				}
				req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL, nil)
				require.NoError(t, err)
				resp, err := tr.RoundTrip(req)
				require.NoError(t, err)
				body, err := io.ReadAll(resp.Body)
				require.NoError(t, err)
				require.NoError(t, resp.Body.Close())
				require.Equal(t, "{}", string(body))
				require.Equal(t, "13", resp.Trailer.Get("Grpc-Status"))
			})
		}
	}
}
