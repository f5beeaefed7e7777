package story_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/nexpay"
	"github.com/nexpay-go/resilience/nexpay/nexpaytest"
	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// A world is a bank and all that a program puts around its calls.
type world struct {
	t       *testing.T
	bank    *nexpaytest.Bank
	client  *nexpay.Client
	lane    *nonce.Lane
	breaker *breaker.Breaker
	retrier *retry.Retrier
	onEvent func(retry.Event)

	secrets  []string
	refusals []classify.Code // what the bank itself has to object to, request by request
	seen     int             // requests that were looked at
}

var testKey = nexpaytest.Key{ID: "id-of-the-key", Secret: "secret-of-the-key", PaymentSecret: "secret-of-payments"}

// setup is what a world differs in. Zero fields mean the usual.
type setup struct {
	key         nexpaytest.Key
	credentials nexpay.Credentials
	transport   func(http.RoundTripper) http.RoundTripper
	after       uint64 // see nonce.LaneConfig
	nonces      nonce.Source
	policies    *policy.Set
	virtual     bool // the bank is in the process, for virtual time, and not on loopback
}

func open(t *testing.T, s setup) *world {
	t.Helper()
	if s.key.ID == "" {
		s.key = testKey
	}
	if s.credentials.Key == "" {
		s.credentials = s.key.Credentials()
	}
	if s.policies == nil {
		s.policies = policies(t, policy.Table{})
	}
	w := &world{t: t, secrets: []string{s.credentials.Key, s.credentials.Secret, testKey.Secret, testKey.PaymentSecret}}
	var err error
	w.bank, err = nexpaytest.New(nexpaytest.Config{Keys: []nexpaytest.Key{s.key}})
	require.NoError(t, err)
	w.client = connect(t, w.bank, s)
	w.lane, err = nonce.NewLane(nonce.LaneConfig{Key: "main", After: s.after})
	require.NoError(t, err)
	if s.nonces == nil {
		s.nonces = w.lane
	}
	w.breaker, err = breaker.New(breaker.Config{ConsecutiveFailures: limit, OpenFor: time.Minute})
	require.NoError(t, err)
	w.fail()
	w.retrier, err = retry.New(retry.Config{
		Policies: s.policies, Breaker: w.breaker, Nonces: s.nonces,
		OnEvent: func(_ context.Context, e retry.Event) {
			if w.onEvent != nil {
				w.onEvent(e)
			}
		},
	})
	require.NoError(t, err)
	return w
}

// policies are the default ones with waits of a millisecond, and over on top.
func policies(t *testing.T, over policy.Table) *policy.Set {
	t.Helper()
	over.Default.Backoff = policy.Backoff{Initial: time.Millisecond, Max: time.Millisecond}
	set, err := policy.Nexpay().With(over)
	require.NoError(t, err)
	return set
}

func connect(t *testing.T, bank *nexpaytest.Bank, s setup) *nexpay.Client {
	t.Helper()
	signer, err := nexpay.NewSigner(s.credentials)
	require.NoError(t, err)
	if s.virtual {
		return &nexpay.Client{BaseURL: "http://bank.test", Signer: signer, HTTP: &http.Client{Transport: bank.RoundTripper()}}
	}
	url, err := bank.Start()
	require.NoError(t, err)
	tcp := &http.Transport{}
	t.Cleanup(func() { tcp.CloseIdleConnections(); bank.Close() })
	var transport http.RoundTripper = tcp
	if s.transport != nil {
		transport = s.transport(tcp)
	}
	return &nexpay.Client{BaseURL: url, Signer: signer, HTTP: &http.Client{Transport: transport}}
}

func (w *world) call(opts ...retry.Option) error {
	w.t.Helper()
	return w.callIn(w.t.Context(), opts...)
}

func (w *world) callIn(ctx context.Context, opts ...retry.Option) error {
	w.t.Helper()
	account, err := retry.DoValue(ctx, w.retrier, w.client.AccountStatus, opts...)
	if err == nil && !json.Valid(account) {
		w.t.Errorf("no account: %q", account)
	}
	return err
}

// fail has the breaker see one failure.
func (w *world) fail() {
	w.t.Helper()
	lease, err := w.breaker.Acquire()
	require.NoError(w.t, err)
	lease.Done(breaker.Failure)
}

// spare counts the failures that the breaker takes before it opens. If it was
// closed, it is as new afterwards.
func (w *world) spare() (n int) {
	w.t.Helper()
	for ; w.breaker.State() == breaker.Closed; n++ {
		w.fail()
	}
	if n > 0 {
		w.breaker.Reset()
	}
	return n
}

// sent holds the wire to n requests since the last look, all of them with a higher
// nonce than any before, and none of them refused by the bank of its own unless it
// has to be.
func (w *world) sent(n int) {
	w.t.Helper()
	all := w.bank.Requests()
	require.Len(w.t, all[w.seen:], n)
	w.seen = len(all)
	highest := uint64(0)
	for i, r := range all {
		var refusal classify.Code
		if i < len(w.refusals) {
			refusal = w.refusals[i]
		}
		require.Equal(w.t, refusal, r.Refusal, "request %d", i+1)
		if refusal == "20" || refusal == "60" {
			continue // that it has no nonce is the point
		}
		require.Greater(w.t, r.Nonce, highest, "request %d", i+1)
		highest = r.Nonce
	}
}

// meets holds the end of a call whose fault came once.
func (w *world) meets(must behaviour, code classify.Code, err error) {
	w.t.Helper()
	if !must.heals {
		w.ended(must, code, must.once, err)
		return
	}
	require.NoError(w.t, err)
	w.sent(must.once)
	require.NoError(w.t, w.retrier.Lockout().Check("main"))
	require.Equal(w.t, limit, w.spare(), "it ended in a sign of life")
}

// staysWith holds the end of a call whose fault stayed, and what it leaves behind.
// end puts the bank right; if nil, nothing does.
func (w *world) staysWith(must behaviour, code classify.Code, err error, end func()) {
	w.t.Helper()
	w.ended(must, code, must.always, err)
	require.Equal(w.t, must.spare, w.spare())
	if end != nil {
		end()
	}
	err = w.call()
	switch {
	case must.later != nil:
		require.ErrorIs(w.t, err, must.later)
		w.sent(0)
		if open, ok := errors.AsType[*breaker.OpenError](err); ok {
			require.Positive(w.t, open.RetryIn, "it says when to come back")
		}
	case end != nil:
		require.NoError(w.t, err)
		w.sent(1)
	default:
		w.ended(must, code, must.always, err)
	}
}

// ended holds the error of a call to what must be, and its lockout.
func (w *world) ended(must behaviour, code classify.Code, sends int, err error) {
	w.t.Helper()
	w.sent(sends)
	last := w.bank.Requests()[w.seen-1]
	e, ok := errors.AsType[*retry.Error](err)
	require.True(w.t, ok, "%v", err)
	require.ErrorIs(w.t, err, must.reason)
	require.Equal(w.t, must.reason, e.Reason)
	require.Equal(w.t, sends, e.Attempts)
	require.Len(w.t, e.History, sends)
	require.Equal(w.t, []any{must.class, must.effect, must.lockout, code, last.Status},
		[]any{e.Verdict.Class, e.Verdict.Effect, e.Verdict.Lockout, e.Verdict.Code, e.Verdict.Status}, "%v", e.Verdict)
	w.tells(e, last)

	locked, is := errors.AsType[*breaker.LockedError](w.retrier.Lockout().Check("main"))
	require.Equal(w.t, must.lockout, is)
	if is {
		require.Equal(w.t, []any{string(code), last.TraceID}, []any{locked.Code, locked.TraceID})
	}
}

// tells: the error leads to the answer and to its trace, and gives nothing away.
func (w *world) tells(e *retry.Error, last nexpaytest.Request) {
	w.t.Helper()
	answer, answered := errors.AsType[*classify.Error](error(e))
	switch {
	case last.Code != "" || last.Status >= 300:
		require.True(w.t, answered)
	case last.Status == 0:
		require.False(w.t, answered)
	}
	if answered {
		require.Equal(w.t, last.Status, answer.Status)
	}
	if last.Code != "" {
		require.Equal(w.t, []string{last.TraceID, last.TraceID}, []string{e.TraceID, answer.TraceID})
		require.Contains(w.t, e.Error(), last.TraceID)
	}
	for _, secret := range w.secrets {
		require.NotContains(w.t, fmt.Sprintf("%v %+v %#v", e, e, *e), secret)
	}
}
