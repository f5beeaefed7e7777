package retryhttp_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
	"github.com/nexpay-go/resilience/retry/retryhttp"
)

const locked = `{"errors":[{"code":100,"message":"API key locked"}],"traceId":"5f2c"`

// stalls gives the head of an answer and part of its body, and nothing more for as
// long as the request lives. HTTP/2 does not say why that ended.
func stalls(status int, part string, two bool, header ...string) func(*http.Request) (*http.Response, error) {
	return func(req *http.Request) (*http.Response, error) {
		resp, err := says(status, part)(req)
		for i := 0; i+1 < len(header); i += 2 {
			resp.Header.Set(header[i], header[i+1])
		}
		var rest io.Reader = stuck{req.Context()}
		if two {
			rest = mute{req.Context()}
		}
		resp.ContentLength = -1
		resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(part), rest))
		return resp, err
	}
}

// mute is stuck, and ends without the cause.
type mute struct{ ctx context.Context }

func (m mute) Read([]byte) (int, error) {
	<-m.ctx.Done()
	return 0, m.ctx.Err()
}

// wary returns a retrier whose attempts take up to 10 s, with a breaker that opens
// after two failures.
func wary(t *testing.T, cfg retry.Config) (*retry.Retrier, *breaker.Breaker) {
	t.Helper()
	b, err := breaker.New(breaker.Config{ConsecutiveFailures: 2})
	require.NoError(t, err)
	set, err := policy.Nexpay().With(policy.Table{Default: policy.Policy{
		Backoff: policy.Backoff{Initial: time.Millisecond, Max: time.Millisecond, Jitter: policy.JitterNone},
	}})
	require.NoError(t, err)
	cfg.Policies, cfg.Breaker = set, b
	return quick(t, cfg), b
}

// An answer whose body stalls is judged by what has come of it, and that is all the
// caller can read; the end says why there is no more.
func TestAnswerWhoseBodyStalls(t *testing.T) {
	for name, tt := range map[string]struct {
		status  int
		part    string
		header  []string
		again   bool // it is sent again, which a 200 answers
		wait    time.Duration
		lockout bool
	}{
		"403, locked":             {status: 403, part: locked, lockout: true},
		"403, nothing":            {status: 403},
		"401":                     {status: 401, part: "<html>who are you?"},
		"404":                     {status: 404, part: "not f"},
		"501":                     {status: 501, part: locked[:20]},
		"400, a code":             {status: 400, part: wrong[:len(wrong)-1]},
		"400, half a code":        {status: 400, part: `{"errors":[{"code":10`},
		"403, a refused nonce":    {status: 403, part: monotonic[:len(monotonic)-1], again: true},
		"429, asks for a wait":    {status: 429, part: "slow d", header: []string{"Retry-After", "7"}, again: true, wait: 7 * time.Second},
		"403, asks for a wait":    {status: 403, header: []string{"Retry-After", "7"}, again: true, wait: 7 * time.Second},
		"503":                     {status: 503, part: "sor", again: true},
		"503, a locked key":       {status: 503, part: locked, lockout: true},
		"421":                     {status: 421, again: true},
		"a redirect":              {status: 302, header: []string{"Location", "http://other.example/"}},
		"500, more than is read":  {status: 500, part: strings.Repeat("x", 100<<10), again: true},
		"200, errors, looked for": {status: 200, part: locked, lockout: true},
	} {
		for _, two := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/ends without a cause: %v", name, two), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r, b := wary(t, retry.Config{Key: "main"})
					s := answers(stalls(tt.status, tt.part, two, tt.header...), says(200, "{}"))
					c := client(t, s, func(tr *retryhttp.Transport) { tr.Retrier, tr.InspectJSON = r, true })
					began := time.Now()
					resp, err := c.Do(request(t, "GET", ""))
					require.NoError(t, err)
					if tt.again {
						require.Equal(t, 200, resp.StatusCode)
						require.Equal(t, "{}", read(t, resp))
						require.Len(t, s.seen, 2)
						require.GreaterOrEqual(t, time.Since(began), tt.wait)
						return
					}
					require.Len(t, s.seen, 1)
					require.Equal(t, 10*time.Second, time.Since(began))
					require.Equal(t, tt.status, resp.StatusCode)
					got, err := io.ReadAll(resp.Body)
					require.Equal(t, tt.part, string(got))
					require.EqualError(t, err, "no answer within the attempt timeout of 10s")
					require.True(t, os.IsTimeout(err))
					require.NoError(t, resp.Body.Close())
					require.Zero(t, s.open)
					require.Equal(t, breaker.Closed, b.State())
					require.Equal(t, tt.lockout, r.Lockout().Check("main") != nil)
				})
			})
		}
	}
}

// A refusal that is cut proves nothing: its effect is unknown, and a POST is not sent
// again. It is no failure of the server's.
func TestStalledRefusalAsAnError(t *testing.T) {
	for status, part := range map[int]string{403: monotonic[:len(monotonic)-1], 404: "", 400: wrong[:len(wrong)-1], 501: ""} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, b := wary(t, retry.Config{})
				s := answers(stalls(status, part, false))
				tr := &retryhttp.Transport{Base: s, Retrier: r, AlwaysError: true, NoReplay: true}
				for n := range 3 {
					_, err := tr.RoundTrip(request(t, "POST", "amount=17"))
					e := errorOf(t, err)
					require.Equal(t, classify.Unknown, e.Effect)
					require.Equal(t, status, e.Verdict.Status)
					require.Contains(t, e.Error(), fmt.Sprint("HTTP ", status))
					require.False(t, e.Timeout(), "it was answered")
					require.Len(t, s.seen, n+1)
				}
				require.Equal(t, breaker.Closed, b.State())
				require.Zero(t, s.open)
			})
		})
	}
}

// Behind a plain client and classify.ReadJSON it is the same.
func TestStalledAnswerAsBehindAPlainClient(t *testing.T) {
	for status, part := range map[int]string{200: locked, 201: `{"a":`, 302: "", 400: wrong[:20], 403: locked, 404: "<html>", 429: "", 500: internal[:40], 501: ""} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := answers(stalls(status, part, false, "Retry-After", "1"))
				plain := retry.Do(t.Context(), steady(t, time.Second, nil, nil), func(ctx context.Context) error {
					resp, err := (&http.Client{Transport: s}).Do(request(t, "GET", "").WithContext(ctx))
					if err != nil {
						return err
					}
					return classify.ReadJSON(resp, nil)
				})
				sends := len(s.seen)
				tr := &retryhttp.Transport{Base: s, Retrier: steady(t, time.Second, nil, nil), InspectJSON: true, AlwaysError: true}
				_, ours := tr.RoundTrip(request(t, "GET", ""))
				require.Equal(t, errorOf(t, plain).Verdict, errorOf(t, ours).Verdict)
				require.Equal(t, errorOf(t, plain).Reason, errorOf(t, ours).Reason)
				require.Equal(t, errorOf(t, plain).Last.Error(), errorOf(t, ours).Last.Error())
				require.Len(t, s.seen, 2*sends)
			})
		})
	}
}

// Of several answers that stall the caller gets the last.
func TestLastAnswerStalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := answers(says(503, "sorry"), stalls(503, "sor", false), stalls(503, "so", false))
		c := client(t, s, func(tr *retryhttp.Transport) { tr.Retrier = steady(t, time.Second, nil, nil) })
		resp, err := c.Do(request(t, "GET", ""))
		require.NoError(t, err)
		got, err := io.ReadAll(resp.Body)
		require.Equal(t, "so", string(got))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NoError(t, resp.Body.Close())
		require.Len(t, s.seen, 4)
		require.Zero(t, s.open)
	})
}

// Where it is the caller who has had enough, the answer is not lost: the error holds
// the verdict on it, and what ended the call.
func TestCallerEndsAStalledAnswer(t *testing.T) {
	for name, tt := range map[string]struct {
		status  int
		part    string
		end     func(context.Context) (context.Context, context.CancelFunc)
		reason  error
		is      error
		timeout bool
	}{
		"a refusal, canceled":     {403, locked, canceled, retry.ErrFatal, context.Canceled, false},
		"a refusal, deadline":     {403, locked, late, retry.ErrFatal, context.DeadlineExceeded, false},
		"a failure, canceled":     {503, "sor", canceled, retry.ErrCanceled, context.Canceled, false},
		"a failure, deadline":     {503, "sor", late, retry.ErrDeadline, context.DeadlineExceeded, true},
		"half a 2xx, canceled":    {200, `{"a":`, canceled, retry.ErrCanceled, context.Canceled, false},
		"half a 2xx, deadline":    {200, `{"a":`, late, retry.ErrDeadline, context.DeadlineExceeded, true},
		"errors in a 2xx, cancel": {200, locked, canceled, retry.ErrFatal, context.Canceled, false},
	} {
		for _, two := range []bool{false, true} {
			for _, timeout := range []time.Duration{policy.None, 10 * time.Second} {
				t.Run(fmt.Sprintf("%s/ends without a cause: %v/attempt timeout %v", name, two, timeout), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						s := answers(stalls(tt.status, tt.part, two))
						tr := &retryhttp.Transport{Base: s, Retrier: steady(t, timeout, nil, nil), InspectJSON: true}
						ctx, cancel := tt.end(t.Context())
						defer cancel()
						_, err := tr.RoundTrip(request(t, "GET", "").WithContext(ctx))
						e := errorOf(t, err)
						require.Equal(t, tt.reason, e.Reason, "%v", e)
						require.ErrorIs(t, e, tt.is)
						require.Equal(t, tt.timeout, e.Timeout())
						require.Len(t, s.seen, 1)
						require.Zero(t, s.open)
						if tt.status != 200 {
							require.Equal(t, tt.status, e.Verdict.Status)
						}
					})
				})
			}
		}
	}
}

func canceled(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	time.AfterFunc(time.Second, cancel)
	return ctx, cancel
}

func late(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, time.Second)
}

// A refusal of a payment that stalls is doubt (M3: its body read whole): the payment
// is looked up, and not sent again before that.
func TestPaymentWhoseRefusalStalls(t *testing.T) {
	for name, answer := range map[string]func(*http.Request) (*http.Response, error){
		"400, a code":        stalls(400, wrong[:len(wrong)-1], false),
		"a refused nonce":    stalls(403, monotonic, false),
		"404":                stalls(404, "", true),
		"200, half":          stalls(200, `{"status":`, true),
		"200, errors":        stalls(200, wrong[:len(wrong)-1], false),
		"200, all but its }": stalls(200, `{"status":"PENDING"`, false),
		"200, without end":   stalls(200, `{"status":"PENDING"}`, false),
	} {
		for found, state := range map[retry.Outcome]retry.EntryState{
			retry.Applied: retry.EntryApplied, retry.Undecided: retry.EntryOpen,
		} {
			t.Run(fmt.Sprintf("%s/%v", name, found), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					journal := new(retry.MemoryJournal)
					r, _ := wary(t, retry.Config{Journal: journal})
					s := answers(answer)
					looked := 0
					resp, err := client(t, s, func(tr *retryhttp.Transport) { tr.Retrier = r }).Do(
						retryhttp.Once(request(t, "POST", "amount=17"), "inv-7", func(context.Context) (*http.Response, retry.Outcome, error) {
							looked++
							if found == retry.Applied {
								resp, err := says(200, "{}")(nil)
								return resp, found, err
							}
							return nil, found, nil
						}))
					require.Len(t, s.seen, 1)
					require.Zero(t, s.open)
					require.Equal(t, state, heldBy(t, journal))
					if found == retry.Applied {
						require.NoError(t, err)
						require.Equal(t, "{}", read(t, resp))
						require.Positive(t, looked)
						return
					}
					require.ErrorIs(t, err, retry.ErrOutcomeUnknown)
				})
			})
		}
	}
}

// punctual ends with the attempt, but has given all that there is.
type punctual struct {
	io.Reader
	ctx context.Context
}

func (p punctual) Read(b []byte) (int, error) {
	n, err := p.Reader.Read(b)
	if err == io.EOF {
		<-p.ctx.Done()
	}
	return n, err
}

// An answer that is whole when the time is up is what it says; one of which nothing
// was read is of no use.
func TestWholeAnswerAtTheLastMoment(t *testing.T) {
	whole := func(req *http.Request) (*http.Response, error) {
		resp, err := says(200, `{"status":"PENDING"}`)(req)
		resp.Body = io.NopCloser(punctual{resp.Body, req.Context()})
		return resp, err
	}
	for name, change := range map[string]func(*retryhttp.Transport){
		"looked into": func(tr *retryhttp.Transport) { tr.InspectJSON = true },
		"read by Judge": func(tr *retryhttp.Transport) {
			tr.Judge = func(r *http.Response) error { _, err := io.ReadAll(r.Body); return err }
		},
		"both": func(tr *retryhttp.Transport) {
			tr.InspectJSON, tr.Judge = true, func(*http.Response) error { return nil }
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, _ := wary(t, retry.Config{})
				s := answers(whole)
				resp, err := client(t, s, func(tr *retryhttp.Transport) { tr.Retrier = r }, change).Do(request(t, "GET", ""))
				require.NoError(t, err)
				require.Equal(t, `{"status":"PENDING"}`, read(t, resp))
				require.Len(t, s.seen, 1)
				require.Zero(t, s.open)
			})
		})
	}
	t.Run("a payment", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			journal := new(retry.MemoryJournal)
			r, _ := wary(t, retry.Config{Journal: journal})
			s := answers(whole)
			resp, err := client(t, s, func(tr *retryhttp.Transport) { tr.Retrier = r }).Do(retryhttp.Once(request(t, "POST", "amount=17"), "inv-7", nil))
			require.NoError(t, err)
			require.Equal(t, `{"status":"PENDING"}`, read(t, resp))
			require.Equal(t, retry.EntryApplied, heldBy(t, journal))
		})
	})
	t.Run("unread", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r, _ := wary(t, retry.Config{})
			s := answers(says(200, "first"), says(200, "second"))
			judged := 0
			resp, err := client(t, s, func(tr *retryhttp.Transport) {
				tr.Retrier = r
				tr.Judge = func(*http.Response) error {
					if judged++; judged == 1 {
						time.Sleep(11 * time.Second)
					}
					return nil
				}
			}).Do(request(t, "GET", ""))
			require.NoError(t, err)
			require.Equal(t, "second", read(t, resp), "the body of the first ended with its attempt")
			require.Zero(t, s.open)
		})
	})
}

// What Judge says of a 2xx stands, however long it took.
func TestJudgeAtTheLastMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := wary(t, retry.Config{})
		s := answers(says(200, "declined"))
		declined := errors.New("declined")
		_, err := (&retryhttp.Transport{Base: s, Retrier: r, AlwaysError: true, Judge: func(*http.Response) error {
			time.Sleep(time.Minute)
			return declined
		}}).RoundTrip(request(t, "GET", ""))
		require.Equal(t, retry.ErrUnclassified, errorOf(t, err).Reason)
		require.ErrorIs(t, err, declined)
		require.Len(t, s.seen, 1)
		require.Zero(t, s.open)
	})
}

// The same over a real connection, where the body stalls, breaks off, or is packed.
func TestAnswerThatEndsHalfWayOverHTTP(t *testing.T) {
	t.Parallel()
	packed := func() []byte {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = io.WriteString(z, locked)
		_ = z.Flush()
		return b.Bytes()
	}()
	half := func(body []byte, encoding string, then func(http.ResponseWriter, *http.Request)) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if encoding != "" {
				w.Header().Set("Content-Encoding", encoding)
			}
			w.WriteHeader(403)
			_, _ = w.Write(body)
			_ = http.NewResponseController(w).Flush()
			then(w, r)
		}
	}
	stall := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	tear := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	for name, handler := range map[string]http.HandlerFunc{
		"stalls":               half([]byte(locked), "", stall),
		"breaks off":           half([]byte(locked), "", tear),
		"packed, stalls":       half(packed, "gzip", stall),
		"packed, breaks off":   half(packed, "gzip", tear),
		"packed by the caller": half(packed, "x-gzip", stall),
	} {
		for _, two := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/HTTP 2: %v", name, two), func(t *testing.T) {
				t.Parallel()
				s := serve(t, handler, func(s *httptest.Server) { s.EnableHTTP2, s.TLS = two, &tls.Config{} })
				r := steady(t, 200*time.Millisecond, nil, nil)
				c := real(t, func(b *http.Transport, tr *retryhttp.Transport) {
					b.TLSClientConfig, b.ForceAttemptHTTP2 = s.Client().Transport.(*http.Transport).TLSClientConfig, two
					tr.Retrier = r
				})
				req, err := http.NewRequestWithContext(t.Context(), "GET", s.URL, nil)
				require.NoError(t, err)
				if strings.HasSuffix(name, "caller") {
					req.Header.Set("Accept-Encoding", "gzip")
				}
				resp, err := c.Do(req)
				require.NoError(t, err)
				require.Equal(t, 403, resp.StatusCode)
				got, err := io.ReadAll(resp.Body)
				require.Error(t, err)
				require.NotErrorIs(t, err, context.Canceled)
				require.NotEmpty(t, got)
				require.NoError(t, resp.Body.Close())
				require.Equal(t, int64(1), s.requests.Load())
				cause := r.Lockout().Check("")
				require.ErrorIs(t, cause, breaker.ErrLockedOut, "code 100 was read")
			})
		}
	}
}

// A server that gives up because its client has hung up may still say 200 to it, with nothing in it, and over TLS that may
// arrive: nobody said that anything happened.
func TestFarewellIsNoSuccess(t *testing.T) {
	for _, status := range []int{200, 204} {
		for _, way := range []string{http.MethodGet, http.MethodHead, http.MethodPost, "once"} {
			for _, ends := range []string{"the caller", "the attempt"} {
				t.Run(fmt.Sprint(status, " ", way, " ", ends), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						farewell := func(req *http.Request) (*http.Response, error) {
							<-req.Context().Done()
							resp, err := says(status, "")(req)
							resp.Body = http.NoBody
							return resp, err
						}
						timeout := policy.Table{AttemptTimeout: policy.None}
						if ends == "the attempt" {
							timeout.AttemptTimeout = time.Second
						}
						set, err := policy.Nexpay().With(timeout)
						require.NoError(t, err)
						ctx, cancel := context.WithCancel(t.Context())
						defer cancel()
						time.AfterFunc(5*time.Second, cancel)
						method := way
						if way == "once" {
							method = http.MethodPost
						}
						req, err := http.NewRequestWithContext(ctx, method, "http://bank.example/pay", nil)
						require.NoError(t, err)
						if way == "once" {
							req = retryhttp.Once(req, "inv-7", nil)
						}
						tr := &retryhttp.Transport{Base: answers(farewell), Retrier: quick(t, retry.Config{Policies: set})}
						_, err = tr.RoundTrip(req)
						e, ok := errors.AsType[*retry.Error](err)
						require.True(t, ok, "%v", err)
						t.Log(err, time.Now())
						require.Equal(t, classify.Unknown, e.Effect)
						if way == "once" {
							require.ErrorIs(t, err, retry.ErrOutcomeUnknown)
						}
					})
				})
			}
		}
	}
}
