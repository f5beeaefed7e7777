package sqlboard_test

import (
	"database/sql"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/internal/servertest"
)

// postgres does not wait for the disk.
var postgres = servertest.NewPostgres("-c", "fsync=off")

func openPostgres(t testing.TB, more ...string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", postgres.DSN(t, more...))
	require.NoError(t, err)
	db.SetMaxIdleConns(8) // each connection is a process of the server
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}
