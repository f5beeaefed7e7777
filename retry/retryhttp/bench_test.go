package retryhttp_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
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

// A request over a stub, with the default policies and a breaker: what is on top of a
// plain http.Client. Without a body it takes two to bound what net/http repeats; the
// channel is one of them, which an *http.Transport as Base does without.
func TestAllocations(t *testing.T) {
	plain, ours := byDefault(t)
	for _, tt := range sizes {
		t.Run(tt.name(), func(t *testing.T) {
			bare := testing.AllocsPerRun(1000, func() { do(t, plain, request(t, tt.method, tt.body)) })
			all := testing.AllocsPerRun(1000, func() { do(t, ours, request(t, tt.method, tt.body)) })
			require.LessOrEqual(t, all, bare+tt.more)
		})
	}
}

// BenchmarkDefault is for the figures of that.
func BenchmarkDefault(b *testing.B) {
	plain, ours := byDefault(b)
	for _, tt := range sizes {
		for name, c := range map[string]*http.Client{"plain": plain, "ours": ours} {
			b.Run(tt.name()+"/"+name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					do(b, c, request(b, tt.method, tt.body))
				}
			})
		}
	}
}

type size struct {
	method, body string
	more         float64 // allocations than a plain client
}

func (s size) name() string { return strings.TrimSpace(s.method + " " + s.body) }

var sizes = []size{
	{"GET", "", 7}, {"DELETE", "", 6}, {"POST", "", 8}, {"POST", "amount=17", 6}, {"PUT", "", 7}, {"PUT", "amount=17", 5},
}

func byDefault(b testing.TB) (plain, ours *http.Client) {
	group, err := breaker.New(breaker.Config{})
	require.NoError(b, err)
	r, err := retry.New(retry.Config{Breaker: group})
	require.NoError(b, err)
	return stubbed(b, func(tr *retryhttp.Transport) { tr.Retrier = r })
}

// A failed round trip in which sixteen messages of 256 bytes are searched for what they
// repeat of a request of 64 KiB, with a long query and headers.
func BenchmarkBlot(b *testing.B) {
	for name, tt := range echoing64() {
		b.Run(name, func(b *testing.B) {
			tr := single(b, answers(says(400, tt.answer)))
			req := request(b, "PUT", tt.body)
			req.URL.RawQuery = tt.query
			req.Header.Set("Authorization", "Bearer "+tt.token)
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

type echoed64 struct{ body, query, token, answer string }

// echoing64 are requests of 64 KiB, and answers that repeat nothing of it, or as much
// as they can.
func echoing64() map[string]echoed64 {
	const size = 64 << 10
	letters := func(n int) string {
		random, text := rand.New(rand.NewPCG(1, uint64(n))), make([]byte, n)
		for i := range text {
			text[i] = "abcdefghijklmnopqrstuvwxyz0123456789"[random.IntN(36)]
		}
		return string(text)
	}
	answer := func(message func(i int) string) string {
		var all []string
		for i := range 16 {
			m := message(i)
			all = append(all, `{"code":30010,"message":"`+m[:min(len(m), 256)]+`"}`)
		}
		return `{"errors":[` + strings.Join(all, ",") + `],"traceId":"5f2c"}`
	}
	words, file, same := new(strings.Builder), letters(size-20), strings.Repeat("a", size-20)
	for i := 0; words.Len() < size-60; i++ {
		fmt.Fprintf(words, `{"id":"payment-%06d","iban":"%s"},`, i, letters(22))
	}
	query, token := "a="+letters(2000)+"&b="+letters(2000), letters(1000)
	plain := answer(func(int) string { return strings.Repeat("The amount of the payment is too high. ", 7) })
	return map[string]echoed64{
		"words":            {"[" + words.String() + "1]", query, token, plain},
		"words, repeated":  {"[" + words.String() + "1]", query, token, answer(func(i int) string { return strings.ReplaceAll(words.String()[i*300:i*300+256], `"`, " ") })},
		"words, begun":     {"[" + words.String() + "1]", query, token, answer(func(int) string { return strings.Repeat("payment-00", 26) })},
		"a file":           {`{"file":"` + file + `"}`, query, token, plain},
		"a file, repeated": {`{"file":"` + file + `"}`, query, token, answer(func(i int) string { return file[i*300 : i*300+256] })},
		"one letter":       {`{"file":"` + same + `"}`, query, token, answer(func(int) string { return same[:256] })},
	}
}
