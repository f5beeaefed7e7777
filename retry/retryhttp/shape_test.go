package retryhttp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
	"github.com/nexpay-go/resilience/retry/retryhttp"
)

const declined = `{"error":{"code":"card_declined","message":"Your card was declined."}}`

// vendor is the catalog of an API whose codes are words.
func vendor(t testing.TB, change ...func(*classify.Shape)) *classify.Catalog {
	t.Helper()
	c, err := classify.NewCatalog("vendor",
		classify.Rule{Codes: "card_declined", Name: "Card declined", Class: classify.Fatal, Effect: classify.NotApplied, Fix: "Ask for another card."},
		classify.Rule{Codes: "in_progress", Name: "Under way", Class: classify.Retryable},
		classify.Rule{Codes: "busy", Name: "Busy", Class: classify.Retryable},
	)
	require.NoError(t, err)
	s := classify.Shape{
		Code: []string{"$.error.code"}, Message: []string{"$.error.message"}, TraceID: []string{"header:Request-Id"},
		RetryAfter: []string{"retry-after-ms"}, IdempotencyKeys: []string{"Idempotency-Key"}, IdempotentFor: 24 * time.Hour,
	}
	for _, f := range change {
		f(&s)
	}
	c, err = c.WithShape(s)
	require.NoError(t, err)
	return c
}

// under returns a client for the vendor's API: a catalog, and nothing else that is about it.
func under(t testing.TB, c *classify.Catalog, base http.RoundTripper, change ...func(*retryhttp.Transport)) *http.Client {
	t.Helper()
	return client(t, base, append([]func(*retryhttp.Transport){func(tr *retryhttp.Transport) {
		tr.Retrier = quick(t, retry.Config{Policies: vendorPolicies(t, c, 5)})
	}}, change...)...)
}

func vendorPolicies(t testing.TB, c *classify.Catalog, attempts int) *policy.Set {
	t.Helper()
	set, err := policy.Standard().With(policy.Table{
		Catalog: c, AttemptTimeout: 10 * time.Second,
		Default: policy.Policy{MaxAttempts: attempts, MaxElapsed: policy.None, Backoff: policy.Backoff{Initial: time.Second, Max: time.Second, Jitter: policy.JitterNone}},
	})
	require.NoError(t, err)
	return set
}

// with is an answer with headers.
func with(status int, body string, header ...string) func(*http.Request) (*http.Response, error) {
	return func(req *http.Request) (*http.Response, error) {
		resp, err := says(status, body)(req)
		for i := 0; i < len(header); i += 2 {
			resp.Header.Set(header[i], header[i+1])
		}
		return resp, err
	}
}

// A decline in the API's own words is proof: a payment that it ended is looked up by nobody, its body can be read, and its
// error says all that the answer did.
func TestDeclineOfAPayment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		s := answers(with(402, declined, "Request-Id", "req_7"))
		c := under(t, vendor(t), s)
		_, err := c.Do(retryhttp.Once(request(t, "POST", "amount=17"), "inv-7", func(context.Context) (*http.Response, retry.Outcome, error) {
			t.Error("it is looked up")
			return nil, retry.Undecided, nil
		}))
		e := errorOf(t, err)
		require.ErrorIs(t, err, retry.ErrFatal)
		require.Equal(t, classify.NotApplied, e.Effect)
		require.Equal(t, "req_7", e.TraceID)
		require.Equal(t, classify.Code("card_declined"), e.Verdict.Code)
		require.ErrorContains(t, e, "Your card was declined.")
		answer, ok := errors.AsType[*classify.Error](err)
		require.True(t, ok)
		require.Equal(t, "Your card was declined.", answer.Details[0].Message)
		require.Zero(t, time.Since(began))
		require.Len(t, s.seen, 1)
		require.Zero(t, s.open)
		for range 2 {
			resp := retryhttp.Response(err)
			require.Equal(t, 402, resp.StatusCode)
			require.Equal(t, "req_7", resp.Header.Get("Request-Id"))
			require.Equal(t, declined, read(t, resp))
		}
	})
}

// The header by which this API asks for a wait is heeded, and so is a gateway's Retry-After under a bare 403.
func TestWaitsThatAreAskedFor(t *testing.T) {
	for name, answer := range map[string]func(*http.Request) (*http.Response, error){
		"the API's own header": with(503, `{"error":{"code":"busy"}}`, "retry-after-ms", "2500"),
		"a bare 403":           with(403, "slow down", "Retry-After", "3"),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				s := answers(answer, with(200, "fine"))
				resp, err := under(t, vendor(t), s).Do(request(t, "GET", ""))
				require.NoError(t, err)
				require.Equal(t, "fine", read(t, resp))
				require.GreaterOrEqual(t, time.Since(began), 2500*time.Millisecond)
			})
		})
	}
}

// A classifier that is no catalog says nothing of the answers: they have the zero shape.
func TestClassifierOfAnotherKind(t *testing.T) {
	s := answers(says(400, wrong))
	c := client(t, s, func(tr *retryhttp.Transport) {
		tr.Retrier = quick(t, retry.Config{Classifier: classify.Func(classify.Nexpay().Classify)})
		tr.AlwaysError = true
	})
	_, err := c.Do(request(t, "POST", "x"))
	require.Equal(t, classify.Code("30010"), errorOf(t, err).Verdict.Code)
	require.Equal(t, wrong, read(t, retryhttp.Response(err)))
}

// A reloaded catalog is the one by which answers are read.
func TestShapeIsReloaded(t *testing.T) {
	s := answers(says(402, declined))
	var r *retry.Retrier
	c := client(t, s, func(tr *retryhttp.Transport) { r, tr.AlwaysError = tr.Retrier, true })
	_, err := c.Do(request(t, "POST", "x"))
	require.Empty(t, errorOf(t, err).Verdict.Code)
	require.NoError(t, r.Reload(vendorPolicies(t, vendor(t), 5)))
	_, err = c.Do(request(t, "POST", "x"))
	require.Equal(t, classify.Code("card_declined"), errorOf(t, err).Verdict.Code)
}

// An answer is kept as far as it was read to judge it, and never reads as if that had been all.
func TestResponseOfAnError(t *testing.T) {
	failed := func(tr *retryhttp.Transport) { tr.AlwaysError = true }
	t.Run("long", func(t *testing.T) {
		whole := declined + strings.Repeat(" ", 70<<10)
		_, err := under(t, vendor(t), answers(says(402, whole)), failed).Do(request(t, "POST", "x"))
		text, end := io.ReadAll(retryhttp.Response(err).Body)
		require.Error(t, end)
		require.Equal(t, whole[:64<<10], string(text))
	})
	t.Run("broken off", func(t *testing.T) {
		s := answers(func(req *http.Request) (*http.Response, error) {
			resp, err := says(402, "")(req)
			resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(declined[:20]), failing{io.ErrUnexpectedEOF}))
			return resp, err
		})
		_, err := under(t, vendor(t), s, failed).Do(request(t, "POST", "x"))
		text, end := io.ReadAll(retryhttp.Response(err).Body)
		require.ErrorIs(t, end, io.ErrUnexpectedEOF)
		require.Equal(t, declined[:20], string(text))
	})
	t.Run("a long 2xx", func(t *testing.T) {
		whole := `{"errors":[{"code":1}],"x":"` + strings.Repeat("x", 100<<10) + `"}`
		c := client(t, answers(says(200, whole)), failed, func(tr *retryhttp.Transport) { tr.InspectJSON = true })
		_, err := c.Do(request(t, "POST", "x"))
		text, end := io.ReadAll(retryhttp.Response(err).Body)
		require.Error(t, end)
		require.Equal(t, whole[:64<<10], string(text))
	})
	t.Run("empty", func(t *testing.T) {
		s := answers(func(req *http.Request) (*http.Response, error) {
			resp, err := says(402, "")(req)
			resp.Body = nil
			return resp, err
		})
		_, err := under(t, vendor(t), s, failed).Do(request(t, "POST", "x"))
		require.Empty(t, read(t, retryhttp.Response(err)))
	})
	t.Run("none", func(t *testing.T) {
		_, err := under(t, vendor(t), answers(breaks(refusedConnection)), failed, func(tr *retryhttp.Transport) {
			tr.Retrier = quick(t, retry.Config{Policies: vendorPolicies(t, vendor(t), 1)})
		}).Do(request(t, "POST", "x"))
		require.Error(t, err)
		require.Nil(t, retryhttp.Response(err))
		require.Nil(t, retryhttp.Response(nil))
	})
}

// What is kept of an answer is printed nowhere, whatever else stands in it.
func TestKeptAnswersAreNotPrinted(t *testing.T) {
	n := new(nest)
	s := answers(with(402, `{"error":{"code":"card_declined","at":"`+canaries["IBAN"]+`"}}`, "Set-Cookie", canaries["key"]))
	_, err := under(t, vendor(t), s, func(tr *retryhttp.Transport) { tr.AlwaysError = true }).Do(driven(t, t.Context(), "POST"))
	e := errorOf(t, err)
	n.see(e, *e, e.Last)
	n.clean(t, "an answer that is kept")
	last, ok := errors.AsType[interface {
		error
		fmt.GoStringer
	}](e)
	require.True(t, ok)
	require.Equal(t, last.Error(), fmt.Sprintf("%#v", last))
}

// A server that puts the key of the request into a code gets it printed nowhere; a code that the catalog knows
// survives, though the request holds it.
func TestSecretsInCodes(t *testing.T) {
	for code, want := range map[string]classify.Code{
		canaries["key"]:                   "[…]",
		"no_" + canaries["key"] + "_here": "no_[…]_here",
		"card_declined":                   "card_declined",
	} {
		n := new(nest)
		s := answers(says(402, `{"error":{"code":"`+code+`"}}`))
		c := under(t, vendor(t), s, func(tr *retryhttp.Transport) {
			tr.AlwaysError = true
			tr.Retrier = quick(t, retry.Config{Policies: vendorPolicies(t, vendor(t), 2), OnEvent: n.observe})
		})
		req := driven(t, t.Context(), "POST")
		req.Header.Set("X-Secret-Test", "card_declined")
		_, err := c.Do(req)
		e := errorOf(t, err)
		n.see(e, *e, e.Last, e.Verdict, c.Transport.(*retryhttp.Transport).Retrier.Stats())
		n.clean(t, code)
		require.Equal(t, want, e.Verdict.Code)
	}
}

// Where the status decides, a 2xx is the caller's as it comes, also as a stream that pauses; and a payment is one.
func TestStatusDecides(t *testing.T) {
	const sold = `{"error":null,"name":"Streaming"}`
	decides := func(s *classify.Shape) { s.Code, s.StatusDecides = []string{"$.name"}, true }
	synctest.Test(t, func(t *testing.T) {
		s := answers(with(200, sold, "Content-Type", "application/json"), with(201, sold, "Content-Type", "application/json"))
		c := under(t, vendor(t, decides), s, func(tr *retryhttp.Transport) { tr.AlwaysError = true })
		resp, err := c.Do(request(t, "GET", ""))
		require.NoError(t, err)
		require.Equal(t, sold, read(t, resp))
		resp, err = c.Do(retryhttp.Once(request(t, "POST", "amount=17"), "inv-7", nil))
		require.NoError(t, err)
		require.Equal(t, sold, read(t, resp))
		require.Len(t, s.seen, 2)
	})
	synctest.Test(t, func(t *testing.T) {
		_, err := under(t, vendor(t, decides), answers(with(404, `{"name":"card_declined"}`)), func(tr *retryhttp.Transport) { tr.AlwaysError = true }).Do(request(t, "GET", ""))
		require.Equal(t, classify.Code("card_declined"), errorOf(t, err).Verdict.Code)
	})
}

// A classifier of the program's own may judge what the shape of the policies' catalog reads: here an answer that has only
// a status.
func TestClassifierOverAShape(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := vendor(t)
		var r *retry.Retrier
		r, err := retry.New(retry.Config{Policies: vendorPolicies(t, c, 3), Classifier: classify.Func(func(err error) classify.Verdict {
			v := r.Catalog().Classify(err)
			if v.Status == http.StatusNotFound && v.Code == "" { // it is there soon
				v.Class = classify.Retryable
			}
			return v
		})})
		require.NoError(t, err)
		do := func(req *http.Request, a ...func(*http.Request) (*http.Response, error)) (*stub, error) {
			s := answers(a...)
			_, err := under(t, c, s, func(tr *retryhttp.Transport) { tr.Retrier, tr.AlwaysError = r, true }).Do(req)
			return s, err
		}
		s, err := do(request(t, "GET", ""), with(404, ""), with(200, "{}"))
		require.NoError(t, err)
		require.Len(t, s.seen, 2)
		s, err = do(request(t, "POST", "amount=17"), with(402, declined))
		require.Equal(t, classify.NotApplied, errorOf(t, err).Effect)
		require.Len(t, s.seen, 1)
		s, err = do(keyed(t, "inv-7"), with(404, ""), with(200, "{}"))
		require.NoError(t, err)
		require.Len(t, s.seen, 2)
		s, err = do(request(t, "POST", "amount=17"), with(404, ""))
		require.ErrorIs(t, err, retry.ErrDoubt, "a bare 404 proves nothing")
		require.Len(t, s.seen, 1)
		s, err = do(request(t, "POST", "amount=17"), with(422, `{"error":{"code":"already_paid"}}`))
		require.Equal(t, classify.Unknown, errorOf(t, err).Effect, "nor does a code that no rule knows")
		require.Len(t, s.seen, 1)
	})
}

// An error keeps 64 KiB of an answer, not the 4 MiB that were read: thousands of operations may wait in doubt with theirs.
func TestAnErrorKeepsLittleOfALongAnswer(t *testing.T) {
	const n = 8
	whole := `{"x":"` + strings.Repeat("x", 3<<20)
	c := client(t, answers(says(200, whole)), func(tr *retryhttp.Transport) { tr.InspectJSON, tr.AlwaysError = true, true })
	var errs []error
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for range n {
		_, err := c.Do(request(t, "POST", "x"))
		require.NotNil(t, retryhttp.Response(err))
		errs = append(errs, err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	require.Less(t, int64(after.HeapAlloc)-int64(before.HeapAlloc), int64(n*128<<10))
	runtime.KeepAlive(errs)
	runtime.KeepAlive(whole)
}
