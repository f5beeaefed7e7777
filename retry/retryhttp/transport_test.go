package retryhttp_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
	"github.com/nexpay-go/resilience/retry/retryhttp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A stub answers requests in the process, one script entry each, the last one for ever.
type stub struct {
	mu      sync.Mutex
	answers []func(*http.Request) (*http.Response, error)
	seen    []*http.Request
	bodies  []string
	open    int // bodies of answers
}

func answers(a ...func(*http.Request) (*http.Response, error)) *stub { return &stub{answers: a} }

func (s *stub) RoundTrip(req *http.Request) (*http.Response, error) {
	s.mu.Lock()
	n := len(s.seen)
	s.seen = append(s.seen, req)
	answer := s.answers[min(n, len(s.answers)-1)]
	s.mu.Unlock()
	sent := ""
	if req.Body != nil {
		b, err := io.ReadAll(req.Body)
		_ = req.Body.Close()
		if err != nil {
			return nil, err
		}
		sent = string(b)
	}
	s.mu.Lock()
	s.bodies = append(s.bodies, sent)
	s.mu.Unlock()
	resp, err := answer(req)
	reports(req, err)
	if resp != nil && resp.Body != nil {
		s.mu.Lock()
		s.open++
		s.mu.Unlock()
		resp.Body = &counted{ReadCloser: resp.Body, s: s}
	}
	return resp, err
}

type counted struct {
	io.ReadCloser
	s    *stub
	once sync.Once
}

func (c *counted) Close() error {
	c.once.Do(func() { c.s.mu.Lock(); c.s.open--; c.s.mu.Unlock() })
	return c.ReadCloser.Close()
}

func says(status int, body string) func(*http.Request) (*http.Response, error) {
	return func(req *http.Request) (*http.Response, error) {
		return &http.Response{
			Status: http.StatusText(status), StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: req,
		}, nil
	}
}

func sends(to string, status int) func(*http.Request) (*http.Response, error) {
	return func(req *http.Request) (*http.Response, error) {
		resp, err := says(status, "over there")(req)
		resp.Header.Set("Location", to)
		return resp, err
	}
}

func breaks(err error) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

// reports tells the trace of a request what net/http would: that a connection was
// asked for, and that it was had unless the dial failed.
func reports(req *http.Request, err error) {
	trace := httptrace.ContextClientTrace(req.Context())
	if trace == nil {
		return
	}
	if trace.GetConn != nil {
		trace.GetConn("bank.example:80")
	}
	if op := (*net.OpError)(nil); !errors.As(err, &op) || op.Op != "dial" {
		trace.GotConn(httptrace.GotConnInfo{})
	}
}

const (
	internal  = `{"errors":[{"code":-32603,"message":"Internal error","traceId":"5f2c"}]}`
	wrong     = `{"errors":[{"code":30010,"message":"Wrong currency"}]}`
	monotonic = `{"errors":[{"code":50,"message":"Nonce is not monotonous"}]}`
)

// quick returns a retrier that waits a millisecond between sends.
func quick(t testing.TB, cfg retry.Config) *retry.Retrier {
	t.Helper()
	set, err := policy.Nexpay().With(policy.Table{
		AttemptTimeout: policy.None,
		Default:        policy.Policy{Backoff: policy.Backoff{Initial: time.Millisecond, Max: time.Millisecond}},
	})
	require.NoError(t, err)
	if cfg.Policies == nil {
		cfg.Policies = set
	}
	r, err := retry.New(cfg)
	require.NoError(t, err)
	return r
}

func client(t testing.TB, s http.RoundTripper, change ...func(*retryhttp.Transport)) *http.Client {
	t.Helper()
	tr := &retryhttp.Transport{Base: s, Retrier: quick(t, retry.Config{})}
	for _, f := range change {
		f(tr)
	}
	return &http.Client{Transport: tr}
}

func request(t testing.TB, method, body string) *http.Request {
	t.Helper()
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, "http://bank.example/payments?secret=canary", r)
	require.NoError(t, err)
	return req
}

func read(t testing.TB, resp *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return string(b)
}

// What is sent how often, by method and by what it meets first; a 200 follows.
func TestWhatIsSentAgain(t *testing.T) {
	refused := &url.Error{Op: "Get", URL: "http://bank.example", Err: dialError}
	for name, tt := range map[string]struct {
		first func(*http.Request) (*http.Response, error)
		safe  int // sends of a GET, HEAD, OPTIONS, TRACE, PUT, DELETE
		other int // of a POST, a PATCH, anything
	}{
		"200":                   {says(200, "fine"), 1, 1},
		"500 -32603":            {says(500, internal), 2, 1},
		"503":                   {says(503, "sorry"), 2, 1},
		"400 30010":             {says(400, wrong), 1, 1},
		"404":                   {says(404, "no"), 1, 1},
		"403 50":                {says(403, monotonic), 2, 1},
		"a reset":               {breaks(errors.New("connection reset")), 2, 1},
		"no connection":         {breaks(refused), 2, 2},
		"304":                   {says(304, ""), 1, 1},
		"a redirect":            {sends("http://other.example/", 302), 1, 1},
		"neither answer nor an": {breaks(nil), 1, 1},
	} {
		for _, method := range []string{"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "POST", "PATCH", "PAY"} {
			t.Run(name+" "+method, func(t *testing.T) {
				s := answers(tt.first, says(200, "fine"))
				body := ""
				if method == "PUT" || method == "POST" || method == "PATCH" {
					body = "amount=17"
				}
				resp, err := client(t, s).Do(request(t, method, body))
				want := tt.other
				switch method {
				case "GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE":
					want = tt.safe
				}
				require.Len(t, s.seen, want)
				for _, sent := range s.bodies {
					require.Equal(t, body, sent)
				}
				if err == nil {
					read(t, resp)
				}
				require.Zero(t, s.open, "every body is closed")
			})
		}
	}
}

var dialError = &netOpError{}

// netOpError is what net/http returns where it could not connect.
type netOpError struct{}

func (*netOpError) Error() string { return "dial tcp: connection refused" }
func (e *netOpError) Unwrap() error {
	return refusedConnection
}

// The caller gets the last response, with all of its body.
func TestLastResponse(t *testing.T) {
	long := internal[:len(internal)-1] + `,"more":"` + strings.Repeat("x", 200<<10) + `"}`
	for name, body := range map[string]string{"short": internal, "empty": "", "64 KiB": strings.Repeat("y", 64<<10), "long": long} {
		s := answers(says(500, body))
		resp, err := client(t, s).Get("http://bank.example/")
		require.NoError(t, err, name)
		require.Equal(t, 500, resp.StatusCode)
		require.Equal(t, body, read(t, resp), name)
		require.Len(t, s.seen, 4)
		require.Zero(t, s.open)

		s = answers(says(500, body))
		_, err = client(t, s, func(tr *retryhttp.Transport) { tr.AlwaysError = true }).Get("http://bank.example/?secret=canary")
		var e *retry.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, retry.ErrAttempts, e.Reason)
		require.NotContains(t, e.Error(), "canary")
		require.Zero(t, s.open)
	}
}

// Without an answer there is an error, whose text holds nothing of the request.
func TestErrorsWithoutAnAnswer(t *testing.T) {
	s := answers(breaks(errors.New(`malformed HTTP response "canary"`)))
	resp, err := client(t, s).Get("http://user:canary@bank.example/?secret=canary")
	require.Nil(t, resp)
	var e *retry.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, retry.ErrAttempts, e.Reason)
	require.Len(t, s.seen, 4)
	for _, text := range []string{e.Error(), fmt.Sprintf("%+v", e), fmt.Sprintf("%#v", e), e.Last.Error()} {
		require.NotContains(t, text, "canary")
	}
}

// A request is the caller's own: its fields, header and URL are the same before and after, and at all times.
func TestTheRequestIsNotTouched(t *testing.T) {
	req := request(t, "POST", "amount=17")
	req.Header.Set("X-Own", "1")
	shallow, header, u := *req, req.Header.Clone(), *req.URL
	s := answers(breaks(dialError), says(200, "fine"))
	tr := &retryhttp.Transport{Base: s, Retrier: quick(t, retry.Config{}), Sign: func(r *http.Request) error {
		r.Header.Set("X-API-SIGN", "canary")
		r.URL.RawQuery += "&signed=1"
		r.Host = "elsewhere.example"
		return nil
	}}
	resp, err := tr.RoundTrip(req)
	require.NoError(t, err)
	require.Same(t, req, resp.Request, "not the one with the signature")
	read(t, resp)
	require.Equal(t, header, req.Header)
	require.Equal(t, u, *req.URL)
	require.Equal(t, shallow.Host, req.Host)
	require.Equal(t, shallow.ContentLength, req.ContentLength)
	require.Len(t, s.seen, 2)
	require.Equal(t, []string{"amount=17", "amount=17"}, s.bodies)
	for _, sent := range s.seen {
		require.Equal(t, "canary", sent.Header.Get("X-API-SIGN"))
		require.Nil(t, sent.GetBody, "net/http cannot send it again by itself")
		require.NotNil(t, sent.Body)
	}
}

// Every attempt is signed with a ticket of its own, and a refused nonce is cured.
func TestSigning(t *testing.T) {
	lane, err := nonce.NewLane(nonce.LaneConfig{Key: "main"})
	require.NoError(t, err)
	s := answers(says(403, monotonic), says(500, internal), says(200, "fine"))
	var nonces []uint64
	c := client(t, s, func(tr *retryhttp.Transport) {
		tr.Retrier = quick(t, retry.Config{Nonces: lane})
		tr.Sign = func(r *http.Request) error {
			ticket, ok := nonce.FromContext(r.Context())
			require.True(t, ok)
			nonces = append(nonces, ticket.Nonce())
			return nil
		}
	})
	resp, err := c.Do(request(t, "GET", ""))
	require.NoError(t, err)
	require.Equal(t, "fine", read(t, resp))
	require.Len(t, nonces, 3)
	require.Less(t, nonces[0], nonces[1])
	require.Less(t, nonces[1], nonces[2])
}

func TestSignFails(t *testing.T) {
	s := answers(says(200, ""))
	closed := false
	own := errors.New("canary")
	c := client(t, s, func(tr *retryhttp.Transport) { tr.Sign = func(*http.Request) error { return own } })
	req := request(t, "POST", "")
	req.Body = &closer{strings.NewReader("x"), &closed}
	_, err := c.Transport.RoundTrip(req)
	require.ErrorIs(t, err, own)
	require.NotContains(t, err.Error(), "canary")
	require.ErrorContains(t, err, "Transport.Sign failed")
	require.Equal(t, classify.NotApplied, errorOf(t, err).Effect)
	require.Empty(t, s.seen)
	require.True(t, closed)
}

func errorOf(t *testing.T, err error) *retry.Error {
	t.Helper()
	var e *retry.Error
	require.ErrorAs(t, err, &e)
	return e
}

type closer struct {
	io.Reader
	closed *bool
}

func (c *closer) Close() error { *c.closed = true; return nil }

// A body that can be had once is sent once, unless it may be kept.
func TestBodies(t *testing.T) {
	for name, tt := range map[string]struct {
		body   string
		length int64
		keep   int64
		sends  int
	}{
		"not kept":          {"0123456789", 10, 0, 1},
		"kept":              {"0123456789", 10, 10, 2},
		"of unknown length": {"0123456789", -1, 10, 2},
		"too long":          {"0123456789", 10, 9, 1},
		"too long, unknown": {"0123456789", -1, 9, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := answers(says(503, "sorry"), says(200, "fine"))
			closed := false
			req := request(t, "PUT", "")
			req.Body, req.ContentLength = &closer{strings.NewReader(tt.body), &closed}, tt.length
			resp, err := client(t, s, func(tr *retryhttp.Transport) { tr.BufferBody = tt.keep }).Do(req)
			require.NoError(t, err)
			read(t, resp)
			require.Len(t, s.seen, tt.sends)
			for _, sent := range s.bodies {
				require.Equal(t, tt.body, sent)
			}
			require.True(t, closed)
		})
	}
}

func TestBodiesThatFail(t *testing.T) {
	own := errors.New("canary")
	for name, change := range map[string]func(*http.Request){
		"GetBody fails":        func(r *http.Request) { r.GetBody = func() (io.ReadCloser, error) { return nil, own } },
		"GetBody returns none": func(r *http.Request) { r.GetBody = func() (io.ReadCloser, error) { return nil, nil } },
	} {
		t.Run(name, func(t *testing.T) {
			s := answers(says(503, "sorry"))
			req := request(t, "PUT", "x")
			change(req)
			resp, err := client(t, s).Transport.RoundTrip(req)
			require.Nil(t, resp, "the answer to the first is not that to the second")
			require.ErrorContains(t, err, "retryhttp:")
			require.NotContains(t, err.Error(), "canary")
			require.Len(t, s.seen, 1)
			require.Zero(t, s.open)
		})
	}
	closed := false
	req := request(t, "PUT", "")
	req.Body, req.ContentLength = &closer{io.MultiReader(strings.NewReader("x"), failing{own}), &closed}, -1
	s := answers(says(200, ""))
	_, err := client(t, s, func(tr *retryhttp.Transport) { tr.BufferBody = 10 }).Transport.RoundTrip(req)
	require.ErrorIs(t, err, own)
	require.NotContains(t, err.Error(), "canary")
	require.True(t, closed)
	require.Empty(t, s.seen)
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestMistakes(t *testing.T) {
	for name, tr := range map[string]*retryhttp.Transport{
		"Retrier is nil":         {},
		"BufferBody is negative": {Retrier: quick(t, retry.Config{}), BufferBody: -1},
	} {
		closed := false
		req := request(t, "POST", "")
		req.Body = &closer{strings.NewReader(""), &closed}
		resp, err := tr.RoundTrip(req)
		require.Nil(t, resp)
		require.ErrorContains(t, err, name)
		require.True(t, closed)
	}
	tr := &retryhttp.Transport{Retrier: quick(t, retry.Config{})}
	_, err := tr.RoundTrip(&http.Request{})
	require.ErrorContains(t, err, "no URL")
}

// A redirect is followed where somebody has looked at both URLs, and not before.
func TestRedirects(t *testing.T) {
	for name, tt := range map[string]struct {
		to     string
		status int
		allow  func(from, to *url.URL) bool
		want   int
		sends  int
	}{
		"refused":           {"http://evil.example/", 307, nil, 307, 1},
		"refused by a rule": {"http://evil.example/", 302, sameHost, 302, 1},
		"allowed":           {"/elsewhere", 302, sameHost, 200, 2},
		"not to be parsed":  {"http://%zz", 302, func(_, _ *url.URL) bool { return true }, 302, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := answers(sends(tt.to, tt.status), says(200, "fine"))
			resp, err := client(t, s, func(tr *retryhttp.Transport) { tr.AllowRedirect = tt.allow }).Get("http://bank.example/x?canary")
			require.NoError(t, err)
			require.Equal(t, tt.want, resp.StatusCode)
			require.Equal(t, tt.want == 200, resp.Header.Get("Location") == "" && tt.sends == 2)
			require.Empty(t, resp.Header.Get("Location"))
			read(t, resp)
			require.Len(t, s.seen, tt.sends)
		})
	}
}

func sameHost(from, to *url.URL) bool { return from.Host == to.Host }

// An error in a 2xx is one, if the answers are said to be JSON; and the body is all there.
func TestInspectJSON(t *testing.T) {
	inspect := func(tr *retryhttp.Transport) { tr.InspectJSON = true }
	for name, tt := range map[string]struct {
		body  string
		sends int
	}{
		"errors":          {internal, 4},
		"no errors":       {`{"balance":17}`, 1},
		"cut":             {`{"balance":`, 4},
		"an empty answer": {"", 1},
	} {
		s := answers(says(200, tt.body))
		resp, err := client(t, s, inspect).Get("http://bank.example/")
		require.NoError(t, err, name)
		require.Equal(t, tt.body, read(t, resp), name)
		require.Len(t, s.seen, tt.sends, name)
		require.Zero(t, s.open)
	}
}

// The attempt's time ends with the header: a body may be read for longer. It ends with the caller's context.
func TestTheBodyOutlivesTheAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sent context.Context
		s := answers(func(req *http.Request) (*http.Response, error) {
			sent = req.Context()
			return says(200, "fine")(req)
		})
		r, err := retry.New(retry.Config{}) // with an attempt timeout of 10 s
		require.NoError(t, err)
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, errors.New("mine"))
		defer cancel()
		get := func() *http.Response {
			req, err := http.NewRequestWithContext(ctx, "GET", "http://bank.example/", nil)
			require.NoError(t, err)
			resp, err := (&retryhttp.Transport{Base: s, Retrier: r}).RoundTrip(req)
			require.NoError(t, err)
			return resp
		}
		resp := get()
		time.Sleep(30 * time.Second)
		require.NoError(t, sent.Err())
		require.Equal(t, "fine", read(t, resp))
		require.ErrorIs(t, sent.Err(), context.Canceled, "and ends with it")

		get() // never closed
		time.Sleep(time.Minute)
		require.ErrorIs(t, sent.Err(), context.DeadlineExceeded)
		require.EqualError(t, context.Cause(sent), "mine")
	})
}

// A server that does not answer in the attempt's time is sent to again.
func TestAttemptTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := answers(func(req *http.Request) (*http.Response, error) {
			<-req.Context().Done()
			return nil, context.Cause(req.Context())
		}, says(200, "fine"))
		r, err := retry.New(retry.Config{})
		require.NoError(t, err)
		began := time.Now()
		resp, err := client(t, s, func(tr *retryhttp.Transport) { tr.Retrier = r }).Do(request(t, "GET", ""))
		require.NoError(t, err)
		require.Equal(t, "fine", read(t, resp))
		require.GreaterOrEqual(t, time.Since(began), 10*time.Second)
		require.Less(t, time.Since(began), 12*time.Second)
	})
}

// Hooks of the caller fire once for each attempt.
func TestTraces(t *testing.T) {
	fired := 0
	s := answers(says(503, "sorry"))
	for method, want := range map[string]int{"GET": 4, "POST": 1} {
		fired = 0
		req := request(t, method, "")
		trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { fired++ }}
		resp, err := client(t, s).Do(req.WithContext(httptrace.WithClientTrace(req.Context(), trace)))
		require.NoError(t, err)
		read(t, resp)
		require.Equal(t, want, fired, method)
	}
}

// The observer hears of a header that lets net/http repeat a payment; we set none.
func TestIdempotencyKey(t *testing.T) {
	var events []retry.Event
	s := answers(says(200, "fine"))
	c := client(t, s, func(tr *retryhttp.Transport) {
		tr.Retrier = quick(t, retry.Config{OnEvent: func(_ context.Context, e retry.Event) { events = append(events, e) }})
	})
	resp, err := c.Do(request(t, "POST", "x"))
	require.NoError(t, err)
	read(t, resp)
	require.Empty(t, events)
	require.Empty(t, s.seen[0].Header.Get("Idempotency-Key"))

	req := request(t, "POST", "x")
	req.Header.Set("Idempotency-Key", "canary")
	resp, err = c.Do(req)
	require.NoError(t, err)
	read(t, resp)
	require.Len(t, events, 1)
	require.Equal(t, retry.EventWarning, events[0].Kind)
	require.NotContains(t, fmt.Sprintf("%+v", events[0]), "canary")
	require.Equal(t, "canary", s.seen[1].Header.Get("Idempotency-Key"), "it is the caller's own")
	require.Nil(t, s.seen[1].GetBody, "and net/http cannot make use of it")
}

// While the breaker is open there is no answer to be had.
func TestOpen(t *testing.T) {
	s := answers(says(503, "sorry"))
	c := client(t, s, func(tr *retryhttp.Transport) {
		tr.Retrier = quick(t, retry.Config{Breakers: newGroup(t)})
	})
	for range 2 {
		resp, err := c.Get("http://down.example/")
		require.NoError(t, err)
		read(t, resp)
	}
	_, err := c.Get("http://down.example/")
	require.ErrorIs(t, err, retry.ErrOpen)
	require.ErrorContains(t, err, "down.example")
	n := len(s.seen)
	resp, err := c.Get("http://up.example/")
	require.NoError(t, err)
	read(t, resp)
	require.Greater(t, len(s.seen), n)
	c.CloseIdleConnections()
}

// odd is a context that cannot be compared.
type odd struct {
	context.Context
	more []int
}

// What others make of contexts, responses and contracts is no reason to panic or to leak.
func TestOddities(t *testing.T) {
	bodyless := func(req *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 503, Request: req}, nil
	}
	s := answers(bodyless)
	req := request(t, "GET", "")
	resp, err := client(t, s).Transport.RoundTrip(req.WithContext(odd{t.Context(), []int{1}}))
	require.NoError(t, err)
	require.Empty(t, read(t, resp))
	require.Len(t, s.seen, 4)

	s = answers(func(req *http.Request) (*http.Response, error) {
		resp, _ := says(200, "both")(req)
		return resp, errors.New("and an error")
	})
	resp, err = client(t, s).Transport.RoundTrip(req)
	require.Nil(t, resp)
	require.Error(t, err)
	require.Zero(t, s.open)
}

// Equal responses: what a caller sees of a 2xx is what Base has said, to the pointer.
func TestSuccessIsHandedOn(t *testing.T) {
	var made *http.Response
	s := answers(func(req *http.Request) (*http.Response, error) {
		made, _ = says(200, "fine")(req)
		return made, nil
	})
	resp, err := client(t, s).Transport.RoundTrip(request(t, "GET", ""))
	require.NoError(t, err)
	require.Same(t, made, resp)
	var all bytes.Buffer
	_, err = all.ReadFrom(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Zero(t, s.open)
}
