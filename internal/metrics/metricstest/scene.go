// Package metricstest has the calls that the tests of otelretry and promretry make with a
// measured Retrier.
package metricstest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// Metrics is implemented by the Metrics of both packages.
type Metrics interface {
	Attach(*retry.Config)
	Watch(*retry.Retrier) (stop func())
}

// New returns a Retrier that is measured and waits for nothing.
func New(t testing.TB, m Metrics, cfg retry.Config) *retry.Retrier {
	t.Helper()
	p, err := policy.Standard().With(policy.Table{
		Catalog: catalog(t), AttemptTimeout: policy.None,
		Classes: map[classify.Class]policy.Policy{classify.Retryable: {MaxAttempts: 3, Backoff: policy.Backoff{Initial: time.Microsecond}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Policies == nil {
		cfg.Policies = p
	}
	m.Attach(&cfg)
	r, err := retry.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Watch(r))
	return r
}

// catalog has the codes of Scene.
func catalog(t testing.TB) *classify.Catalog {
	t.Helper()
	c, err := classify.NewCatalog("bank",
		classify.Rule{Codes: "-32603", Name: "Internal error", Class: classify.Retryable},
		classify.Rule{Codes: "30000..39999", Name: "Invalid request parameter", Class: classify.FixAndResend, Effect: classify.NotApplied},
		classify.Rule{Codes: "100", Name: "API key locked", Class: classify.Fatal, Effect: classify.NotApplied, Lockout: true},
	)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Code is an answer with an error.
func Code(status int, code classify.Code) error {
	return &classify.Error{Status: status, Details: []classify.Detail{{Code: code, Message: "4711-SECRET"}}}
}

// Answers returns an operation that returns these errors one after the other, then succeeds.
func Answers(errs ...error) func(context.Context) error {
	return func(context.Context) (err error) {
		if len(errs) > 0 {
			err, errs = errs[0], errs[1:]
		}
		return err
	}
}

// Scene makes calls that give every metric a value: six successes, one of them after two
// resends; a decline; a refusal by an isolated breaker; a code without a rule; a payment that
// is looked up; a payment with an unknown outcome; and a lockout of key "spare".
func Scene(t testing.TB, m Metrics) {
	t.Helper()
	lane, err := nonce.NewLane(nonce.LaneConfig{Key: "main"})
	if err != nil {
		t.Fatal(err)
	}
	breakers := new(breaker.Group)
	r, spare := New(t, m, retry.Config{Nonces: lane, Breakers: breakers}), New(t, m, retry.Config{Key: "spare", Breakers: breakers})
	ctx := context.Background()
	do := func(endpoint string, errs ...error) error {
		return retry.Do(ctx, r, Answers(errs...), retry.Named("balance"), retry.Endpoint(endpoint))
	}
	for range 4 {
		expect(t, do("accounts"), nil)
	}
	expect(t, do("accounts", Code(500, "-32603"), Code(500, "-32603")), nil)
	expect(t, do("accounts", Code(400, "made-up")), retry.ErrFixAndResend)
	expect(t, do("accounts", Code(400, "30010")), retry.ErrFixAndResend)
	breakers.Get("cards").Isolate("to see what happens")
	expect(t, do("cards"), retry.ErrOpen)
	expect(t, retry.Do(ctx, spare, Answers(Code(403, "100")), retry.Named("balance"), retry.Endpoint("accounts")), retry.ErrFatal)

	lost := func(context.Context) (int, error) { return 0, errors.New("connection lost") }
	pay := func(id string, verify func(context.Context) (int, retry.Outcome, error)) error {
		_, err := retry.DoOnce(ctx, r, retry.Operation[int]{ID: id, Send: lost, Verify: verify}, retry.Named("payout"), retry.Endpoint("payments"))
		return err
	}
	expect(t, pay("inv-7", func(context.Context) (int, retry.Outcome, error) { return 1, retry.Applied, nil }), nil)
	expect(t, pay("inv-8", nil), retry.ErrOutcomeUnknown)
}

func expect(t testing.TB, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Fatalf("%v, and not %v", got, want)
	}
}

// Hostile makes that many calls and payments, each with a different operation, endpoint and
// rule, with very many breakers, lanes and locked keys.
func Hostile(t testing.TB, m Metrics, times int) {
	t.Helper()
	odd := func(kind string, i int) string { return fmt.Sprintf("%s\xff\n%d", kind, i) }
	group, err := breaker.NewGroup(breaker.Config{FailureRatio: -1, ConsecutiveFailures: -1}, 300)
	if err != nil {
		t.Fatal(err)
	}
	var lanes []*nonce.Lane
	lockout := new(breaker.Lockout)
	for i := range 300 {
		lane, err := nonce.NewLane(nonce.LaneConfig{Key: fmt.Sprint("key ", i)})
		if err != nil {
			t.Fatal(err)
		}
		lanes = append(lanes, lane)
		lockout.Lock(fmt.Sprint("locked ", i), breaker.LockCause{Reason: fmt.Sprint("reason ", i)})
	}
	pool, err := nonce.NewPool(lanes...)
	if err != nil {
		t.Fatal(err)
	}
	New(t, m, retry.Config{Nonces: pool, Lockout: lockout})
	resent, err := policy.Standard().With(policy.Table{
		AttemptTimeout: policy.None, Default: policy.Policy{MaxAttempts: 2, Backoff: policy.Backoff{Initial: policy.None}},
	})
	if err != nil {
		t.Fatal(err)
	}
	r := New(t, m, retry.Config{Breakers: group, Classifier: inventive{}, Budget: retry.NoBudget(), Policies: resent})
	for i := range times {
		name, endpoint := retry.Named(odd("operation", i)), retry.Endpoint(odd("endpoint", i))
		_ = retry.Do(context.Background(), r, Answers(Code(i%1000, classify.Code(odd("code", i))), fmt.Errorf("%d", i)), name, endpoint)
		if i%10 == 0 {
			_, _ = retry.DoOnce(context.Background(), r, retry.Operation[int]{
				ID: "inv-7", Send: func(context.Context) (int, error) { return 0, fmt.Errorf("lost %d", i) },
				Verify: func(context.Context) (int, retry.Outcome, error) { return 0, retry.Applied, nil },
			}, name, endpoint)
		}
	}
}

// inventive is a classifier that invents a rule for every error.
type inventive struct{}

func (inventive) Classify(err error) classify.Verdict {
	return classify.Verdict{Class: classify.Retryable, Rule: err.Error()}
}
