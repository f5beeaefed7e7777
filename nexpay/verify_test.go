package nexpay_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/nexpay"
	"github.com/nexpay-go/resilience/nexpay/nexpaytest"
	"github.com/nexpay-go/resilience/nonce"
)

const (
	found   = `{"paymentId":42,"status":"PENDING"}`
	unknown = `{"errors":[{"code":30000,"message":"Request error"}],"traceId":"5f2c"}`
)

// What each kind of answer proves.
var evidence = []struct {
	name   string
	fault  nexpaytest.Fault // of the lookup; zero: the bank's own answer
	paid   bool             // before
	absent func(*classify.Error) bool
	want   classify.Outcome
	class  classify.Class // of the error, if undecided
	text   string         // in it
}{
	{name: "there", paid: true, want: classify.Applied},
	{name: "not there", want: classify.Absent},
	{name: "there, as rejected", fault: nexpaytest.Fault{Body: []byte(`{"paymentId":"p","status":"REJECTED"}`)}, want: classify.Applied},
	{name: "there, by name", fault: nexpaytest.Fault{Body: []byte(`{"paymentId":1,"status":"COMPLETED","externalPaymentId":"order-17"}`)}, want: classify.Applied},
	{name: "another payment", fault: nexpaytest.Fault{Body: []byte(`{"paymentId":1,"status":"COMPLETED","externalPaymentId":"order-1"}`)}, class: classify.Fatal, text: "has another externalPaymentId"},
	{name: "two payments", fault: nexpaytest.Fault{Body: []byte(`{"paymentId":1,"status":"COMPLETED","externalPaymentId":"order-1","externalPaymentId":"order-17"}`)}, class: classify.Fatal, text: "has another externalPaymentId"},
	{name: "another payment, by number", fault: nexpaytest.Fault{Body: []byte(`{"paymentId":1,"status":"COMPLETED","externalPaymentId":17}`)}, class: classify.Fatal},
	{name: "no name", fault: nexpaytest.Fault{Body: []byte(`{"paymentId":1,"status":"COMPLETED","externalPaymentId":null}`)}, want: classify.Applied},

	{name: "no id", fault: nexpaytest.Fault{Body: []byte(`{"status":"PENDING"}`)}, class: classify.Fatal, text: "no readable paymentId"},
	{name: "no status", fault: nexpaytest.Fault{Body: []byte(`{"paymentId":1}`)}, class: classify.Fatal, text: "no readable status"},
	{name: "nothing", fault: nexpaytest.Fault{Body: []byte{}}, class: classify.Fatal, text: "answer without a value"},
	{name: "a page", fault: nexpaytest.Fault{HTML: true, Status: 200}, class: classify.Fatal, text: "not JSON"},
	{name: "there, cut", paid: true, fault: nexpaytest.Fault{Truncate: 3}, class: classify.Retryable, text: "unexpected EOF"},
	{name: "there, says a proxy", fault: nexpaytest.Fault{Body: []byte(found), Status: 203}, text: "only a 200"},
	{name: "there, in part", fault: nexpaytest.Fault{Body: []byte(found), Status: 206}, text: "only a 200"},
	{name: "there, and an error", fault: nexpaytest.Fault{Body: []byte(`{"paymentId":1,"status":"PENDING","errors":[{"code":30000}]}`)}, class: classify.FixAndResend},

	{name: "bare 404", fault: nexpaytest.Fault{Status: 404}, text: "not a complete error of the API"},
	{name: "404 page", fault: nexpaytest.Fault{HTML: true, Status: 404}, text: "not a complete error of the API"},
	{name: "404 with other JSON", fault: nexpaytest.Fault{Status: 404, Body: []byte(`{"message":"no Route matched with those values"}`)}, text: "not a complete error of the API"},
	{name: "404 with no errors", fault: nexpaytest.Fault{Status: 404, Body: []byte(`{"errors":[]}`)}, text: "not a complete error of the API"},
	{name: "404 without code", fault: nexpaytest.Fault{Status: 404, Body: []byte(`{"errors":[{"message":"x"}]}`)}, text: "not a complete error of the API"},
	{name: "404 with half a code", fault: nexpaytest.Fault{Status: 404, Body: []byte(`{"errors":[{"code":30000},{"message":"x"}]}`)}, text: "not a complete error of the API"},
	{name: "404, cut", fault: nexpaytest.Fault{Truncate: 1}, text: "not a complete error of the API"},
	{name: "404 with more behind", fault: nexpaytest.Fault{Status: 404, Body: []byte(unknown + "<html>")}, text: "not a complete error of the API"},
	{name: "404 with too many", fault: nexpaytest.Fault{Status: 404, Errors: slices.Repeat([]classify.Detail{{Code: "30000"}}, 17)}, text: "not a complete error of the API"},
	{name: "404 of an unlisted code", fault: nexpaytest.Fault{Status: 404, Code: "404"}, text: "does not mean an unknown payment: HTTP 404: 404 Error (trace"},
	{name: "404 of another 3xxxx", fault: nexpaytest.Fault{Status: 404, Code: "39999", Errors: []classify.Detail{{Code: "30120"}}}, want: classify.Absent},
	{name: "404 of a wrong parameter", fault: nexpaytest.Fault{Status: 404, Code: "30010"}, class: classify.FixAndResend},
	{name: "404 of two minds", fault: nexpaytest.Fault{Status: 404, Code: "30000", Errors: []classify.Detail{{Code: "30010"}}}, class: classify.FixAndResend},
	{name: "404 and a nonce", fault: nexpaytest.Fault{Status: 404, Code: "30000", Errors: []classify.Detail{{Code: "50"}}}, class: classify.FixAndResend},
	{name: "400", fault: nexpaytest.Fault{Code: "30000"}, class: classify.FixAndResend},
	{name: "the lookup was malformed", fault: nexpaytest.Fault{Status: 404, Code: "20000"}, absent: always, class: classify.FixAndResend},
	{name: "the lookup was malformed otherwise", fault: nexpaytest.Fault{Status: 404, Code: "20010"}, absent: always, class: classify.FixAndResend},
	{name: "redirect", fault: nexpaytest.Fault{Status: 302}, text: "HTTP 302"},
	{name: "bare 401", fault: nexpaytest.Fault{Status: 401}, text: "HTTP 401"},
	{name: "bare 403", fault: nexpaytest.Fault{HTML: true, Status: 403}, text: "HTTP 403"},
	{name: "bare 400", fault: nexpaytest.Fault{Status: 400}, text: "HTTP 400"},
	{name: "501", fault: nexpaytest.Fault{Status: 501}, text: "HTTP 501"},
	{name: "no status of HTTP", fault: nexpaytest.Fault{Status: 799}, text: "HTTP 799"},

	{name: "absent by another rule", fault: nexpaytest.Fault{Status: 400, Code: "30123"}, absent: code30123, want: classify.Absent},
	{name: "absent in a 200", fault: nexpaytest.Fault{Status: 200, Code: "30123"}, absent: code30123, want: classify.Absent},
	{name: "absent by an unlisted code", fault: nexpaytest.Fault{Status: 404, Code: "7"}, absent: always, want: classify.Absent},
	{name: "not by the other rule", absent: code30123, class: classify.FixAndResend},
	{name: "no rule makes a page absent", fault: nexpaytest.Fault{HTML: true, Status: 404}, absent: always, text: "not a complete error of the API"},
	{name: "no rule makes a nonce absent", fault: nexpaytest.Fault{Code: "50"}, absent: always, class: classify.Resync},
	{name: "no rule makes a key absent", fault: nexpaytest.Fault{Code: "100", Errors: []classify.Detail{{Code: "30000"}}}, absent: always, class: classify.Fatal},
	{name: "no rule makes a 5xx absent", fault: nexpaytest.Fault{Status: 503, Code: "30000"}, absent: always, class: classify.FixAndResend},
	{name: "no rule makes a 429 absent", fault: nexpaytest.Fault{Status: 429, Code: "30000"}, absent: always, class: classify.FixAndResend},
	{name: "no rule makes a redirect absent", fault: nexpaytest.Fault{Status: 302, Code: "7"}, absent: always, text: "does not mean"},

	{name: "nonce", fault: nexpaytest.Fault{Code: "50"}, class: classify.Resync},
	{name: "nonce, twice on the way", fault: nexpaytest.Fault{Twice: true}, class: classify.Resync},
	{name: "nonce, cut", fault: nexpaytest.Fault{Code: "50", Truncate: 2}, text: "not a complete error of the API"},
	{name: "key", fault: nexpaytest.Fault{Code: "40"}, class: classify.Fatal},
	{name: "key not enabled", fault: nexpaytest.Fault{Code: "90"}, class: classify.Fatal},
	{name: "signature", fault: nexpaytest.Fault{Code: "70"}, class: classify.Fatal},
	{name: "suspended", fault: nexpaytest.Fault{Code: "130"}, class: classify.Retryable},
	{name: "internal", fault: nexpaytest.Fault{Code: "-32603"}, class: classify.Retryable},
	{name: "429", fault: nexpaytest.Fault{Status: 429, RetryAfter: "7"}, class: classify.Retryable},
	{name: "503", fault: nexpaytest.Fault{HTML: true, Status: 503}, class: classify.Retryable},
	{name: "503 out of a cache", fault: nexpaytest.Fault{Status: 503, Header: header("Age", "1")}, class: classify.Retryable},
	{name: "reset", fault: nexpaytest.Fault{Reset: true}, class: classify.Retryable, text: "connection reset"},

	{name: "there, out of a cache", paid: true, fault: nexpaytest.Fault{Header: header("Age", "7")}, text: "from a cache (Age)"},
	{name: "not there, out of a cache", fault: nexpaytest.Fault{Header: header("Age", "0")}, text: "from a cache (Age): HTTP 404: 30000"},
	{name: "key, out of a cache", fault: nexpaytest.Fault{Code: "100", Header: header("Age", "7")}, text: "from a cache (Age)"},
	{name: "304", fault: nexpaytest.Fault{Status: 304}, text: "from a cache (HTTP 304)"},
	{name: "stale", fault: nexpaytest.Fault{Header: header("Warning", `214 - "x", 110 proxy "Response is Stale"`)}, text: "from a cache (Warning)"},
	{name: "transformed", fault: nexpaytest.Fault{Header: header("Warning", `214 - "x"`)}, want: classify.Absent},
	{name: "Cache-Status hit", fault: nexpaytest.Fault{Header: header("Cache-Status", `O; fwd=miss, E; hit; ttl=376`)}, text: "(Cache-Status)"},
	{name: "Cache-Status collapsed", fault: nexpaytest.Fault{Header: header("Cache-Status", `E; fwd=uri-miss; collapsed`)}, text: "(Cache-Status)"},
	{name: "Cache-Status miss", fault: nexpaytest.Fault{Header: header("Cache-Status", `E; fwd=stale; stored`)}, want: classify.Absent},
	{name: "X-Cache HIT", fault: nexpaytest.Fault{Header: http.Header{"X-Cache": {"MISS", "HIT from cdn"}}}, text: "(X-Cache)"},
	{name: "X-Cache TCP_HIT", fault: nexpaytest.Fault{Header: header("X-Cache", "TCP_MEM_HIT from a1")}, text: "(X-Cache)"},
	{name: "X-Cache RefreshHit", fault: nexpaytest.Fault{Header: header("X-Cache", "RefreshHit from cloudfront")}, text: "(X-Cache)"},
	{name: "X-Cache MISS", fault: nexpaytest.Fault{Header: header("X-Cache", "MISS from whitehits")}, want: classify.Absent},
	{name: "X-Cache-Remote", fault: nexpaytest.Fault{Header: header("X-Cache-Remote", "TCP_HIT")}, text: "(X-Cache-Remote)"},
	{name: "X-Cache-Status", fault: nexpaytest.Fault{Header: header("X-Cache-Status", "STALE")}, text: "(X-Cache-Status)"},
	{name: "X-Proxy-Cache", fault: nexpaytest.Fault{Header: header("X-Proxy-Cache", "HIT")}, text: "(X-Proxy-Cache)"},
	{name: "CF-Cache-Status", fault: nexpaytest.Fault{Header: header("CF-Cache-Status", "UPDATING")}, text: "(Cf-Cache-Status)"},
	{name: "X-LiteSpeed-Cache", fault: nexpaytest.Fault{Header: header("X-LiteSpeed-Cache", "hit,private")}, text: "(X-Litespeed-Cache)"},
	{name: "a name that an operator of nginx gave", fault: nexpaytest.Fault{Header: header("X-Upstream-Cache", "HIT")}, text: "(X-Upstream-Cache)"},
	{name: "two headers", fault: nexpaytest.Fault{Header: http.Header{"X-B-Cache": {"HIT"}, "X-A-Cache": {"HIT"}}}, text: "(X-A-Cache)"},
	{name: "X-Tyk-Cached-Response", fault: nexpaytest.Fault{Header: header("X-Tyk-Cached-Response", "1")}, text: "(X-Tyk-Cached-Response)"},
	{name: "Cache-Control", fault: nexpaytest.Fault{Header: http.Header{"Cache-Control": {"stale-if-error=60"}, "Cdn-Cache-Control": {"stale-if-error=60"}}}, want: classify.Absent},
	{name: "X-Cache-Hits", fault: nexpaytest.Fault{Header: header("X-Cache-Hits", "0, 0")}, want: classify.Absent},
	{name: "CF-Cache-Status dynamic", fault: nexpaytest.Fault{Header: header("CF-Cache-Status", "DYNAMIC")}, want: classify.Absent},
}

func always(*classify.Error) bool { return true }

func code30123(e *classify.Error) bool { return e.Details[0].Code == "30123" }

func header(name, value string) http.Header { return http.Header{name: {value}} }

func TestEvidence(t *testing.T) {
	for _, tt := range evidence {
		for name, reach := range ways {
			t.Run(tt.name+"/"+name, func(t *testing.T) {
				bank, creds := nexpaytest.NewKeyed()
				c := reach(t, bank, creds)
				p := nexpay.Payment{Client: c, ExternalID: "order-17", Order: order(t, c.Signer, "order-17"), Absent: tt.absent}
				_, err := c.AccountStatus(withNonce(t.Context(), 1))
				require.NoError(t, err)
				if tt.paid {
					_, err := p.Send(withNonce(t.Context(), 2))
					require.NoError(t, err)
				}
				bank.Script(tt.fault)
				got, outcome, err := p.Verify(withNonce(t.Context(), 3))
				require.Equal(t, tt.want, outcome, "%v", err)
				require.Equal(t, outcome == classify.Applied, got != nexpay.PaymentStatus{})
				if outcome != classify.Undecided {
					require.NoError(t, err)
					return
				}
				require.ErrorContains(t, err, tt.text)
				require.Equal(t, tt.class, classify.Nexpay().Classify(err).Class, "%v", err)
				_, unproven := errors.AsType[*nexpay.UnprovenError](err)
				require.Equal(t, tt.class == classify.Unclassified, unproven, "what is for the engine is as it is")
			})
		}
	}
}

// What the API asks for arrives as it is: waits, trace ids, codes.
func TestVerifyHandsOnTheAnswer(t *testing.T) {
	bank, creds := nexpaytest.NewKeyed()
	c := ways["in process"](t, bank, creds)
	bank.Script(nexpaytest.Fault{Status: 429, RetryAfter: "7"}, nexpaytest.Fault{Code: "50"}, nexpaytest.Fault{Status: 404, Code: "8", Data: "secret"})
	p := nexpay.Payment{Client: c, ExternalID: "order-17"}
	_, _, err := p.Verify(withNonce(t.Context(), 1))
	require.Equal(t, 7*time.Second, classify.Nexpay().Classify(err).RetryAfter)
	_, _, err = p.Verify(withNonce(t.Context(), 2))
	e, ok := errors.AsType[*classify.Error](err)
	require.True(t, ok)
	require.Equal(t, bank.Requests()[1].TraceID, e.TraceID)

	_, _, err = p.Verify(withNonce(t.Context(), 3))
	u, ok := errors.AsType[*nexpay.UnprovenError](err)
	require.True(t, ok)
	require.Equal(t, bank.Requests()[2].TraceID, u.Answer.TraceID)
	require.EqualError(t, err, "nexpay: the lookup proves nothing, it is an error that does not mean an unknown payment: HTTP 404: 8 Error (trace "+u.Answer.TraceID+")")
	require.Equal(t, err.Error(), u.SafeError())
	require.NotContains(t, fmt.Sprintf("%+v %#v", err, err), "secret")
	_, wrapped := errors.AsType[*classify.Error](err)
	require.False(t, wrapped, "or its 404 would be fatal")
}

// Mistakes end the search at once: they will not go away.
func TestVerifyRefusesToSend(t *testing.T) {
	c := client(t, roundTrip(func(*http.Request) (*http.Response, error) { t.Error("sent"); return nil, io.EOF }))
	for _, p := range []nexpay.Payment{{}, {Client: c}, {Client: &nexpay.Client{}, ExternalID: "a"}, {Client: &nexpay.Client{BaseURL: "https://h"}, ExternalID: "a"}} {
		got, outcome, err := p.Verify(withNonce(t.Context(), 1))
		require.Zero(t, got)
		require.Equal(t, classify.Undecided, outcome)
		require.Equal(t, notSent, classify.Nexpay().Classify(err), "%v", err)
	}
	_, _, err := nexpay.Payment{Client: c, ExternalID: "a"}.Verify(t.Context())
	require.ErrorIs(t, err, nexpay.ErrNoTicket)
}

// An error answer that is wrapped in what became of an exchange is not the
// answer: it may be that of another request.
func TestVerifyBelievesOnlyTheAnswer(t *testing.T) {
	c := client(t, reply(200, `{}`))
	_, err := c.AccountStatus(withNonce(t.Context(), 1))
	require.NoError(t, err)
	c.HTTP.Transport = roundTrip(func(*http.Request) (*http.Response, error) { return nil, classify.Decode(404, nil, []byte(unknown)) })
	_, outcome, err := nexpay.Payment{Client: c, ExternalID: "order-17"}.Verify(withNonce(t.Context(), 2))
	require.Error(t, err)
	require.Equal(t, classify.Undecided, outcome)
}

func TestVerifyAsksPastCaches(t *testing.T) {
	var asked *http.Request
	c := client(t, roundTrip(func(req *http.Request) (*http.Response, error) { asked = req; return reply(200, found)(req) }))
	_, outcome, err := nexpay.Payment{Client: c, ExternalID: "order-17"}.Verify(withNonce(t.Context(), 7))
	require.NoError(t, err)
	require.Equal(t, classify.Applied, outcome, "that needs no earlier answer")
	require.Equal(t, "GET /api/1/eurowallet/payments/status?externalPaymentId=order-17", asked.Method+" "+asked.URL.RequestURI())
	require.Equal(t, "no-cache, no-store", asked.Header.Get("Cache-Control"))
	require.Equal(t, "no-cache", asked.Header.Get("Pragma"))
	require.Equal(t, "7", asked.Header.Get("X-NONCE"))
	require.Empty(t, asked.Header.Get("If-None-Match"))
}

// A 404 counts from when the base URL has shown that the API is behind it.
func TestAbsentWantsAProperAnswerFirst(t *testing.T) {
	answer, base := unknown, ""
	status, extra := 404, http.Header{}
	serve := func(status int, body string) roundTrip {
		return func(req *http.Request) (*http.Response, error) {
			resp, err := reply(status, body)(req)
			resp.Header = extra.Clone()
			return resp, err
		}
	}
	n := uint64(0)
	ctx := func() context.Context { n++; return withNonce(t.Context(), n) }
	for _, tt := range []struct {
		name   string
		before func(*nexpay.Client)
		want   classify.Outcome
	}{
		{"nothing", func(*nexpay.Client) {}, classify.Undecided},
		{"an error", func(c *nexpay.Client) { _, err := c.AccountStatus(ctx()); require.Error(t, err) }, classify.Undecided},
		{"an account", func(c *nexpay.Client) {
			answer, status = `{}`, 200
			_, err := c.AccountStatus(ctx())
			require.NoError(t, err)
		}, classify.Absent},
		{"a payment", func(c *nexpay.Client) {
			answer, status = found, 200
			_, err := c.CreatePayment(ctx(), order(t, c.Signer, "order-17"))
			require.NoError(t, err)
		}, classify.Absent},
		{"another lookup", func(c *nexpay.Client) {
			answer, status = found, 200
			_, outcome, err := nexpay.Payment{Client: c, ExternalID: "order-16"}.Verify(ctx())
			require.NoError(t, err)
			require.Equal(t, classify.Applied, outcome)
		}, classify.Absent},
		{"an account out of a cache", func(c *nexpay.Client) {
			answer, status, extra = `{}`, 200, header("Age", "7")
			_, err := c.AccountStatus(ctx())
			require.NoError(t, err)
		}, classify.Undecided},
		{"a page", func(c *nexpay.Client) {
			answer, status = `<html>`, 200
			_, err := c.AccountStatus(ctx())
			require.Error(t, err)
		}, classify.Undecided},
		{"an answer that nobody read", func(c *nexpay.Client) {
			answer, status = ``, 200
			req, err := c.NewRequest(ctx(), "POST", "/x", nil)
			require.NoError(t, err)
			require.NoError(t, c.Do(req, nil))
		}, classify.Undecided},
		{"another host", func(c *nexpay.Client) {
			answer, status = `{}`, 200
			req, err := http.NewRequestWithContext(ctx(), "GET", "https://bank.test.example/x", nil)
			require.NoError(t, err)
			require.NoError(t, c.Do(req, new(any)))
		}, classify.Undecided},
		{"another base URL", func(c *nexpay.Client) {
			answer, status, base = `{}`, 200, "https://bank.test/wrong"
			_, err := c.AccountStatus(ctx())
			require.NoError(t, err)
		}, classify.Undecided},
		{"another client", func(c *nexpay.Client) {
			answer, status = `{}`, 200
			_, err := client(t, serve(200, `{}`)).AccountStatus(ctx())
			require.NoError(t, err)
		}, classify.Undecided},
	} {
		t.Run(tt.name, func(t *testing.T) {
			answer, status, base, extra = unknown, 404, "https://bank.test/", http.Header{}
			c := client(t, roundTrip(func(req *http.Request) (*http.Response, error) { return serve(status, answer)(req) }))
			c.BaseURL = base
			tt.before(c)
			c.BaseURL = base
			answer, status, extra = unknown, 404, http.Header{}
			_, outcome, err := nexpay.Payment{Client: c, ExternalID: "order-17"}.Verify(ctx())
			require.Equal(t, tt.want, outcome)
			if outcome == classify.Undecided {
				require.ErrorContains(t, err, "call Client.Check at start): HTTP 404: 30000 Request error (trace 5f2c)")
				require.Zero(t, classify.Nexpay().Classify(err))
			}
		})
	}
}

// From doubt to certainty, through a ledger that shows its payments late and a
// request that is executed after the client has given up.
func TestVerifyOverTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bank, creds := nexpaytest.NewKeyed()
		c := ways["in process"](t, bank, creds)
		p := nexpay.Payment{Client: c, ExternalID: "order-17", Order: order(t, c.Signer, "order-17")}
		_, err := c.AccountStatus(withNonce(t.Context(), 1))
		require.NoError(t, err)

		start := time.Now()
		bank.Script(nexpaytest.Fault{DelayBefore: 20 * time.Second, VisibleAfter: 10 * time.Second})
		ctx, cancel := context.WithTimeout(withNonce(t.Context(), 2), 5*time.Second)
		defer cancel()
		_, err = p.Send(ctx)
		require.Equal(t, classify.Unknown, classify.Nexpay().Classify(err).Effect)
		for _, tt := range []struct {
			at   time.Duration // since it was sent
			want classify.Outcome
		}{
			{5 * time.Second, classify.Absent},
			{20*time.Second - 1, classify.Absent}, // not yet executed
			{30*time.Second - 1, classify.Absent}, // executed, not yet visible
			{30 * time.Second, classify.Applied},
		} {
			time.Sleep(tt.at - time.Since(start))
			bank.SetLastNonce(creds.Key, 0) // as where late requests are not fenced off
			_, outcome, err := p.Verify(withNonce(t.Context(), 1))
			require.NoError(t, err)
			require.Equal(t, tt.want, outcome, "after %v; an absence is one answer at one moment, when it counts is for the caller to know", tt.at)
			bank.SetLastNonce(creds.Key, 0)
		}
		require.Equal(t, 1, bank.Executed("order-17"))
	})
}

func TestVerifyConcurrently(t *testing.T) {
	bank, creds := nexpaytest.NewKeyed()
	c := ways["TCP"](t, bank, creds)
	lane, err := nonce.NewLane(nonce.LaneConfig{Key: "main"})
	require.NoError(t, err)
	done := make(chan error)
	for i := range 8 {
		go func() {
			p := nexpay.Payment{Client: c, ExternalID: "order-" + strconv.Itoa(i), Order: order(t, c.Signer, "order-"+strconv.Itoa(i))}
			done <- withTurn(lane, func(ctx context.Context) error {
				if i%2 == 0 {
					_, err := p.Send(ctx)
					return err
				}
				_, _, err := p.Verify(ctx)
				if _, early := errors.AsType[*nexpay.UnprovenError](err); early {
					return nil
				}
				return err
			})
		}()
	}
	for range 8 {
		require.NoError(t, <-done)
	}
}

// No bytes but the API's own prove anything, and nothing but its own codes ends
// the search.
func FuzzVerify(f *testing.F) {
	for _, tt := range evidence {
		f.Add(tt.fault.Status, "X-Cache", "HIT", tt.fault.Body)
	}
	f.Add(200, "", "", []byte(found))
	f.Add(404, "Age", "0", []byte(unknown))
	f.Add(404, "", "", []byte(unknown))
	f.Add(404, "", "", []byte(`{"errors":[{"code":"3e4"},{"code":3.0e4}]}`))
	f.Add(403, "", "", []byte(`{"errors":[{"code":100}]}`))
	f.Add(200, "", "", []byte(`{"paymentId":1,"status":"A","externalPaymentId":"x"}`))
	f.Fuzz(func(t *testing.T, status int, name, value string, body []byte) {
		warm := true
		c := client(t, roundTrip(func(req *http.Request) (*http.Response, error) {
			if warm {
				return reply(200, `{}`)(req)
			}
			resp, err := reply(status, string(body))(req)
			resp.Header.Set(name, value)
			return resp, err
		}))
		_, err := c.AccountStatus(withNonce(t.Context(), 1))
		require.NoError(t, err)
		warm = false
		got, outcome, err := nexpay.Payment{Client: c, ExternalID: "order-17"}.Verify(withNonce(t.Context(), 2))
		require.Equal(t, outcome == classify.Undecided, err != nil)

		// Read once more, by somebody else.
		var fields map[string]any
		whole := json.Unmarshal(body, &fields) == nil
		switch outcome {
		case classify.Applied:
			require.True(t, whole)
			require.Equal(t, 200, status)
			require.NotEmpty(t, got.PaymentID)
			require.Contains(t, fields, "paymentId")
			require.Equal(t, fields["status"], string(got.Status))
		case classify.Absent:
			require.True(t, whole)
			require.Equal(t, 404, status)
			details := classify.Decode(status, nil, body).Details // "errors" may come twice, which encoding/json hides
			require.NotEmpty(t, details)
			for _, d := range details {
				require.True(t, (classify.Rule{Codes: "30000..39999"}).Matches(d.Code) && d.Code != "30010", "%s", d.Code)
			}
		default:
			require.Zero(t, got)
			require.Less(t, len(err.Error()), 2000)
			require.False(t, strings.ContainsAny(err.Error(), "\r\n"))
			if v := classify.Nexpay().Classify(err); v.Class == classify.Fatal && v.Code != "" {
				require.True(t, whole)
				require.Contains(t, fields, "errors")
			}
		}
		if outcome != classify.Undecided {
			require.NotEqual(t, "Age", http.CanonicalHeaderKey(name))
		}
	})
}
