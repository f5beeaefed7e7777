package retryhttp_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
	"github.com/nexpay-go/resilience/retry/retryhttp"
)

// Canaries stand wherever a secret can: none is ever to be found in an error, an event or a log line.
var canaries = map[string]string{
	"key":       "canaryKey0123456789",
	"signature": "canarySignature/ab+cd==",
	"bearer":    "canaryBearerToken42",
	"password":  "canaryPassword77",
	"query":     "canaryQueryValue88",
	"IBAN":      "CH9300762011623852957",
	"proxy":     "canaryProxySecret1",
	"location":  "canaryLocation5566",
	"panic":     "canaryPanicValue99",
	"cause":     "canaryCauseText123",
}

// nest collects all that anybody gets to see.
type nest struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (n *nest) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.Write(p)
}

// see takes everything in that can be printed, in every format there is.
func (n *nest) see(values ...any) {
	for _, v := range values {
		for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
			fmt.Fprintf(n, format+"\n", v)
		}
		if e, ok := v.(error); ok {
			fmt.Fprintln(n, e.Error())
		}
		if b, err := json.Marshal(v); err == nil {
			_, _ = n.Write(b)
		}
		for _, h := range []slog.Handler{slog.NewTextHandler(n, nil), slog.NewJSONHandler(n, nil)} {
			slog.New(h).Info("seen", "value", v)
		}
	}
}

// observe looks at an event, in all its parts.
func (n *nest) observe(ctx context.Context, e retry.Event) {
	n.see(e, e.Name, e.Key, e.Error, e.TraceID, e.Verdict, e.ID)
	if e.Err != nil {
		n.see(e.Err, *e.Err, e.Err.Verdict, e.Err.History)
	}
	retry.LogEvents(slog.New(slog.NewJSONHandler(n, nil)))(ctx, e)
}

func (n *nest) clean(t *testing.T, where string) {
	t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	for name, canary := range canaries {
		for _, spelling := range []string{canary, url.QueryEscape(canary), strings.ToLower(canary), strings.ToUpper(canary)} {
			require.NotContains(t, n.text.String(), spelling, "%s: %s", where, name)
		}
	}
	require.NotZero(t, n.text.Len())
}

// echoing answers with all that the request holds, in its message, its trace id and its data.
func echoing(status int, code int) func(*http.Request) (*http.Response, error) {
	return func(req *http.Request) (*http.Response, error) {
		all := fmt.Sprint(req.URL.RawQuery, " ", req.Header.Get("X-API-KEY"), " ", req.Header.Get("X-Signature"), " ",
			req.Header.Get("Authorization"), " ", canaries["IBAN"], " ", canaries["password"])
		var details []string
		for text := range strings.FieldsSeq(all) {
			quoted, _ := json.Marshal(text)
			details = append(details, fmt.Sprintf(`{"code":%d,"message":%s,"data":%s}`, code, quoted, quoted))
		}
		trace, _ := json.Marshal(canaries["key"])
		return says(status, fmt.Sprintf(`{"errors":[%s],"traceId":%s}`, strings.Join(details, ","), trace))(req)
	}
}

// driven is a request full of canaries.
func driven(t *testing.T, ctx context.Context, method string) *http.Request {
	t.Helper()
	body := fmt.Sprintf(`{"iban":"%s","amount":17}`, canaries["IBAN"])
	req, err := http.NewRequestWithContext(ctx, method, "http://me:"+canaries["password"]+"@bank.example/pay?token="+canaries["query"], strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+canaries["bearer"])
	req.Header.Set("X-API-KEY", canaries["key"])
	req.Header.Set("Proxy-Authorization", "Basic "+canaries["proxy"])
	return req
}

func TestSecrets(t *testing.T) {
	odd := &url.Error{Op: "Get", URL: "http://bank.example/?" + canaries["query"], Err: errors.New(canaries["key"])}
	for name, answer := range map[string]func(*http.Request) (*http.Response, error){
		"500 that echoes":      echoing(500, -32603),
		"400 that echoes":      echoing(400, 30010),
		"403 that locks":       echoing(403, 100),
		"suspended":            echoing(403, 140),
		"a 2xx that echoes":    echoing(200, -32603),
		"a code nobody knows":  echoing(400, 777),
		"not JSON":             says(502, "<html>"+canaries["key"]),
		"a 2xx, not JSON":      says(200, "<html>"+canaries["key"]),
		"a redirect":           sends("http://evil.example/?"+canaries["location"], 307),
		"an odd redirect":      sends("http://%zz"+canaries["location"], 302),
		"a url.Error":          breaks(odd),
		"a malformed answer":   breaks(fmt.Errorf("malformed HTTP response %q", canaries["key"])),
		"a proxy that refuses": breaks(fmt.Errorf("proxyconnect tcp: http://me:%s@proxy: refused", canaries["proxy"])),
		"no connection":        breaks(dialError),
	} {
		for _, way := range []string{"GET", "POST", "once"} {
			t.Run(name+", "+way, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					n := &nest{}
					group, err := breaker.NewGroup(breaker.Config{ConsecutiveFailures: 2, OnStateChange: func(c breaker.StateChange) { n.see(c, c.Reason) }}, 0)
					require.NoError(t, err)
					lockout := new(breaker.Lockout)
					lockout.Watch(func(c breaker.LockoutChange) { n.see(c, c.Cause) })
					r := quick(t, retry.Config{Breakers: group, Lockout: lockout, OnEvent: n.observe})
					tr := &retryhttp.Transport{Base: answers(answer), Retrier: r, AlwaysError: true, InspectJSON: true, Sign: func(req *http.Request) error {
						req.Header.Set("X-Signature", canaries["signature"])
						return nil
					}}
					ctx, cancel := context.WithCancelCause(t.Context())
					defer cancel(nil)
					method := way
					if way == "once" {
						method = "POST"
					}
					for range 3 { // by then the breaker is open, or the key locked
						req := driven(t, ctx, method)
						if way == "once" {
							req = retryhttp.Once(req, "inv-7", func(ctx context.Context) (*http.Response, retry.Outcome, error) {
								resp, err := tr.RoundTrip(driven(t, ctx, "GET"))
								if err == nil {
									_ = resp.Body.Close()
								}
								return nil, retry.Undecided, err
							})
						}
						resp, err := tr.RoundTrip(req)
						if err == nil {
							_ = resp.Body.Close()
							continue
						}
						n.see(err)
						if e, ok := errors.AsType[*retry.Error](err); ok {
							n.see(*e, e.Reason, e.Verdict, e.TraceID, e.Doubt, e.History)
							if e.Last != nil {
								fmt.Fprintln(n, e.Last.Error())
							}
						}
					}
					n.see("end")
					n.clean(t, name)
				})
			})
		}
	}
}

// What the program's own parts say: a signature, a body, a source of nonces, a classifier that fails or panics.
func TestSecretsOfTheProgram(t *testing.T) {
	own := errors.New(canaries["cause"] + canaries["key"])
	for name, change := range map[string]func(*retryhttp.Transport, *http.Request) *http.Request{
		"Sign fails": func(tr *retryhttp.Transport, r *http.Request) *http.Request {
			tr.Sign = func(*http.Request) error { return own }
			return r
		},
		"GetBody fails": func(tr *retryhttp.Transport, r *http.Request) *http.Request {
			r.GetBody = func() (io.ReadCloser, error) { return nil, own }
			return r
		},
		"the context's cause": func(tr *retryhttp.Transport, r *http.Request) *http.Request {
			ctx, cancel := context.WithCancelCause(r.Context())
			cancel(own)
			return r.WithContext(ctx)
		},
		"the nonce source fails": func(tr *retryhttp.Transport, r *http.Request) *http.Request {
			tr.Retrier = quick(t, retry.Config{Nonces: source{own}})
			return r
		},
		"the header": func(tr *retryhttp.Transport, r *http.Request) *http.Request {
			r.Header.Set("Idempotency-Key", canaries["key"])
			return r
		},
		"the observer panics": func(tr *retryhttp.Transport, r *http.Request) *http.Request {
			tr.Retrier = quick(t, retry.Config{OnEvent: func(context.Context, retry.Event) { panic(canaries["panic"]) }})
			return r
		},
	} {
		t.Run(name, func(t *testing.T) {
			n := &nest{}
			before := slog.Default()
			slog.SetDefault(slog.New(slog.NewTextHandler(n, nil)))
			defer slog.SetDefault(before)
			tr := &retryhttp.Transport{Base: answers(says(503, "sorry")), Retrier: quick(t, retry.Config{OnEvent: n.observe}), AlwaysError: true}
			req := change(tr, driven(t, t.Context(), "PUT"))
			_, err := tr.RoundTrip(req)
			require.Error(t, err)
			e, ok := errors.AsType[*retry.Error](err)
			require.True(t, ok)
			n.see(e, *e, e.Verdict, e.History)
			n.clean(t, name)
		})
	}
}

type source struct{ err error }

func (s source) Enter(context.Context) (*nonce.Ticket, error) { return nil, s.err }

// The exported types, with canaries in every text that a caller may put there and none that is for people.
func TestSecretsInTypes(t *testing.T) {
	n := &nest{}
	op := retry.Operation[*http.Response]{ID: "inv-7"}
	set := policy.Nexpay()
	answer := &classify.Error{Status: 400, Details: []classify.Detail{{Code: "30010", Message: "Wrong currency", Data: canaries["IBAN"]}}}
	n.see(answer, *answer, answer.Details[0], answer.Details, classify.Undecodable(errors.New(canaries["IBAN"])))
	e := &retry.Error{Reason: retry.ErrFatal, Last: errors.New(canaries["key"]), Cause: errors.New(canaries["cause"])}
	n.see(e, *e)
	fmt.Fprintf(n, "%v %v", op.ID, set.Explain("100"))
	n.clean(t, "types")
}
