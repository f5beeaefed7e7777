package retryhttp_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/retry"
	"github.com/nexpay-go/resilience/retry/retryhttp"
)

// A piece of a body comes after a time.
type piece struct {
	after time.Duration
	text  string
}

// slow is a body that comes in pieces, and then ends, or hangs until it is closed.
type slow struct {
	pieces []piece
	hangs  bool
	closed chan struct{}
}

func (s *slow) Read(p []byte) (int, error) {
	if len(s.pieces) == 0 {
		if s.hangs {
			<-s.closed
			return 0, http.ErrBodyReadAfterClose
		}
		return 0, io.EOF
	}
	next := &s.pieces[0]
	select {
	case <-time.After(next.after):
	case <-s.closed:
		return 0, http.ErrBodyReadAfterClose
	}
	next.after = 0
	n := copy(p, next.text)
	if next.text = next.text[n:]; next.text == "" {
		s.pieces = s.pieces[1:]
	}
	return n, nil
}

func (s *slow) Close() error { close(s.closed); return nil }

// trickles answers 200 with a body in pieces, of a length that is not known.
func trickles(kind string, hangs bool, pieces ...piece) func(*http.Request) (*http.Response, error) {
	return func(req *http.Request) (*http.Response, error) {
		resp, err := with(200, "", "Content-Type", kind)(req)
		resp.ContentLength, resp.TransferEncoding = -1, []string{"chunked"}
		resp.Body = &slow{pieces: append([]piece(nil), pieces...), hangs: hangs, closed: make(chan struct{})}
		return resp, err
	}
}

const busy = `{"error":{"code":"busy","message":"Later"}}`

// An error in a 2xx is one where the API has said where its answers hold codes, and the answer is small JSON. What is no
// error is handed on as it came.
func TestErrorsInA2xx(t *testing.T) {
	const kind = "application/json; charset=utf-8"
	half := len(busy) / 2
	ok := with(200, `{"id":1}`, "Content-Type", "application/json")
	for name, tt := range map[string]struct {
		answer func(*http.Request) (*http.Response, error)
		again  bool
	}{
		"of a known length":                {with(200, busy, "Content-Type", kind), true},
		"a kind of JSON":                   {with(200, busy, "Content-Type", "application/problem+json"), true},
		"201":                              {with(201, busy, "Content-Type", kind), true},
		"chunked":                          {trickles(kind, false, piece{0, busy}), true},
		"chunked, in two pieces":           {trickles(kind, false, piece{0, busy[:half]}, piece{10 * time.Millisecond, busy[half:]}), true},
		"chunked, and the end hangs":       {trickles(kind, true, piece{0, busy}), true},
		"chunked, cut":                     {trickles(kind, false, piece{0, busy[:len(busy)-1]}), true}, // it has the code
		"success":                          {ok, false},
		"a code that says success":         {with(200, `{"error":{"code":"0"}}`, "Content-Type", kind), false},
		"no JSON, whatever it says":        {with(200, `sorry`, "Content-Type", kind), false},
		"nothing":                          {with(200, "", "Content-Type", kind), false},
		"of another kind":                  {with(200, busy, "Content-Type", "text/plain"), false},
		"of no kind":                       {with(200, busy), false},
		"server-sent events":               {trickles("text/event-stream", false, piece{0, busy}), false},
		"lines of JSON":                    {trickles("application/x-ndjson", false, piece{0, busy}), false},
		"large":                            {with(200, busy+strings.Repeat(" ", 64<<10), "Content-Type", kind), false},
		"chunked and large":                {trickles(kind, false, piece{0, `{"x":"` + strings.Repeat("x", 65<<10) + `","error":{"code":"busy"}}`}), false},
		"later than anybody waits for it":  {trickles(kind, false, piece{time.Second, busy}), false},
		"the rest is later than that":      {trickles(kind, false, piece{0, busy[:half]}, piece{time.Second, busy[half:]}), false},
		"a stream whose first value is no": {trickles(kind, false, piece{0, `{"id":1}` + "\n"}, piece{time.Second, busy}), false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				direct, err := tt.answer(request(t, "GET", ""))
				require.NoError(t, err)
				if s, is := direct.Body.(*slow); is {
					s.hangs = false
				}
				want := read(t, direct)
				s := answers(tt.answer, ok)
				resp, err := under(t, vendor(t), s).Do(request(t, "GET", ""))
				require.NoError(t, err)
				if tt.again {
					require.Len(t, s.seen, 2)
					want = `{"id":1}`
				} else {
					require.Len(t, s.seen, 1)
				}
				require.Equal(t, want, read(t, resp))
				require.Zero(t, s.open)

				// An API of the zero shape is asked no such thing.
				s = answers(tt.answer, ok)
				resp, err = client(t, s).Do(request(t, "GET", ""))
				require.NoError(t, err)
				require.Len(t, s.seen, 1)
				require.NoError(t, resp.Body.Close())
			})
		})
	}
}

// The last answer of a call, an error in a 2xx, is the caller's with all of its body.
func TestErrorInA2xxIsHandedOn(t *testing.T) {
	for name, answer := range map[string]func(*http.Request) (*http.Response, error){
		"known length": with(200, busy, "Content-Type", "application/json"),
		"chunked":      trickles("application/json", false, piece{0, busy}, piece{time.Second, "  "}),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				resp, err := under(t, vendor(t), answers(answer)).Do(request(t, "POST", "x"))
				require.NoError(t, err)
				require.Equal(t, busy, strings.TrimSpace(read(t, resp)))
				_, err = under(t, vendor(t), answers(answer), func(tr *retryhttp.Transport) { tr.AlwaysError = true }).Do(request(t, "POST", "x"))
				require.Equal(t, classify.Code("busy"), errorOf(t, err).Verdict.Code)
				text, _ := io.ReadAll(retryhttp.Response(err).Body)
				require.Equal(t, busy, string(text))
			})
		})
	}
}

// A stream is handed on as it is: at once where it says that it is one, after a tenth of a second where it says that it
// is JSON and has not said a whole value by then; at once again where it has. Its body comes as it is sent.
func TestStreamsAreNotDelayed(t *testing.T) {
	tick := piece{time.Minute, `{"n":1}` + "\n"}
	for name, tt := range map[string]struct {
		answer func(*http.Request) (*http.Response, error)
		handed time.Duration // to the caller, after
	}{
		"server-sent events":     {trickles("text/event-stream", true, tick, tick), 0},
		"JSON that pauses":       {trickles("application/json", true, tick, tick), 100 * time.Millisecond},
		"JSON that pauses later": {trickles("application/json", true, piece{0, `[{"n":1},`}, tick, tick), 100 * time.Millisecond},
		"JSON, line by line":     {trickles("application/json", true, piece{0, "{}\n"}, tick, tick), 0},
		"JSON that never pauses": {trickles("application/json", true, piece{0, "[" + strings.Repeat(" ", 64<<10)}, tick, tick), 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				s := answers(tt.answer)
				resp, err := under(t, vendor(t), s).Do(request(t, "GET", ""))
				require.NoError(t, err)
				require.Equal(t, tt.handed, time.Since(began))
				for ticks := 1; ticks <= 2; ticks++ { // the attempt's time, 10 s, is over by then
					text := ""
					for buffer := make([]byte, 32<<10); !strings.HasSuffix(text, tick.text); {
						n, err := resp.Body.Read(buffer)
						require.NoError(t, err)
						text += string(buffer[:n])
					}
					require.Equal(t, time.Duration(ticks)*time.Minute, time.Since(began))
				}
				require.NoError(t, resp.Body.Close()) // and lets nobody wait
				require.Zero(t, s.open)
			})
		})
	}
}

// A stream that was handed on is read no faster than its caller reads it.
func TestStreamsAreNotReadAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var body *slow
		s := answers(func(req *http.Request) (*http.Response, error) {
			resp, err := trickles("application/json", true, piece{0, "["}, piece{time.Second, "1,"}, piece{time.Second, "2,"}, piece{time.Second, "3,"})(req)
			body = resp.Body.(*slow)
			return resp, err
		})
		resp, err := under(t, vendor(t), s).Do(request(t, "GET", ""))
		require.NoError(t, err)
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Len(t, body.pieces, 2, "what was being read, and no more")
		require.NoError(t, resp.Body.Close())
	})
}

// Over the wire: chunks, whose length nobody tells, trailers, and a stream that pauses and is given up.
func TestErrorsInA2xxOverHTTP(t *testing.T) {
	t.Parallel()
	for _, h2 := range []bool{false, true} {
		t.Run(map[bool]string{false: "h1", true: "h2"}[h2], func(t *testing.T) {
			t.Parallel()
			var n atomic.Int32
			s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				if r.URL.Path == "/stream" {
					w.WriteHeader(200)
					_ = http.NewResponseController(w).Flush()
					<-r.Context().Done()
					return
				}
				w.Header().Set("Trailer", "X-Sum")
				text := busy
				if n.Add(1)%2 == 0 {
					text = `{"id":1}`
				}
				_, _ = io.WriteString(w, text)
				_ = http.NewResponseController(w).Flush()
				w.Header().Set("X-Sum", "42")
			}))
			s.EnableHTTP2 = h2
			s.StartTLS()
			defer s.Close()
			c := under(t, vendor(t), s.Client().Transport, func(tr *retryhttp.Transport) {
				tr.Retrier = steadyUnder(t, vendor(t))
			})
			resp, err := c.Get(s.URL)
			require.NoError(t, err)
			require.Equal(t, `{"id":1}`, read(t, resp))
			require.Equal(t, "42", resp.Trailer.Get("X-Sum"))
			require.Equal(t, int32(2), n.Load())

			ctx, cancel := context.WithCancel(t.Context())
			req, err := http.NewRequestWithContext(ctx, "GET", s.URL+"/stream", nil)
			require.NoError(t, err)
			resp, err = c.Do(req)
			require.NoError(t, err)
			cancel()
			_, err = resp.Body.Read(make([]byte, 1))
			require.ErrorIs(t, err, context.Canceled)
			require.NoError(t, resp.Body.Close())
		})
	}
}

// steadyUnder waits a second between sends.
func steadyUnder(t *testing.T, c *classify.Catalog) *retry.Retrier {
	t.Helper()
	r, err := retry.New(retry.Config{Policies: vendorPolicies(t, c, 3), Budget: retry.NoBudget()})
	require.NoError(t, err)
	return r
}

// A body that panics ends the answer, not the program.
type panicking struct{}

func (panicking) Read([]byte) (int, error) { panic("read") }
func (panicking) Close() error             { return nil }

func TestBodyThatPanics(t *testing.T) {
	answer := func(req *http.Request) (*http.Response, error) {
		resp, err := trickles("application/json", false)(req)
		resp.Body = panicking{}
		return resp, err
	}
	resp, err := under(t, vendor(t), answers(answer)).Do(request(t, "GET", ""))
	require.NoError(t, err)
	_, err = io.ReadAll(resp.Body)
	require.ErrorContains(t, err, "panicked")
	require.NoError(t, resp.Body.Close())
}
