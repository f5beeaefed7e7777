package riverretry_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/url"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"
	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/durable/riverretry"
	"github.com/nexpay-go/resilience/journal/sqljournal"
	"github.com/nexpay-go/resilience/nexpay"
	"github.com/nexpay-go/resilience/nexpay/nexpaytest"
	"github.com/nexpay-go/resilience/retry"
)

// Args are those of a job: what is run is in the test.
type Args struct {
	Name string `json:"name"`
}

func (Args) Kind() string { return "call" }

// A queue is a client of River on a database of its own.
type queue struct {
	client *river.Client[pgx.Tx]
	ended  <-chan *river.Event
	work   map[string]func(context.Context) error
	began  map[string]int // while no job runs
}

// newQueue runs one job at a time.
func newQueue(t *testing.T) *queue {
	t.Helper()
	name := newDatabase(t)
	pool, err := pgxpool.New(t.Context(), postgres.DSN(t, "dbname="+name))
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	driver := riverpgxv5.New(pool)
	migrator, err := rivermigrate.New(driver, nil)
	require.NoError(t, err)
	_, err = migrator.Migrate(t.Context(), rivermigrate.DirectionUp, nil)
	require.NoError(t, err)

	q := &queue{work: map[string]func(context.Context) error{}, began: map[string]int{}}
	workers := river.NewWorkers()
	river.AddWorker(workers, river.WorkFunc(func(ctx context.Context, job *river.Job[Args]) error {
		q.began[job.Args.Name]++
		return q.work[job.Args.Name](ctx)
	}))
	q.client, err = river.NewClient(driver, &river.Config{
		Workers: workers, Queues: map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 1}},
		FetchCooldown: 5 * time.Millisecond, FetchPollInterval: 10 * time.Millisecond,
		Logger: slog.New(slog.DiscardHandler), RetryPolicy: atOnce{},
	})
	require.NoError(t, err)
	events, cancel := q.client.Subscribe(river.EventKindJobCompleted, river.EventKindJobCancelled, river.EventKindJobFailed, river.EventKindJobSnoozed)
	t.Cleanup(cancel)
	q.ended = events
	require.NoError(t, q.client.Start(context.WithoutCancel(t.Context())))
	t.Cleanup(func() { require.NoError(t, q.client.Stop(context.WithoutCancel(t.Context()))) })
	return q
}

// atOnce has a job that failed run again without a wait.
type atOnce struct{}

func (atOnce) NextRetry(*rivertype.JobRow) time.Time { return time.Now().Add(5 * time.Millisecond) }

// run has River run a job until it is over, and returns it.
func (q *queue) run(t *testing.T, name string, attempts int, work func(context.Context) error) *rivertype.JobRow {
	t.Helper()
	q.work[name] = work
	_, err := q.client.Insert(t.Context(), Args{name}, &river.InsertOpts{MaxAttempts: attempts})
	require.NoError(t, err)
	for {
		select {
		case e := <-q.ended:
			if e.Job.FinalizedAt != nil {
				return e.Job
			}
		case <-t.Context().Done():
			t.Fatal("the job does not end")
		}
	}
}

func TestPaymentWhoseAnswerIsLostIsMadeOnce(t *testing.T) {
	q := newQueue(t)
	b := newTeller(t, sharedJournal(t))
	b.Script(nexpaytest.Fault{Execute: true, Reset: true})
	var got nexpay.PaymentStatus
	job := q.run(t, "pay", 25, func(ctx context.Context) error {
		return riverretry.DoOnce(ctx, b.r, b.payment(t, "inv-7"), func(_ context.Context, s nexpay.PaymentStatus, err error) error {
			got = s
			return err
		})
	})
	require.Equal(t, rivertype.JobStateCompleted, job.State)
	require.NotZero(t, got.PaymentID)
	require.Equal(t, 1, q.began["pay"])
	require.Equal(t, 1, b.Executed("inv-7"))
	require.Equal(t, 1, b.sends())
}

// The first attempt finds nothing out, the second what became of the payment; the third
// is there because the second could not book it.
func TestLaterAttemptsLookThePaymentUp(t *testing.T) {
	q := newQueue(t)
	b := newTeller(t, sharedJournal(t))
	b.Script(nexpaytest.Fault{Execute: true, Reset: true})
	down := b.AddRule(nexpaytest.Rule{Match: func(r nexpaytest.Request) bool { return r.Method == "GET" }, Fault: nexpaytest.Fault{HTML: true}})
	var ids []string
	job := q.run(t, "pay", 25, func(ctx context.Context) error {
		defer down()
		return riverretry.DoOnce(ctx, b.r, b.payment(t, "inv-7"), func(_ context.Context, s nexpay.PaymentStatus, err error) error {
			if ids = append(ids, string(s.PaymentID)); len(ids) == 1 {
				return errors.New("no room in the books")
			}
			return err
		})
	})
	require.Equal(t, rivertype.JobStateCompleted, job.State)
	require.Equal(t, 3, q.began["pay"])
	require.Len(t, ids, 2)
	require.Equal(t, ids[0], ids[1])
	require.Equal(t, 1, b.Executed("inv-7"))
	require.Equal(t, 1, b.sends())
}

// What this package is there for: without it River's next attempt is another call.
func TestPaymentWithoutAJournalIsRefused(t *testing.T) {
	q := newQueue(t)
	b := newTeller(t, nil)
	job := q.run(t, "pay", 25, func(ctx context.Context) error { return riverretry.DoOnce(ctx, b.r, b.payment(t, "inv-7"), nil) })
	require.Equal(t, rivertype.JobStateCancelled, job.State)
	require.Contains(t, job.Errors[0].Error, "a payment needs a Retrier with a Journal")
	require.Empty(t, b.Requests())

	b.Script(nexpaytest.Fault{Execute: true, Reset: true})
	op := b.payment(t, "inv-8")
	op.Verify = nil
	job = q.run(t, "plain", 25, func(ctx context.Context) error {
		worker := newRetrier(t, retry.Config{Nonces: b.r.Nonces(), Policies: b.r.Policies()})
		_, err := retry.DoOnce(ctx, worker, op)
		return err
	})
	require.Equal(t, rivertype.JobStateCompleted, job.State)
	require.Equal(t, 2, b.Executed("inv-8"), "if this is one, nothing has to be refused")
}

func TestALockedKeyCostsOneRequest(t *testing.T) {
	q := newQueue(t)
	b := newTeller(t, new(retry.MemoryJournal))
	b.Script(nexpaytest.Fault{Code: "100"})
	for _, name := range []string{"read", "again", "pay"} {
		job := q.run(t, name, 25, func(ctx context.Context) error {
			if name == "pay" {
				return riverretry.DoOnce(ctx, b.r, b.payment(t, "inv-7"), nil)
			}
			return riverretry.Do(ctx, b.r, func(ctx context.Context) error { _, err := b.client.AccountStatus(ctx); return err })
		})
		require.Equal(t, rivertype.JobStateCancelled, job.State)
		require.Contains(t, job.Errors[0].Error, b.Requests()[0].TraceID)
		require.Equal(t, 1, q.began[name])
	}
	require.Len(t, b.Requests(), 1)
}

func TestHowManySendsThatMakes(t *testing.T) {
	q := newQueue(t)
	r, sends := newRetrier(t, retry.Config{Policies: quick(t), Budget: retry.NoBudget()}), 0
	job := q.run(t, "read", 3, func(ctx context.Context) error {
		return riverretry.Do(ctx, r, func(context.Context) error { sends++; return &classify.Error{Status: 503} })
	})
	require.Equal(t, rivertype.JobStateDiscarded, job.State)
	require.Equal(t, 12, sends)
	require.Contains(t, job.Errors[2].Error, "HTTP 503 (4 sends in ")
}

func TestEveryReason(t *testing.T) {
	r := newRetrier(t, retry.Config{Journal: new(retry.MemoryJournal)})
	const done, cancels, snoozes, fails = "done", "cancels", "snoozes", "fails"
	for _, c := range []struct {
		reason error
		want   string
	}{
		{retry.ErrFatal, cancels}, {retry.ErrFixAndResend, cancels}, {retry.ErrUnclassified, cancels}, {retry.ErrLockedOut, cancels},
		{retry.ErrNested, cancels}, {retry.ErrDoubt, cancels}, {retry.ErrApplied, done}, {retry.ErrOutcomeUnknown, snoozes},
		{retry.ErrBusy, snoozes}, {retry.ErrOpen, snoozes}, {retry.ErrRetryAfter, snoozes}, {retry.ErrAttempts, fails},
		{retry.ErrElapsed, fails}, {retry.ErrBudget, fails}, {retry.ErrDeadline, fails}, {retry.ErrResync, fails}, {retry.ErrNonce, fails},
	} {
		e := &retry.Error{Reason: c.reason}
		if c.reason == retry.ErrOutcomeUnknown {
			e.Doubt = &retry.Doubt{Conclusive: time.Now().Add(time.Hour)}
		}
		err := riverretry.Error(t.Context(), r, e)
		require.Equal(t, c.want, what(err), "%v", c.reason)
		if err == nil {
			continue
		}
		require.ErrorIs(t, err, c.reason)
		found, ok := errors.AsType[*retry.Error](err)
		require.True(t, ok)
		require.Same(t, e, found)
	}
	inert := &retry.Error{Reason: retry.ErrOutcomeUnknown, Doubt: &retry.Doubt{Conclusive: time.Now().Add(-time.Hour)}}
	require.Equal(t, fails, what(riverretry.Error(t.Context(), r, inert)), "else nobody would ever hear of it")
	require.Equal(t, cancels, what(riverretry.Error(t.Context(), newRetrier(t, retry.Config{}), inert)))
	asked := &retry.Error{Reason: retry.ErrAttempts, Verdict: classify.Verdict{RetryAfter: time.Minute}}
	require.Equal(t, snoozes, what(riverretry.Error(t.Context(), r, asked)))

	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	require.Equal(t, context.Canceled, riverretry.Error(canceled, r, &retry.Error{Reason: retry.ErrCanceled}))
	require.Equal(t, context.Canceled, riverretry.Error(t.Context(), r, &retry.Error{Reason: retry.ErrCanceled}))
	plain := errors.New("of the user's own")
	require.Equal(t, plain, riverretry.Error(t.Context(), r, plain))
	require.Equal(t, cancels, what(riverretry.DoOnce(t.Context(), r, retry.Operation[int]{}, nil)))
	require.Equal(t, cancels, what(riverretry.DoOnce(t.Context(), nil, retry.Operation[int]{}, nil)))
}

// what River does after err.
func what(err error) string {
	var snooze *river.JobSnoozeError
	var cancel *river.JobCancelError
	switch {
	case err == nil:
		return "done"
	case errors.As(err, &snooze) && snooze.Duration >= time.Second:
		return "snoozes"
	case errors.As(err, &cancel):
		return "cancels"
	}
	return "fails"
}

// River runs a job again at once whose error is a context.Canceled when it stops.
func TestARequestInDoubtIsNoCancellation(t *testing.T) {
	r := newRetrier(t, retry.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	err := riverretry.Do(ctx, r, func(ctx context.Context) error { cancel(); return ctx.Err() }, retry.Resend(retry.ResendOnProof))
	require.Equal(t, "cancels", what(err))
	require.NotErrorIs(t, err, context.Canceled)
}

func TestNoRequestDataGetsOut(t *testing.T) {
	const secret = "LT693080010000000294"
	r := newRetrier(t, retry.Config{})
	for _, last := range []error{errors.New(secret), &url.Error{Op: "Post", URL: secret, Err: errors.New(secret)}} {
		for _, reason := range []error{retry.ErrAttempts, retry.ErrFatal, retry.ErrOpen, retry.ErrDoubt} {
			err := riverretry.Error(t.Context(), r, &url.Error{Op: "Post", URL: secret, Err: &retry.Error{Reason: reason, Last: last}})
			text, jsonErr := json.Marshal(rivertype.AttemptError{Error: err.Error()})
			require.NoError(t, jsonErr)
			require.NotContains(t, string(text), secret)
		}
	}
}

// sharedJournal is one on the tests' PostgreSQL.
func sharedJournal(t *testing.T) retry.Journal {
	t.Helper()
	db := openPostgres(t, "dbname="+newDatabase(t))
	j, err := sqljournal.New(db, sqljournal.Config{})
	require.NoError(t, err)
	require.NoError(t, j.Migrate(t.Context()))
	return j
}
