package sqljournal_test

import (
	"database/sql"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "github.com/lib/pq"              // the driver "postgres"
	"github.com/stretchr/testify/require"
)

// postgres is a real server for these tests, started by the first that needs it. It
// does not wait for the disk.
var postgres = server{args: []string{"-c", "fsync=off"}}

type server struct {
	args    []string
	standby bool // of a primary that there is not

	once   sync.Once
	err    error // why it did not start
	folder string
	stdin  io.Closer // the server stops when it is closed, which the end of this process does too
	cmd    *exec.Cmd
}

// freshIn is where the data of new servers are copied from, "" if there was none yet.
var freshIn string

// errNoServer is no fault: the tests against PostgreSQL are skipped.
var errNoServer = errors.New("no server of PostgreSQL here")

// dsn starts the server if need be, and skips the test where there is none.
func (s *server) dsn(t testing.TB, more ...string) string {
	t.Helper()
	s.once.Do(func() { s.err = s.start() })
	if errors.Is(s.err, errNoServer) {
		t.Skip(s.err)
	}
	require.NoError(t, s.err)
	return "host=" + s.folder + " user=journal dbname=postgres sslmode=disable " + strings.Join(more, " ")
}

func openPostgres(t testing.TB, more ...string) *sql.DB {
	t.Helper()
	return openServer(t, &postgres, more...)
}

func openServer(t testing.TB, s *server, more ...string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", s.dsn(t, more...))
	require.NoError(t, err)
	db.SetMaxIdleConns(8) // each connection is a process of the server
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func (s *server) stop() error {
	if s.folder == "" {
		return nil
	}
	if s.stdin != nil {
		_ = s.stdin.Close()
		_ = s.cmd.Wait() // its status is that of a server that was killed
	}
	return os.RemoveAll(s.folder)
}
