package sqljournal_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"net"
	"net/http/httptrace"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/internal/servertest"
	"github.com/nexpay-go/resilience/journal/sqljournal"
	"github.com/nexpay-go/resilience/retry"
)

// A primary becomes a standby, and the pool is full of connections to it: they are
// given up, and the next one leads to the new primary.
func TestConnectionsToAFormerPrimary(t *testing.T) {
	t.Parallel()
	for driver := range drivers {
		t.Run(driver, func(t *testing.T) {
			t.Parallel()
			const pool = 3
			c := sqljournal.Config{Table: newTable()}
			db := newProxy(t).open(t, driver)
			db.SetMaxOpenConns(pool)
			db.SetMaxIdleConns(pool)
			j := migrated(t, db, c)
			var conns [pool]*sql.Conn
			for i := range conns {
				var err error
				conns[i], err = db.Conn(t.Context())
				require.NoError(t, err)
				_, err = conns[i].ExecContext(t.Context(), "SET default_transaction_read_only = on")
				require.NoError(t, err)
			}
			for _, conn := range conns {
				require.NoError(t, conn.Close())
			}
			own(t, j, sample("p-1"))
			held, err := read(j, "p-1")
			require.NoError(t, err)
			require.NoError(t, j.End(t.Context(), held))
		})
	}
}

// A server that is away for longer than it takes to ask four times.
func TestServerAwayForAWhile(t *testing.T) {
	t.Parallel()
	p, c := newProxy(t), sqljournal.Config{Table: newTable()}
	j := migrated(t, p.open(t, "pgx"), c)
	paid := &tally{bank: newBank()}
	p.refuse.Store(6) // 1.25 s: a stretch of waiting that a real server takes too
	p.closeAll()
	require.NoError(t, paid.pay(t, t.Context(), newRetrier(t, j), "p-1"))
	require.Negative(t, p.refuse.Load())
	require.Equal(t, 1, paid.paid)
}

// A Begin is cancelled while the server waits for its standby: the row is there to see,
// and a failover loses it. The same Begin once more waits for the standby again.
func TestBeginSeenButNotReplicated(t *testing.T) {
	t.Parallel()
	s := servertest.NewPostgres()
	t.Cleanup(func() { require.NoError(t, s.Stop()) })
	for driver := range drivers { // one after the other: they change the server's settings
		t.Run(driver, func(t *testing.T) {
			admin, c := openServer(t, s, "synchronous_commit=local"), sqljournal.Config{Table: newTable()}
			migrated(t, admin, c)
			awaits := func(standbys string) {
				_, err := admin.Exec("ALTER SYSTEM SET synchronous_standby_names = '" + standbys + "'")
				require.NoError(t, err)
				_, err = admin.Exec("SELECT pg_reload_conf()")
				require.NoError(t, err)
			}
			db, err := sql.Open(driver, s.DSN(t))
			require.NoError(t, err)
			defer db.Close()
			j := handle(t, db, c)
			require.NoError(t, j.Check(t.Context()))
			awaits("ghost")
			awaitNoCommit(t, openServer(t, s))
			_, err = j.Begin(soon(t), sample("p-1"))
			require.Error(t, err, "no standby has it")
			awaitSeen(t, handle(t, admin, c), "p-1")
			for range 2 {
				_, err = j.Begin(soon(t), sample("p-1"))
				require.Error(t, err, "no standby has it, still")
			}
			awaits("")
			own(t, j, sample("p-1"))
		})
	}
}

// awaitNoCommit returns when the server has heard that it is to wait for a standby.
func awaitNoCommit(t *testing.T, db *sql.DB) {
	t.Helper()
	for range 1000 {
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		_, err := db.ExecContext(ctx, "CREATE TABLE "+newTable()+"()")
		cancel()
		if err != nil {
			return
		}
	}
	require.FailNow(t, "the server waits for nobody")
}

// awaitSeen returns when a driver's cancellation has reached the server.
func awaitSeen(t *testing.T, j retry.Journal, id string) {
	t.Helper()
	for range 100_000 {
		held, err := read(j, id)
		require.NoError(t, err)
		if held.Owner == "me" {
			return
		}
	}
	require.FailNow(t, "it is not there to see")
}

// A failover to a server that was behind, between two Begins of one payment: it is not
// sent again, and the text says why.
func TestPaymentThatTheDatabaseLost(t *testing.T) {
	t.Parallel()
	for _, older := range []bool{true, false} { // an older generation is held, or none
		t.Run(fmt.Sprint(older), func(t *testing.T) {
			t.Parallel()
			c := sqljournal.Config{Table: newTable(), Dialect: sqljournal.SQLite}
			db := openSQLite(t, filepath.Join(t.TempDir(), "db"))
			j := migrated(t, db, c)
			if older {
				held, err := j.Begin(t.Context(), sample("p-1"))
				require.NoError(t, err)
				held.State = retry.EntryNotApplied
				require.NoError(t, j.End(t.Context(), held))
			}
			sends := 0
			_, err := retry.DoOnce(t.Context(), newRetrier(t, j), retry.Operation[string]{
				ID: "p-1", Settle: time.Millisecond, GiveUp: time.Second,
				Send: func(ctx context.Context) (string, error) {
					sends++
					back := "DELETE FROM " + c.Table
					if older {
						back = "UPDATE " + c.Table + " SET generation = 1, state = 'not applied'"
					}
					_, err := db.Exec(back)
					require.NoError(t, err)
					httptrace.ContextClientTrace(ctx).GetConn("bank:443") // and got none
					return "", &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
				},
			})
			require.Equal(t, 1, sends)
			require.ErrorIs(t, err, retry.ErrOutcomeUnknown)
			var e *retry.Error
			require.ErrorAs(t, err, &e)
			require.ErrorIs(t, e.Doubt.Blocked, sqljournal.ErrForgets)
			require.ErrorContains(t, err, "a failover to a server that was behind")
		})
	}
}

// An End of what the database lost says so.
func TestEndOfWhatWasLost(t *testing.T) {
	t.Parallel()
	db := newSQLite(t)
	j := migrated(t, db, sqljournal.Config{Dialect: sqljournal.SQLite})
	held, err := j.Begin(t.Context(), sample("p-1"))
	require.NoError(t, err)
	_, err = db.Exec("DELETE FROM payment_journal")
	require.NoError(t, err)
	held.State = retry.EntryApplied
	err = j.End(t.Context(), held)
	require.ErrorIs(t, err, retry.ErrBusy)
	require.Equal(t, "sqljournal: end: generation 1 of the operation was acknowledged, but the journal has generation 0: it has lost the later one", safe(t, err))
}

// A lost connection may be followed by one to another server, which has to be durable
// too.
func TestCheckedAfterALostConnection(t *testing.T) {
	t.Parallel()
	s := servertest.NewPostgres()
	t.Cleanup(func() { require.NoError(t, s.Stop()) })
	admin, c := openServer(t, s), sqljournal.Config{Table: newTable(), MustKeep: true}
	j := migrated(t, openServer(t, s, "application_name="+t.Name()), c)
	own(t, j, sample("p-1"))
	_, err := admin.Exec("ALTER SYSTEM SET synchronous_commit = off")
	require.NoError(t, err)
	_, err = admin.Exec("SELECT pg_reload_conf()")
	require.NoError(t, err)
	_, err = admin.Exec("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = $1", t.Name())
	require.NoError(t, err)
	_, err = read(j, "p-1")
	require.NoError(t, err)
	_, err = j.Begin(t.Context(), sample("p-2"))
	require.ErrorIs(t, err, sqljournal.ErrForgets)
	require.ErrorContains(t, err, "synchronous_commit is off")
}

// twice is a driver that executes each statement twice, and reports the second result.
type twice struct{ driver.Connector }

func (d twice) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := d.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return doubling{conn.(*stdlib.Conn)}, nil
}

type doubling struct{ *stdlib.Conn }

func (c doubling) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if _, err := c.Conn.ExecContext(ctx, query, args); err != nil {
		return nil, err
	}
	return c.Conn.ExecContext(ctx, query, args)
}

func openTwice(t *testing.T) *sql.DB {
	t.Helper()
	connector, err := stdlib.GetDefaultDriver().(driver.DriverContext).OpenConnector(postgres.DSN(t))
	require.NoError(t, err)
	db := sql.OpenDB(twice{connector})
	db.SetMaxIdleConns(8)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}
