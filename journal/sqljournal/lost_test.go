package sqljournal_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/journal/sqljournal"
	"github.com/nexpay-go/resilience/retry"
)

// own wants a Begin that is repeated to find what the first one stored, or to store it.
func own(t *testing.T, j retry.Journal, e retry.Entry) {
	t.Helper()
	held, err := j.Begin(t.Context(), e)
	require.NoError(t, err)
	e.Generation++
	e.TraceIDs = held.TraceIDs
	require.Equal(t, e, held)
	again, err := read(j, e.ID)
	require.NoError(t, err)
	require.Equal(t, held, again)
}

// The answer to a Begin that the database committed is lost.
func TestAnswerLost(t *testing.T) {
	t.Parallel()
	for word, first := range map[string]bool{"INSERT INTO": true, "UPDATE": false} {
		t.Run(word, func(t *testing.T) {
			t.Parallel()
			admin, c := openPostgres(t), sqljournal.Config{Table: newTable()}
			direct := migrated(t, admin, c)
			e := sample("p-1")
			if !first {
				held, err := direct.Begin(t.Context(), e)
				require.NoError(t, err)
				held.State = retry.EntryNotApplied
				require.NoError(t, direct.End(t.Context(), held))
				e.Generation, e.Owner = 1, "second"
			}
			p := newProxy(t)
			j := handle(t, p.open(t, "pgx"), c)
			p.armed.Store(&cut{word: word, at: answered})
			own(t, j, e)
			require.Nil(t, p.armed.Load())
			held, err := read(direct, "p-1")
			require.NoError(t, err)
			require.Equal(t, e.Generation+1, held.Generation, "it was committed once")
			require.Equal(t, e.Owner, held.Owner)
		})
	}
}

// A Begin is cancelled while it waits in the server, and the same one tried again.
func TestBeginCancelledInTheServer(t *testing.T) {
	t.Parallel()
	admin, c := openPostgres(t), sqljournal.Config{Table: newTable()}
	j := migrated(t, openPostgres(t, "application_name="+t.Name()), c)
	free := locked(t, admin, c.Table)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	failed := make(chan error, 1)
	go func() {
		_, err := j.Begin(ctx, sample("p-1"))
		failed <- err
	}()
	awaitWaiting(t, admin, 1)
	cancel()
	require.ErrorIs(t, <-failed, context.Canceled, "it does not wait for the lock")
	held, err := read(j, "p-1")
	require.NoError(t, err, "reading goes on")
	require.Zero(t, held)
	free()
	own(t, j, sample("p-1"))
}

// The connection breaks, and the server does not notice: the statement goes on there,
// while the same Begin is tried again.
func TestBeginGoesOnInTheServer(t *testing.T) {
	t.Parallel()
	admin, c := openPostgres(t), sqljournal.Config{Table: newTable()}
	direct := migrated(t, openPostgres(t, "application_name="+t.Name()), c)
	p := newProxy(t)
	j := handle(t, p.open(t, "pgx"), c)
	free := locked(t, admin, c.Table)
	p.armed.Store(&cut{word: "INSERT INTO", at: forwarded})
	left, leave := context.WithCancel(t.Context())
	gone := make(chan error, 1)
	go func() {
		_, err := j.Begin(left, sample("p-1"))
		gone <- err
	}()
	require.Eventually(t, func() bool { return p.armed.Load() == nil }, time.Minute, time.Millisecond)
	leave()
	require.ErrorIs(t, <-gone, context.Canceled)

	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := j.Begin(short, sample("p-1"))
	require.ErrorIs(t, err, context.DeadlineExceeded, "it waits no longer than its context")
	again := make(chan error, 1)
	go func() {
		_, err := direct.Begin(context.Background(), sample("p-1"))
		again <- err
	}()
	awaitWaiting(t, admin, 1)
	free()
	require.NoError(t, <-again)
	own(t, j, sample("p-1"))
}

// Somebody else's row, not committed yet, is waited for no longer than the context.
func TestBeginBehindAnother(t *testing.T) {
	t.Parallel()
	admin, c := openPostgres(t), sqljournal.Config{Table: newTable()}
	j := migrated(t, openPostgres(t, "application_name="+t.Name()), c)
	tx, err := admin.BeginTx(context.Background(), nil)
	require.NoError(t, err)
	defer tx.Rollback()
	_, err = tx.Exec("INSERT INTO " + c.Table + ` (id, key_name, fingerprint, owner, nonce, state, generation, begun_at, trace_ids)
		VALUES ('p-1', '', '', 'other', 1, 'open', 1, '2026-03-04T05:06:07.000000008Z', '[]')`)
	require.NoError(t, err)
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = j.Begin(short, sample("p-1"))
	require.ErrorIs(t, err, context.DeadlineExceeded)

	answer := make(chan retry.Entry, 1)
	go func() {
		held, _ := j.Begin(context.Background(), sample("p-1"))
		answer <- held
	}()
	awaitWaiting(t, admin, 1)
	require.NoError(t, tx.Commit())
	require.Equal(t, "other", (<-answer).Owner)
}

// A statement that is cancelled in the server, by statement_timeout or a person, is
// executed again: whoever held the lock may be through by then.
func TestStatementCancelledInTheServer(t *testing.T) {
	t.Parallel()
	admin, c := openPostgres(t), sqljournal.Config{Table: newTable()}
	j := migrated(t, openPostgres(t, "application_name="+t.Name()), c)
	free := locked(t, admin, c.Table)
	began := make(chan error, 1)
	go func() {
		_, err := j.Begin(context.Background(), sample("p-1"))
		began <- err
	}()
	awaitWaiting(t, admin, 1)
	_, err := admin.Exec("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = $1", t.Name())
	require.NoError(t, err)
	free()
	require.NoError(t, <-began)
	own(t, j, sample("p-1"))
}
