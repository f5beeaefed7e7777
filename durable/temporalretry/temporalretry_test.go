package temporalretry_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/durable/temporalretry"
	"github.com/nexpay-go/resilience/nexpay"
	"github.com/nexpay-go/resilience/nexpay/nexpaytest"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// pays is an activity that makes the payment with this id.
func (b *teller) pays(ctx context.Context, id string) (nexpay.PaymentStatus, error) {
	op, err := b.payment(id)
	if err != nil {
		return nexpay.PaymentStatus{}, err
	}
	return temporalretry.DoOnce(ctx, b.r, op)
}

func suite() *testsuite.WorkflowTestSuite {
	s := new(testsuite.WorkflowTestSuite)
	s.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	return s
}

// runs executes activities one after the other, each for as long as the server would
// try, and returns how often each began, and what the last one ended with.
func runs(t *testing.T, attempts int32, activities ...func(context.Context) error) (began []int, err error) {
	t.Helper()
	began = make([]int, len(activities))
	env := suite().NewTestWorkflowEnvironment()
	for i, a := range activities {
		env.RegisterActivityWithOptions(func(ctx context.Context) error {
			began[i]++
			return a(ctx)
		}, activity.RegisterOptions{Name: fmt.Sprint(i)})
	}
	env.ExecuteWorkflow(func(ctx workflow.Context) error {
		ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
			StartToCloseTimeout: time.Hour, HeartbeatTimeout: time.Minute, RetryPolicy: &temporal.RetryPolicy{MaximumAttempts: attempts},
		})
		var last error
		for i := range activities {
			last = workflow.ExecuteActivity(ctx, fmt.Sprint(i)).Get(ctx, nil)
		}
		return last
	})
	require.True(t, env.IsWorkflowCompleted())
	return began, env.GetWorkflowError()
}

func typeOf(t *testing.T, err error) string {
	t.Helper()
	var app *temporal.ApplicationError
	require.ErrorAs(t, err, &app)
	return app.Type()
}

func TestPaymentWhoseAnswerIsLostIsMadeOnce(t *testing.T) {
	b := newTeller(t, new(retry.MemoryJournal))
	b.Script(nexpaytest.Fault{Execute: true, Reset: true})
	env := suite().NewTestActivityEnvironment()
	env.RegisterActivityWithOptions(b.pays, activity.RegisterOptions{Name: "pay"})
	value, err := env.ExecuteActivity("pay", "inv-7")
	require.NoError(t, err)
	var status nexpay.PaymentStatus
	require.NoError(t, value.Get(&status))
	require.NotZero(t, status.PaymentID)
	require.Equal(t, 1, b.Executed("inv-7"))
	require.Equal(t, 1, b.sends())
}

// The first attempt finds nothing out, and the second what became of the payment.
func TestTheNextAttemptLooksThePaymentUp(t *testing.T) {
	b := newTeller(t, new(retry.MemoryJournal))
	b.Script(nexpaytest.Fault{Execute: true, Reset: true})
	down := b.AddRule(nexpaytest.Rule{Match: func(r nexpaytest.Request) bool { return r.Method == "GET" }, Fault: nexpaytest.Fault{HTML: true}})
	var first error
	began, err := runs(t, 5, func(ctx context.Context) error {
		_, err := b.pays(ctx, "inv-7")
		if first == nil {
			first = err
		}
		down()
		return err
	})
	require.NoError(t, err)
	require.Equal(t, []int{2}, began)
	require.Equal(t, 1, b.Executed("inv-7"))
	require.Equal(t, 1, b.sends())

	require.Equal(t, "outcome-unknown", typeOf(t, first))
	d, ok := temporalretry.DetailsOf(first)
	require.True(t, ok)
	require.Equal(t, "inv-7", d.ID)
	require.Contains(t, d.Doubt.Text, `operation "inv-7" on key "main" sent at `)
	require.NotZero(t, d.Doubt.Conclusive)
	require.Equal(t, 20*time.Millisecond, d.Doubt.Settle)
}

// What this package is there for: without it the server's next attempt, on another worker,
// is another call.
func TestPaymentWithoutAJournalIsRefused(t *testing.T) {
	b := newTeller(t, nil)
	began, err := runs(t, 5, func(ctx context.Context) error {
		_, err := b.pays(ctx, "inv-7")
		return err
	})
	require.Equal(t, "no-journal", typeOf(t, err))
	require.Equal(t, []int{1}, began)
	require.Empty(t, b.Requests())

	b.Script(nexpaytest.Fault{Execute: true, Reset: true}, nexpaytest.Fault{HTML: true}, nexpaytest.Fault{HTML: true})
	op, err := b.payment("inv-8")
	require.NoError(t, err)
	op.Verify = nil
	_, err = runs(t, 5, func(ctx context.Context) error {
		worker := newRetrier(t, retry.Config{Nonces: b.r.Nonces(), Policies: b.r.Policies()})
		_, err := retry.DoOnce(ctx, worker, op)
		return err
	})
	require.NoError(t, err)
	require.Equal(t, 2, b.Executed("inv-8"), "if this is one, nothing has to be refused")
}

func TestALockedKeyCostsOneRequest(t *testing.T) {
	b := newTeller(t, new(retry.MemoryJournal))
	b.Script(nexpaytest.Fault{Code: "100"})
	pay := func(id string) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := b.pays(ctx, id)
			return err
		}
	}
	read := func(ctx context.Context) error {
		return temporalretry.Do(ctx, b.r, func(ctx context.Context) error { _, err := b.client.AccountStatus(ctx); return err })
	}
	began, err := runs(t, 5, read, pay("inv-7"), pay("inv-8"), read)
	require.Equal(t, "fatal/100", typeOf(t, err))
	require.Equal(t, []int{1, 1, 1, 1}, began)
	require.Len(t, b.Requests(), 1)
	d, ok := temporalretry.DetailsOf(err)
	require.True(t, ok)
	require.Equal(t, "locked-out", d.Reason)
	require.Equal(t, "100", d.Code)
	require.Equal(t, b.Requests()[0].TraceID, d.TraceID)
	require.NotEmpty(t, d.Advice)
}

// The attempts of the activity times those of the policy, and no others.
func TestHowManySendsThatMakes(t *testing.T) {
	for perCall, want := range map[int]int{4: 12, 1: 3} {
		sends := 0
		r := newRetrier(t, retry.Config{Policies: quick(t, perCall), Budget: retry.NoBudget()})
		began, err := runs(t, 3, func(ctx context.Context) error {
			return temporalretry.Do(ctx, r, func(context.Context) error { sends++; return &classify.Error{Status: 503} })
		})
		require.Equal(t, "attempts", typeOf(t, err))
		require.Equal(t, []int{3}, began)
		require.Equal(t, want, sends)
	}
}

func TestEveryReason(t *testing.T) {
	r := newRetrier(t, retry.Config{Journal: new(retry.MemoryJournal)})
	for _, c := range []struct {
		reason error
		name   string
		again  bool
	}{
		{retry.ErrFatal, "fatal", false}, {retry.ErrFixAndResend, "fatal", false}, {retry.ErrUnclassified, "fatal", false},
		{retry.ErrLockedOut, "fatal", false}, {retry.ErrApplied, "applied", false}, {retry.ErrNested, "nested", false},
		{retry.ErrDoubt, "doubt", false}, {retry.ErrOutcomeUnknown, "outcome-unknown", true}, {retry.ErrBusy, "busy", true},
		{retry.ErrOpen, "open", true}, {retry.ErrRetryAfter, "retry-after", true}, {retry.ErrAttempts, "attempts", true},
		{retry.ErrElapsed, "elapsed", true}, {retry.ErrBudget, "budget", true}, {retry.ErrDeadline, "deadline", true},
		{retry.ErrResync, "resync", true}, {retry.ErrNonce, "nonce", true},
	} {
		err := temporalretry.Error(t.Context(), r, &retry.Error{Reason: c.reason})
		var app *temporal.ApplicationError
		require.ErrorAs(t, err, &app)
		require.Equal(t, c.name, app.Type())
		require.Equal(t, c.again, !app.NonRetryable(), "%v", c.reason)
		require.Equal(t, c.again, app.NextRetryDelay() > 0, "%v", c.reason)
		require.NotErrorIs(t, err, context.Canceled)
		_, ok := temporalretry.DetailsOf(err)
		require.True(t, ok)
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	require.Equal(t, context.Canceled, temporalretry.Error(canceled, r, &retry.Error{Reason: retry.ErrCanceled}))
	require.Equal(t, context.Canceled, temporalretry.Error(t.Context(), r, &retry.Error{Reason: retry.ErrCanceled}))
	require.NoError(t, temporalretry.Error(t.Context(), r, nil))
	plain := errors.New("of the user's own")
	require.Equal(t, plain, temporalretry.Error(t.Context(), r, plain))
	_, ok := temporalretry.DetailsOf(temporal.NewApplicationError("another", "x", 7))
	require.False(t, ok)
}

// A context that was canceled is no answer about a payment: the engine must not store
// an activity that may have paid as one that was canceled.
func TestACanceledPaymentInDoubtIsNoCancellation(t *testing.T) {
	r := newRetrier(t, retry.Config{Journal: new(retry.MemoryJournal)})
	ctx, cancel := context.WithCancel(t.Context())
	_, err := temporalretry.DoOnce(ctx, r, retry.Operation[int]{
		ID:     "inv-7",
		Send:   func(context.Context) (int, error) { cancel(); return 0, context.Canceled },
		Verify: func(context.Context) (int, retry.Outcome, error) { return 0, retry.Undecided, nil },
	})
	require.Equal(t, "outcome-unknown", typeOf(t, err))
	require.NotErrorIs(t, err, context.Canceled)
}

func TestMistakesAreNotTriedAgain(t *testing.T) {
	r := newRetrier(t, retry.Config{Journal: new(retry.MemoryJournal)})
	for _, r := range []*retry.Retrier{r, nil} {
		_, err := temporalretry.DoOnce(t.Context(), r, retry.Operation[int]{})
		require.Equal(t, "invalid", typeOf(t, err))
	}
}

func TestNoRequestDataGetsOut(t *testing.T) {
	const secret = "IBAN-LT693080010000000294"
	r := newRetrier(t, retry.Config{Policies: quick(t, 2)})
	_, err := temporalretry.DoValue(t.Context(), r, func(context.Context) (int, error) {
		return 0, &url.Error{Op: "Post", URL: "https://bank.test/?to=" + secret, Err: errors.New(secret)}
	})
	wrapped := temporalretry.Error(t.Context(), r, &url.Error{Op: "Post", URL: secret, Err: &retry.Error{Reason: retry.ErrAttempts, Last: errors.New(secret)}})
	for _, err := range []error{err, wrapped} {
		failure, jsonErr := json.Marshal(temporal.GetDefaultFailureConverter().ErrorToFailure(err))
		require.NoError(t, jsonErr)
		require.NotContains(t, string(failure), secret)
		d, _ := temporalretry.DetailsOf(err)
		require.NotContains(t, fmt.Sprintf("%+v", d), secret)
	}
}

// A call beats while it waits, and has ended before the activity does.
func TestACallBeatsAndIsInTime(t *testing.T) {
	r := newRetrier(t, retry.Config{Policies: policy.Standard()}) // without a timeout of its own
	env := suite().NewTestWorkflowEnvironment()
	var beats atomic.Int32
	var outer, inner time.Time
	enough := make(chan struct{})
	env.SetOnActivityHeartbeatListener(func(*activity.Info, converter.EncodedValues) {
		if beats.Add(1) == 3 {
			close(enough)
		}
	})
	env.RegisterActivityWithOptions(func(ctx context.Context) error {
		outer, _ = ctx.Deadline()
		return temporalretry.Do(ctx, r, func(ctx context.Context) error {
			inner, _ = ctx.Deadline()
			select {
			case <-enough:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}, activity.RegisterOptions{Name: "waits"})
	env.ExecuteWorkflow(func(ctx workflow.Context) error {
		ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: 50 * time.Second, HeartbeatTimeout: 30 * time.Millisecond})
		return workflow.ExecuteActivity(ctx, "waits").Get(ctx, nil)
	})
	require.NoError(t, env.GetWorkflowError())
	require.InDelta(t, 5*time.Second, outer.Sub(inner), float64(100*time.Millisecond))
}

// The wait is that of the code and of the server's attempt, see TestHowManySendsThatMakes.
func TestTheWaitIsTheCodesOwn(t *testing.T) {
	set, err := policy.New(policy.Table{Default: policy.Policy{MaxAttempts: 1, Backoff: policy.Backoff{Initial: time.Second, Max: time.Minute, Jitter: policy.JitterNone}}})
	require.NoError(t, err)
	r := newRetrier(t, retry.Config{Policies: set})
	var waits []time.Duration
	_, err = runs(t, 4, func(ctx context.Context) error {
		err := temporalretry.Do(ctx, r, func(context.Context) error { return &classify.Error{Status: 503} })
		var app *temporal.ApplicationError
		require.ErrorAs(t, err, &app)
		waits = append(waits, app.NextRetryDelay())
		return err
	})
	require.Error(t, err)
	require.Equal(t, []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second}, waits)
}
