package retryhttp_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
	"github.com/nexpay-go/resilience/retry/retryhttp"
)

// single returns a transport that sends once, so that one answer is measured.
func single(t testing.TB, base http.RoundTripper) *retryhttp.Transport {
	set, err := policy.New(policy.Table{Default: policy.Policy{MaxAttempts: 1}})
	require.NoError(t, err)
	return &retryhttp.Transport{Base: base, Retrier: quick(t, retry.Config{Policies: set})}
}

// bomb is a gzip of so many bytes.
func bomb(size int) []byte {
	var packed bytes.Buffer
	z, _ := gzip.NewWriterLevel(&packed, gzip.BestSpeed)
	chunk := make([]byte, 1<<20)
	for range size >> 20 {
		_, _ = z.Write(chunk)
	}
	_ = z.Close()
	return packed.Bytes()
}

// zeros is a body without end, as a bomb is one that has been unpacked.
type zeros struct{ left int }

func (z *zeros) Read(p []byte) (int, error) {
	if z.left <= 0 {
		return 0, io.EOF
	}
	n := min(len(p), z.left)
	z.left -= n
	return n, nil
}

// Whatever a server answers, judging it takes at most 256 KiB beyond the 64 KiB that are read, and no time worth speaking of:
// 5 ms when this was measured (BenchmarkHostile), of which the test allows a hundred times, so as not to fail on a busy machine.
func TestHostileAnswersAreCheap(t *testing.T) {
	packed := bomb(64 << 20)
	for name, answer := range hostile(packed) {
		t.Run(name, func(t *testing.T) {
			tr := single(t, answers(answer))
			req := request(t, "GET", "")
			warm, err := tr.RoundTrip(req)
			require.NoError(t, err)
			_ = warm.Body.Close()

			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			began := time.Now()
			resp, err := tr.RoundTrip(req)
			took := time.Since(began)
			runtime.ReadMemStats(&after)
			require.NoError(t, err)
			_ = resp.Body.Close()
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64((64+256)<<10), "bytes")
			require.Less(t, took, 500*time.Millisecond)
		})
	}
}

func hostile(packed []byte) map[string]func(*http.Request) (*http.Response, error) {
	long := strings.Repeat("9", 1<<20)
	many := `{"errors":[` + strings.Repeat("{},", 1_000_000)
	deep := strings.Repeat(`{"errors":[`, 100_000)
	body := func(status int, header http.Header, open func() io.Reader) func(*http.Request) (*http.Response, error) {
		return func(req *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(open()), ContentLength: -1, Request: req}, nil
		}
	}
	text := func(s string) func() io.Reader { return func() io.Reader { return strings.NewReader(s) } }
	unpacked := func() io.Reader {
		z, _ := gzip.NewReader(bytes.NewReader(packed))
		return z
	}
	return map[string]func(*http.Request) (*http.Response, error){
		"10 MiB":            body(500, nil, func() io.Reader { return &zeros{10 << 20} }),
		"a million errors":  body(400, nil, text(many)),
		"depth 100,000":     body(400, nil, text(deep)),
		"a gzip bomb":       body(500, nil, unpacked),
		"a header of 1 MiB": body(503, http.Header{"Retry-After": {long}, "X-Trace-Id": {long}, "Location": {long}, "Date": {long}}, text("sorry")),
		"a redirect to it":  body(302, http.Header{"Location": {"http://" + long}}, text("")),
	}
}

func BenchmarkHostile(b *testing.B) {
	for name, answer := range hostile(bomb(64 << 20)) {
		b.Run(name, func(b *testing.B) {
			tr, req := single(b, answers(answer)), request(b, "GET", "")
			b.ReportAllocs()
			for b.Loop() {
				resp, err := tr.RoundTrip(req)
				if err != nil {
					b.Fatal(err)
				}
				_ = resp.Body.Close()
			}
		})
	}
}

// drip gives a byte a second for as long as the request lives.
type drip struct{ ctx context.Context }

func (d drip) Read(p []byte) (int, error) {
	select {
	case <-time.After(time.Second):
		p[0] = 'x'
		return 1, nil
	case <-d.ctx.Done():
		return 0, context.Cause(d.ctx)
	}
}

// A body that comes a byte at a time is read for as long as an attempt may take.
func TestSlowDrip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := answers(func(req *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 503, Body: io.NopCloser(drip{req.Context()}), Request: req}, nil
		})
		r, err := retry.New(retry.Config{}) // 10 s for an attempt
		require.NoError(t, err)
		began := time.Now()
		resp, err := (&retryhttp.Transport{Base: s, Retrier: r}).RoundTrip(request(t, "POST", "x"))
		require.NoError(t, err)
		require.Equal(t, 10*time.Second, time.Since(began))
		require.Equal(t, 503, resp.StatusCode)
		_, err = io.ReadAll(resp.Body)
		require.EqualError(t, err, "no answer within the attempt timeout of 10s")
		require.NoError(t, resp.Body.Close())
		require.Len(t, s.seen, 1)
		require.Zero(t, s.open)
	})
}

// FuzzRoundTrip lets a server write what it likes. Nothing panics or hangs, no more is sent than may be, and the caller
// gets what anybody would get who reads the same bytes.
func FuzzRoundTrip(f *testing.F) {
	for _, answer := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine",
		"HTTP/1.1 503 sorry\r\nRetry-After: 9223372037\r\nContent-Length: 100\r\n\r\nhalf",
		"HTTP/1.1 403 no\r\nContent-Length: 22\r\n\r\n{\"errors\":[{\"code\":50}]}",
		"HTTP/1.1 307 away\r\nLocation: http://%zz\r\n\r\n",
		"HTTP/1.1 500 x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n",
		"HTTP/1.1 999 \r\n\r\n", "HTTP/0.9 200", "",
	} {
		f.Add([]byte(answer), true)
		f.Add([]byte(answer), false)
	}
	f.Fuzz(func(t *testing.T, raw []byte, post bool) {
		method := "GET"
		if post {
			method = "POST"
		}
		sends := 0
		s := answers(func(req *http.Request) (*http.Response, error) {
			sends++
			return http.ReadResponse(bufio.NewReader(bytes.NewReader(raw)), req)
		})
		tr := &retryhttp.Transport{Base: s, Retrier: quick(t, retry.Config{Budget: retry.NoBudget()})}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, method, "http://bank.example/", nil)
		require.NoError(t, err)
		resp, err := tr.RoundTrip(req)
		if post && sends > 1 || sends > 6 {
			t.Fatalf("a %s was sent %d times", method, sends)
		}
		if err != nil {
			if resp != nil {
				t.Fatal("an error and a response")
			}
			_ = fmt.Sprintf("%+v", err)
			return
		}
		got, gotErr := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		same, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(raw)), req)
		require.NoError(t, err)
		want, wantErr := io.ReadAll(same.Body)
		require.Equal(t, want, got)
		require.Equal(t, wantErr == nil, gotErr == nil, "%v, %v", wantErr, gotErr)
		require.Equal(t, same.StatusCode, resp.StatusCode)
	})
}

// A payment is answered by a 101 that nobody asked for, and then by silence: that is a connection, which no context ends.
func TestPaymentIsNotReadFromAConnection(t *testing.T) {
	for _, lookup := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			closed := 0
			switches := func(req *http.Request) (*http.Response, error) {
				resp, err := says(http.StatusSwitchingProtocols, "")(req)
				resp.ContentLength = -1
				client, server := net.Pipe()
				resp.Body = closing{client, func() { closed++; _ = server.Close() }}
				return resp, err
			}
			tr := &retryhttp.Transport{Base: answers(switches), Retrier: quick(t, retry.Config{})}
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://bank.example/pay", strings.NewReader("{}"))
			require.NoError(t, err)
			begin := time.Now()
			_, err = tr.RoundTrip(retryhttp.Once(req, "inv-7", func(ctx context.Context) (*http.Response, retry.Outcome, error) {
				if !lookup {
					return nil, retry.Undecided, nil
				}
				req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://bank.example/pay/inv-7", nil)
				require.NoError(t, err)
				resp, err := switches(req)
				return resp, retry.Applied, err
			}))
			require.LessOrEqual(t, time.Since(begin), 10*time.Second)
			if lookup {
				require.NoError(t, err)
				require.Equal(t, 2, closed)
				return
			}
			require.ErrorIs(t, err, retry.ErrOutcomeUnknown)
			require.Equal(t, 1, closed, "and the connection is left to nobody")
		})
	}
}

type closing struct {
	io.ReadWriteCloser
	then func()
}

func (c closing) Close() error { c.then(); return c.ReadWriteCloser.Close() }
