package nexpaytest_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/nexpay"
	"github.com/nexpay-go/resilience/nexpay/nexpaytest"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

const day = 24 * time.Hour

// keeper is a bank that keeps keys, and a client of it.
func keeper(t *testing.T, i nexpaytest.Idempotency) (*nexpaytest.Bank, *caller) {
	t.Helper()
	b := bank(t, nexpaytest.Config{Idempotency: i})
	return b, inProcess(t, b, someKey.Credentials())
}

// payUnder makes a payment under an idempotency key, and returns the paymentId.
func (c *caller) payUnder(ctx context.Context, key, amount string) (id int64, header http.Header, err error) {
	c.t.Helper()
	c.n++
	req, err := c.NewRequest(withNonce(ctx, c.n), "POST", paymentsPath, order(c.t, "order-17", amount))
	require.NoError(c.t, err)
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	inner := c.HTTP.Transport
	client := *c.HTTP
	client.Transport = watched{inner, &header}
	var answer struct {
		PaymentID int64 `json:",string"`
	}
	err = (&nexpay.Client{BaseURL: c.BaseURL, Signer: c.Signer, HTTP: &client}).Do(req, &answer)
	return answer.PaymentID, header, err
}

type watched struct {
	http.RoundTripper
	header *http.Header
}

func (w watched) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := w.RoundTripper.RoundTrip(req)
	if err == nil {
		*w.header = resp.Header
	}
	return resp, err
}

// A key is kept for so long after its first request, however often it comes.
func TestKeyIsKeptAndForgotten(t *testing.T) {
	for _, tt := range []struct {
		after    time.Duration
		id       int64
		executed int
	}{{0, 1, 1}, {day - 1, 1, 1}, {day, 2, 2}, {day + 1, 2, 2}} {
		synctest.Test(t, func(t *testing.T) {
			b, c := keeper(t, nexpaytest.Idempotency{For: day})
			id, header, err := c.payUnder(t.Context(), "k", "10")
			require.NoError(t, err)
			require.EqualValues(t, 1, id)
			require.Empty(t, header.Get("Idempotent-Replayed"))
			require.True(t, last(b).Executed)
			require.False(t, last(b).Replayed)

			time.Sleep(tt.after / 2)
			_, _, err = c.payUnder(t.Context(), "k", "10") // does not prolong it
			require.NoError(t, err)
			time.Sleep(tt.after - tt.after/2)
			id, header, err = c.payUnder(t.Context(), "k", "10")
			require.NoError(t, err)
			require.Equal(t, tt.id, id, "after %v", tt.after)
			require.Equal(t, tt.executed, b.Executed("order-17"))
			replayed := tt.executed == 1
			require.Equal(t, replayed, header.Get("Idempotent-Replayed") == "true")
			require.Equal(t, replayed, last(b).Replayed)
			require.Equal(t, !replayed, last(b).Executed)
			require.Equal(t, 200, last(b).Status)
		})
	}
}

// While the first is under way the same key gets 409, and its answer after that,
// even if the client of the first has gone.
func TestKeyIsUnderWay(t *testing.T) {
	for _, tt := range []struct {
		after  time.Duration
		status int
	}{{0, 409}, {time.Minute - 1, 409}, {time.Minute, 200}, {time.Minute + 1, 200}} {
		synctest.Test(t, func(t *testing.T) {
			b, c := keeper(t, nexpaytest.Idempotency{For: day})
			b.Script(nexpaytest.Fault{DelayAfter: time.Minute})
			first, cancel := context.WithCancel(t.Context())
			cancelled := make(chan error, 1)
			go func() {
				_, _, err := (&caller{Client: c.Client, t: t, n: c.n}).payUnder(first, "k", "10")
				cancelled <- err
			}()
			synctest.Wait()
			c.n++ // that the first has used
			cancel()
			require.ErrorIs(t, <-cancelled, context.Canceled)

			time.Sleep(tt.after)
			id, _, err := c.payUnder(t.Context(), "k", "10")
			require.Equal(t, tt.status, last(b).Status, "after %v", tt.after)
			require.Equal(t, 1, b.Executed("order-17"))
			if tt.status == 200 {
				require.NoError(t, err)
				require.EqualValues(t, 1, id)
				return
			}
			got, status := code(err)
			require.EqualValues(t, "40900", got)
			require.Equal(t, 409, status)
			require.EqualValues(t, "40900", last(b).Refusal)
		})
	}
}

// A key is not forgotten while its request is under way.
func TestKeyOutlivesItsTimeUnderWay(t *testing.T) {
	for after, want := range map[time.Duration]int{time.Minute - 1: 1, time.Minute + 1: 2} {
		synctest.Test(t, func(t *testing.T) {
			b, c := keeper(t, nexpaytest.Idempotency{For: time.Second})
			b.Script(nexpaytest.Fault{DelayAfter: time.Minute})
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			defer cancel()
			_, _, err := c.payUnder(ctx, "k", "10")
			require.ErrorIs(t, err, context.DeadlineExceeded)
			time.Sleep(after - time.Millisecond)
			_, _, _ = c.payUnder(t.Context(), "k", "10")
			require.Equal(t, want, b.Executed("order-17"))
		})
	}
}

// Another body under the same key is refused, under way or not, until the key is
// forgotten; another path and another API key have keys of their own.
func TestKeyOfSomethingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		other := nexpaytest.Key{ID: "other", Secret: "s2"}
		b := bank(t, nexpaytest.Config{Keys: []nexpaytest.Key{someKey, other}, Idempotency: nexpaytest.Idempotency{For: day}})
		c := inProcess(t, b, someKey.Credentials())
		b.Script(nexpaytest.Fault{DelayAfter: time.Minute})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, _, err := c.payUnder(ctx, "k", "10")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		for _, wait := range []time.Duration{0, time.Minute, day - time.Minute - time.Second - 1} {
			time.Sleep(wait)
			_, _, err = c.payUnder(t.Context(), "k", "11")
			got, status := code(err)
			require.EqualValues(t, "42200", got)
			require.Equal(t, 422, status)
		}
		require.Equal(t, 1, b.Executed("order-17"))

		_, _, err = inProcess(t, b, other.Credentials()).payUnder(t.Context(), "k", "11")
		require.NoError(t, err)
		require.Equal(t, 2, b.Executed("order-17"))
		time.Sleep(time.Nanosecond)
		_, _, err = c.payUnder(t.Context(), "k", "11")
		require.NoError(t, err, "the day is over")
		require.Equal(t, 3, b.Executed("order-17"))
	})
}

// Without a key, or in a bank that keeps none, everything is as ever.
func TestNoKey(t *testing.T) {
	for name, tt := range map[string]struct {
		kept time.Duration
		key  string
	}{"no key": {day, ""}, "a bank that keeps none": {0, "k"}} {
		t.Run(name, func(t *testing.T) {
			b, c := keeper(t, nexpaytest.Idempotency{For: tt.kept})
			for n := range int64(2) {
				id, _, err := c.payUnder(t.Context(), tt.key, "10")
				require.NoError(t, err)
				require.Equal(t, n+1, id)
			}
			require.Equal(t, 2, b.Executed("order-17"))
		})
	}
}

// The key can be in a field, such as the caller's own id; then a change of the
// same payment is not the payment again, and a lookup is never kept.
func TestKeyInAField(t *testing.T) {
	key := nexpaytest.Key{ID: "k", Secret: "s", PaymentSecret: "p"} // the signature is the same each time
	b := bank(t, nexpaytest.Config{Keys: []nexpaytest.Key{key}, Idempotency: nexpaytest.Idempotency{For: day, Field: "externalPaymentId"}})
	c := inProcess(t, b, key.Credentials())
	for range 2 {
		require.NoError(t, c.pay(t.Context(), "order-17"))
	}
	require.Equal(t, 1, b.Executed("order-17"))
	require.NoError(t, c.pay(t.Context(), "order-18"))
	for range 2 {
		require.NoError(t, c.call(t.Context(), "POST", paymentsPath+"/cancel-scheduled", form("externalPaymentId", "order-17"), nil))
	}
	require.Equal(t, 3, executed(b), "two payments and a change")
	for _, want := range []nexpay.Status{nexpay.Rejected, nexpay.Completed} {
		b.SetStatus("order-17", want, "")
		p, err := c.lookup(t.Context(), "order-17")
		require.NoError(t, err)
		require.Equal(t, want, p.Status)
	}
}

func executed(b *nexpaytest.Bank) (n int) {
	for _, r := range b.Requests() {
		if r.Executed {
			n++
		}
	}
	return n
}

func TestKeyInAnotherHeader(t *testing.T) {
	b, c := keeper(t, nexpaytest.Idempotency{For: day, Header: "X-Request-Id"})
	for _, want := range []int{1, 1} {
		c.n++
		req, err := c.NewRequest(withNonce(t.Context(), c.n), "POST", paymentsPath, order(t, "order-17", "10"))
		require.NoError(t, err)
		req.Header.Set("X-Request-Id", "k")
		require.NoError(t, c.Do(req, new(any)))
		require.Equal(t, want, b.Executed("order-17"))
	}
	_, _, err := c.payUnder(t.Context(), "k", "10")
	require.NoError(t, err)
	require.Equal(t, 2, b.Executed("order-17"), "Idempotency-Key is no key here")
}

// What is repeated after a fault: an error of the API's own, or the bank's answer
// that was lost on the way. What was not executed is not kept.
func TestWhatIsKeptOfAFault(t *testing.T) {
	for name, tt := range map[string]struct {
		fault    nexpaytest.Fault
		executed bool // by the first request
		status   int  // of the second
	}{
		"an answer that was lost":       {nexpaytest.Fault{Execute: true, Reset: true}, true, 200},
		"a gateway's page":              {nexpaytest.Fault{Execute: true, HTML: true}, true, 200},
		"a bare status":                 {nexpaytest.Fault{Execute: true, Status: 500}, true, 200},
		"an answer that broke off":      {nexpaytest.Fault{Truncate: 5}, true, 200},
		"an error of the API's":         {nexpaytest.Fault{Execute: true, Code: "-32603"}, true, 500},
		"several of them":               {nexpaytest.Fault{Execute: true, Status: 503, Errors: []classify.Detail{{Code: "1"}, {Code: "2"}}}, true, 503},
		"an error without execution":    {nexpaytest.Fault{Code: "-32603"}, false, 200},
		"a refusal without execution":   {nexpaytest.Fault{Code: "30010"}, false, 200},
		"a request that was lost":       {nexpaytest.Fault{Reset: true}, false, 200},
		"a header of the first answer":  {nexpaytest.Fault{Header: http.Header{"Age": {"7"}}}, true, 200},
		"an answer that is one nonce's": {nexpaytest.Fault{Twice: true}, true, 200},
	} {
		t.Run(name, func(t *testing.T) {
			b, c := keeper(t, nexpaytest.Idempotency{For: day})
			b.Script(tt.fault)
			_, _, _ = c.payUnder(t.Context(), "k", "10")
			require.Equal(t, tt.executed, b.Executed("order-17") == 1)
			for range 2 {
				_, header, err := c.payUnder(t.Context(), "k", "10")
				require.Equal(t, tt.status, last(b).Status)
				require.Equal(t, tt.status == 200, err == nil, "%v", err)
				require.Empty(t, header.Get("Age"))
			}
			require.True(t, last(b).Replayed)
			require.Equal(t, 1, b.Executed("order-17"))
		})
	}
}

// A refusal is not kept: the key is free for another body, and a nonce that was
// used is refused before anybody looks at the key.
func TestRefusalsAreNotKept(t *testing.T) {
	b, c := keeper(t, nexpaytest.Idempotency{For: day})
	_, _, err := c.payUnder(t.Context(), "k", "ten")
	got, _ := code(err)
	require.EqualValues(t, "30010", got)
	_, _, err = c.payUnder(t.Context(), "k", "10")
	require.NoError(t, err)
	c.n--
	_, _, err = c.payUnder(t.Context(), "k", "10")
	got, _ = code(err)
	require.EqualValues(t, "50", got)
	require.Equal(t, 1, b.Executed("order-17"))
}

// A fault meets a repeated answer as it meets any other.
func TestFaultOfARepeatedAnswer(t *testing.T) {
	b, c := keeper(t, nexpaytest.Idempotency{For: day})
	b.Script(nexpaytest.Fault{}, nexpaytest.Fault{Status: 503}, nexpaytest.Fault{Execute: true, Code: "-32603"}, nexpaytest.Fault{RetryAfter: "9"})
	for i, want := range []int{200, 503, 500, 200, 200} {
		_, header, _ := c.payUnder(t.Context(), "k", "10")
		require.Equal(t, want, last(b).Status)
		require.Equal(t, i == 3, header.Get("Retry-After") == "9", "it is not kept")
	}
	require.Equal(t, 1, b.Executed("order-17"))
}

func TestOwnObjections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, c := keeper(t, nexpaytest.Idempotency{
			For: day, UnderWay: nexpaytest.Fault{RetryAfter: "3"}, OtherBody: nexpaytest.Fault{Status: 400, Code: "77"},
		})
		b.Script(nexpaytest.Fault{DelayAfter: time.Minute})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, _, err := c.payUnder(ctx, "k", "10")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		_, header, err := c.payUnder(t.Context(), "k", "10")
		got, status := code(err)
		require.EqualValues(t, "40900", got)
		require.Equal(t, 409, status)
		require.Equal(t, "3", header.Get("Retry-After"))
		_, _, err = c.payUnder(t.Context(), "k", "11")
		got, status = code(err)
		require.EqualValues(t, "77", got)
		require.Equal(t, 400, status)
	})
}

func TestIdempotencyIsChecked(t *testing.T) {
	_, err := nexpaytest.New(nexpaytest.Config{Keys: []nexpaytest.Key{someKey}, Idempotency: nexpaytest.Idempotency{
		For: -1, Header: "a b", Field: "f", UnderWay: nexpaytest.Fault{Status: 42}, OtherBody: nexpaytest.Fault{Truncate: -1},
	}})
	for _, want := range []string{"For is negative", "a Header and a Field", "Header cannot be sent", "UnderWay: ", "OtherBody: "} {
		require.ErrorContains(t, err, "Config.Idempotency")
		require.ErrorContains(t, err, want)
	}
	require.Equal(t, 5, strings.Count(err.Error(), "\n")+1)
}

// noDeadline hides the deadline of the test, which is not in a bubble's time.
type noDeadline struct{ rapid.TB }

// Whatever happens on the way, a key that is remembered executes once.
func TestOncePerRememberedKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rapid.Check(noDeadline{t}, func(rt *rapid.T) {
			b, c := keeper(t, nexpaytest.Idempotency{For: time.Hour})
			var first time.Time // when the key was last executed afresh
			for range rapid.IntRange(1, 12).Draw(rt, "requests") {
				b.Script(rapid.SampledFrom([]nexpaytest.Fault{
					{}, {Execute: true, Reset: true}, {Reset: true}, {HTML: true}, {Execute: true, Code: "-32603"}, {DelayAfter: 10 * time.Minute}, {Twice: true},
				}).Draw(rt, "fault"))
				before := b.Executed("order-17")
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				_, _, _ = c.payUnder(ctx, "k", rapid.SampledFrom([]string{"10", "11"}).Draw(rt, "amount"))
				cancel()
				if b.Executed("order-17") > before {
					now := b.Payments()[before].Created
					if !first.IsZero() && now.Sub(first) < time.Hour {
						rt.Fatalf("executed again %v after the first", now.Sub(first))
					}
					if first = now; b.Executed("order-17") > before+1 {
						rt.Fatal("executed twice by one request")
					}
				}
				time.Sleep(time.Duration(rapid.IntRange(0, 40).Draw(rt, "minutes")) * time.Minute)
			}
		})
	})
}

// A client whose attempt timed out sends again while the first is under way, is
// told so, waits, and gets the answer of the first: paid once, looked up never.
func TestOperationIsReplayed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, c := keeper(t, nexpaytest.Idempotency{For: day})
		b.Script(nexpaytest.Fault{DelayAfter: 4500 * time.Millisecond})
		start := time.Now()
		id, err := retry.DoOnce(t.Context(), newRetrier(t, 1500*time.Millisecond), retry.Operation[int64]{
			ID: "order-17", Idempotent: day, Send: c.sendOnce,
			Verify: func(context.Context) (int64, retry.Outcome, error) {
				t.Error("looked up")
				return 0, retry.Applied, nil
			},
		})
		require.NoError(t, err)
		require.EqualValues(t, 1, id)
		require.Equal(t, 5500*time.Millisecond, time.Since(start))
		require.Equal(t, 1, b.Executed("order-17"))
		var statuses []int
		for _, req := range b.Requests() {
			statuses = append(statuses, req.Status)
		}
		require.Equal(t, []int{0, 409, 409, 200}, statuses)
	})
}

// sendOnce pays under the id of the operation, and waits a second for the answer.
func (c *caller) sendOnce(ctx context.Context) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	id, _, err := c.payUnder(ctx, "order-17", "10")
	return id, err
}

// A bank that has forgotten the key would pay again: nothing is sent by then, and
// the payment is looked up instead.
func TestOperationIsNotReplayedTooLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const kept = 10 * time.Minute
		b, c := keeper(t, nexpaytest.Idempotency{For: kept})
		b.Script(nexpaytest.Fault{Execute: true, Reset: true})
		end := b.AddRule(nexpaytest.Rule{Path: paymentsPath, Fault: nexpaytest.Fault{HTML: true}})
		time.AfterFunc(2*kept, end)
		start := time.Now()
		id, err := retry.DoOnce(t.Context(), newRetrier(t, 5*time.Second), retry.Operation[int64]{
			ID: "order-17", Idempotent: kept, Send: c.sendOnce, GiveUp: time.Hour,
			Verify: func(ctx context.Context) (int64, retry.Outcome, error) {
				if time.Since(start) < 3*kept {
					return 0, retry.Undecided, nil
				}
				p, err := c.lookup(ctx, "order-17")
				if err != nil {
					return 0, retry.Undecided, err
				}
				require.Equal(t, "1", p.PaymentID)
				return 1, retry.Applied, nil
			},
		})
		require.NoError(t, err)
		require.EqualValues(t, 1, id)
		require.Equal(t, 1, b.Executed("order-17"))
		replays := 0
		for _, r := range b.Requests() {
			if r.Path == paymentsPath {
				replays++
				require.Less(t, r.At.Sub(start), kept)
			}
		}
		require.Greater(t, replays, 10)
	})
}

// newRetrier waits so long between attempts, and knows the code of a request that
// is under way.
func newRetrier(t *testing.T, wait time.Duration) *retry.Retrier {
	t.Helper()
	catalog, err := classify.Nexpay().With(classify.Rule{Codes: "40900", Name: "Under way", Class: classify.Retryable, Effect: classify.Unknown})
	require.NoError(t, err)
	set, err := policy.New(policy.Table{Catalog: catalog, Default: policy.Policy{
		MaxAttempts: 1000, MaxElapsed: policy.None,
		Backoff: policy.Backoff{Initial: wait, Max: wait, Jitter: policy.JitterNone},
	}})
	require.NoError(t, err)
	r, err := retry.New(retry.Config{Policies: set})
	require.NoError(t, err)
	return r
}
