package sqljournal_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/journal/sqljournal"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// A bank counts how often each payment was made.
type bank struct {
	mu      sync.Mutex // guards applied
	applied map[string]int
}

func newBank() *bank { return &bank{applied: map[string]int{}} }

func (b *bank) apply(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.applied[id]++
}

func (b *bank) count(id string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.applied[id]
}

func (b *bank) find(id string) (string, retry.Outcome, error) {
	if b.count(id) > 0 {
		return "found", retry.Applied, nil
	}
	return "", retry.Absent, nil
}

// A tally counts what came of payments, and holds each answer against the bank.
type tally struct {
	*bank
	mu             sync.Mutex // guards what follows
	paid, other    int
	unknown, never int // unknown, and of those never sent
}

func newRetrier(t *testing.T, j retry.Journal) *retry.Retrier {
	t.Helper()
	policies, err := policy.Nexpay().With(policy.Table{
		AttemptTimeout: 200 * time.Millisecond,
		Default:        policy.Policy{Backoff: policy.Backoff{Initial: 10 * time.Millisecond, Max: 50 * time.Millisecond}},
	})
	require.NoError(t, err)
	r, err := retry.New(retry.Config{Journal: j, Policies: policies, Budget: retry.NoBudget()})
	require.NoError(t, err)
	return r
}

// pay makes a payment that takes up to 5 ms.
func (c *tally) pay(t *testing.T, ctx context.Context, r *retry.Retrier, id string) error {
	var sends atomic.Int64
	_, err := retry.DoOnce(ctx, r, retry.Operation[string]{
		ID: id, Fingerprint: "f " + id, Settle: 100 * time.Millisecond, GiveUp: 30 * time.Second,
		Send: func(ctx context.Context) (string, error) {
			sends.Add(1)
			if trace := httptrace.ContextClientTrace(ctx); trace != nil && trace.GotConn != nil {
				trace.GotConn(httptrace.GotConnInfo{}) // as net/http does
			}
			time.Sleep(time.Duration(rand.IntN(5)) * time.Millisecond) // it meets a real server's time
			c.apply(id)
			return "ok", nil
		},
		Verify: func(context.Context) (string, retry.Outcome, error) { return c.find(id) },
	})
	c.take(t, id, sends.Load(), err)
	return err
}

func (c *tally) take(t *testing.T, id string, sends int64, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	applied := c.count(id)
	if applied > 1 || err == nil && applied != 1 {
		t.Errorf("%s: %v, applied %d times", id, err, applied)
	}
	switch {
	case err == nil:
		c.paid++
	case errors.Is(err, retry.ErrOutcomeUnknown):
		c.unknown++
		if sends == 0 {
			c.never++
		}
	default:
		c.other++
		if applied != 0 && !errors.Is(err, retry.ErrApplied) {
			t.Errorf("%s: %v, applied %d times", id, err, applied)
		}
	}
}

// Nothing was sent, and the Begin is this call's own, as its Owner shows: no doubt.
func TestPaymentWhoseBeginLostItsAnswer(t *testing.T) {
	t.Parallel()
	for word, before := range map[string]bool{"INSERT INTO": false, "UPDATE": true} {
		t.Run(word, func(t *testing.T) {
			t.Parallel()
			c := sqljournal.Config{Table: newTable()}
			direct := migrated(t, openPostgres(t), c)
			if before { // it was tried, and did not happen
				e, err := direct.Begin(t.Context(), retry.Entry{ID: "p-1", Fingerprint: "f p-1", Owner: "before", State: retry.EntryOpen, At: time.Now()})
				require.NoError(t, err)
				e.State = retry.EntryNotApplied
				require.NoError(t, direct.End(t.Context(), e))
			}
			p := newProxy(t)
			r := newRetrier(t, handle(t, p.open(t, "pgx"), c))
			paid := &tally{bank: newBank()}
			p.armed.Store(&cut{word: word, at: answered})
			require.NoError(t, paid.pay(t, t.Context(), r, "p-1"))
			require.Nil(t, p.armed.Load(), "the answer was lost")
			require.Equal(t, 1, paid.count("p-1"))
		})
	}
}

// A database whose connections were cut once, as at a restart, is there again: a
// payment that was never sent is not left to a person for that.
func TestPaymentsWhoseConnectionsWereCut(t *testing.T) {
	t.Parallel()
	const callers, rounds = 16, 3
	admin, c := openPostgres(t), sqljournal.Config{Table: newTable()}
	db := openPostgres(t, "application_name="+t.Name())
	db.SetMaxIdleConns(callers)
	r := newRetrier(t, migrated(t, db, c))
	warm, cold := &tally{bank: newBank()}, &tally{bank: newBank()}
	round := func(c *tally, name string) {
		var done sync.WaitGroup
		for i := range callers {
			done.Go(func() { _ = c.pay(t, t.Context(), r, fmt.Sprint(name, i)) })
		}
		done.Wait()
	}
	for i := range rounds {
		round(warm, fmt.Sprintf("warm %d ", i))
		_, err := admin.Exec(`SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = $1`, t.Name())
		require.NoError(t, err)
		round(cold, fmt.Sprintf("cold %d ", i))
	}
	require.Equal(t, rounds*callers, warm.paid)
	require.Zero(t, cold.unknown)
	require.Equal(t, rounds*callers, cold.paid)
}

// A cancellation while Begin is under way: nothing was sent, and the journal can be
// asked again soon.
func TestPaymentCancelledDuringBegin(t *testing.T) {
	t.Parallel()
	admin, c := openPostgres(t), sqljournal.Config{Table: newTable()}
	j := migrated(t, openPostgres(t, "application_name="+t.Name()), c)
	free := locked(t, admin, c.Table)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	paid := &tally{bank: newBank()}
	failed := make(chan error, 1)
	go func() { failed <- paid.pay(t, ctx, newRetrier(t, j), "p-1") }()
	awaitWaiting(t, admin, 1)
	cancel()
	free()
	err := <-failed
	require.Zero(t, paid.count("p-1"))
	require.Zero(t, paid.unknown, "%v", err)
	require.ErrorIs(t, err, context.Canceled)
	require.NoError(t, paid.pay(t, t.Context(), newRetrier(t, j), "p-1"), "the next call")
	require.Equal(t, 1, paid.count("p-1"))
}
