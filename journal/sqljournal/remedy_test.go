package sqljournal_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/journal/sqljournal"
	"github.com/nexpay-go/resilience/retry"
)

// A state is an error of a server.
type state string

func (s state) Error() string    { return "secret" }
func (s state) SQLState() string { return string(s) }

// A scripted server fails as it is told to, and knows of nothing.
type scripted struct {
	mu             sync.Mutex    // guards all but deaf and panics: a statement may have been left alone
	connect, query []error       // for one connection, one query each; then there is no more error
	hangs          int           // so many queries get no answer before that
	deaf           chan struct{} // they do not listen to their contexts, until it is closed
	panics         bool
	connects       int
	queries        int
}

func (s *scripted) Driver() driver.Driver { return nil }

func (s *scripted) Connect(context.Context) (driver.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.connects++
	return s, next(&s.connect)
}

func (s *scripted) Prepare(string) (driver.Stmt, error) { return nil, errors.ErrUnsupported }
func (s *scripted) Close() error                        { return nil }
func (s *scripted) Begin() (driver.Tx, error)           { return nil, errors.ErrUnsupported }

func (s *scripted) QueryContext(ctx context.Context, _ string, _ []driver.NamedValue) (driver.Rows, error) {
	if s.panics {
		panic("driver")
	}
	hang, err := s.hear()
	if !hang {
		return empty{}, err
	}
	if s.deaf != nil {
		<-s.deaf
	}
	<-ctx.Done()
	return nil, ctx.Err()
}

func (s *scripted) hear() (hang bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queries++
	if s.hangs > 0 {
		s.hangs--
		return true, nil
	}
	return false, next(&s.query)
}

func next(errs *[]error) (err error) {
	if len(*errs) > 0 {
		err, *errs = (*errs)[0], (*errs)[1:]
	}
	return err
}

type empty struct{}

func (empty) Columns() []string         { return make([]string, 11) }
func (empty) Close() error              { return nil }
func (empty) Next([]driver.Value) error { return io.EOF }

// many is the same error for ever.
func many(err error) (errs []error) {
	for range 1000 {
		errs = append(errs, err)
	}
	return errs
}

// What is repeated, how often, and for how long.
func TestRemedies(t *testing.T) {
	t.Parallel()
	reset := errors.New("connection reset by peer") // of a driver's own type
	for name, tt := range map[string]struct {
		server   *scripted
		queries  int
		connects int
		took     time.Duration
		want     string
	}{
		"nothing wrong":               {&scripted{}, 1, 1, 0, ""},
		"serialization failures":      {&scripted{query: many(state("40001"))[:99]}, 100, 1, 0, ""},
		"they do not end":             {&scripted{query: many(state("40001"))}, 100, 1, 0, "SQLSTATE 40001 (serialization failure)"},
		"a deadlock":                  {&scripted{query: []error{state("40P01")}}, 2, 1, 0, ""},
		"statement_timeout":           {&scripted{query: []error{state("57014")}}, 2, 1, 50 * time.Millisecond, ""},
		"lock_timeout":                {&scripted{query: []error{state("55P03"), state("55P03")}}, 3, 1, 150 * time.Millisecond, ""},
		"a pool full of cut ones":     {&scripted{query: many(driver.ErrBadConn)[:8]}, 9, 9, 0, ""},
		"a reset":                     {&scripted{query: []error{reset}}, 2, 1, 0, ""},
		"shut down":                   {&scripted{query: []error{state("57P01")}, connect: []error{nil, state("57P03")}}, 2, 1, 0, ""}, // this driver keeps the connection
		"it starts":                   {&scripted{connect: many(state("57P03"))[:3]}, 1, 4, 350 * time.Millisecond, ""},
		"a connection exception":      {&scripted{connect: []error{state("08006")}}, 1, 2, 50 * time.Millisecond, ""},
		"too many connections":        {&scripted{connect: []error{state("53300")}}, 1, 2, 50 * time.Millisecond, ""},
		"refused":                     {&scripted{connect: []error{reset}}, 1, 2, 50 * time.Millisecond, ""},
		"refused for ever":            {&scripted{connect: many(state("08001"))}, 0, 14, 5250 * time.Millisecond, "SQLSTATE 08001 (connection exception)"},
		"a primary that is none":      {&scripted{query: many(state("25006"))[:2]}, 3, 3, 150 * time.Millisecond, ""},
		"a standby":                   {&scripted{query: many(state("25006"))}, 14, 14, 5250 * time.Millisecond, "SQLSTATE 25006 (read-only transaction: is this a standby?)"},
		"no answer on one connection": {&scripted{hangs: 1}, 2, 1, 2 * time.Second, ""},
		"no answer on any":            {&scripted{hangs: 1000}, 3, 1, 6 * time.Second, "no answer within 2s"},
		"no such table":               {&scripted{query: []error{state("42P01")}}, 1, 1, 0, "SQLSTATE 42P01 (undefined table: has Migrate or Schema been run?)"},
		"no such column":              {&scripted{query: []error{state("42703")}}, 1, 1, 0, "SQLSTATE 42703 (undefined column: has Migrate or Upgrade been run?)"},
		"a full disk":                 {&scripted{query: []error{state("53100")}}, 1, 1, 0, "SQLSTATE 53100 (disk full)"},
		"no privilege":                {&scripted{query: []error{state("42501")}}, 1, 1, 0, "SQLSTATE 42501 (insufficient privilege)"},
		"a wrong password":            {&scripted{connect: []error{state("28P01")}}, 0, 1, 0, "SQLSTATE 28P01 (invalid password)"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := tt.server
				db := sql.OpenDB(server)
				defer db.Close()
				j, began := handle(t, db, sqljournal.Config{}), time.Now()
				held, err := read(j, "p-1")
				require.Equal(t, tt.took, time.Since(began))
				require.Equal(t, [2]int{tt.queries, tt.connects}, [2]int{server.queries, server.connects}, "queries, connections")
				require.Zero(t, held)
				if tt.want == "" {
					require.NoError(t, err)
					return
				}
				require.Equal(t, "sqljournal: begin: "+tt.want, safe(t, err))
			})
		})
	}
}

// A context ends it at any time, and what went wrong is told beside.
func TestRepeatedUntilTheContextEnds(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		server *scripted
		want   string
	}{
		"refused":   {&scripted{connect: many(state("57P03"))}, "context deadline exceeded; SQLSTATE 57P03 (cannot connect now)"},
		"no answer": {&scripted{hangs: 1000}, "context deadline exceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := tt.server
				db := sql.OpenDB(server)
				defer db.Close()
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				began := time.Now()
				_, err := handle(t, db, sqljournal.Config{}).Begin(ctx, retry.Entry{ID: "p-1", Generation: retry.ReadGeneration})
				require.Equal(t, time.Second, time.Since(began))
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.Equal(t, "sqljournal: begin: "+tt.want, safe(t, err))
			})
		})
	}
}

// A driver that does not listen to contexts keeps nobody.
func TestDeafDriver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &scripted{hangs: 1, deaf: make(chan struct{})}
		db := sql.OpenDB(server)
		defer db.Close()
		defer close(server.deaf)
		j, began := handle(t, db, sqljournal.Config{}), time.Now()
		_, err := read(j, "p-1")
		require.NoError(t, err)
		require.Equal(t, 2250*time.Millisecond, time.Since(began), "on another connection")

		server.mu.Lock()
		server.hangs = 1
		server.mu.Unlock()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began = time.Now()
		_, err = j.Begin(ctx, retry.Entry{ID: "p-1", Generation: retry.ReadGeneration})
		require.Equal(t, "sqljournal: begin: context deadline exceeded", safe(t, err))
		require.Equal(t, 1250*time.Millisecond, time.Since(began))
	})
}

// A driver that panics does so where it was called: package retry contains that there.
func TestDriverThatPanics(t *testing.T) {
	t.Parallel()
	for _, dialect := range []sqljournal.Dialect{sqljournal.PostgreSQL, sqljournal.SQLite} {
		db := sql.OpenDB(&scripted{panics: true})
		defer db.Close()
		require.PanicsWithValue(t, "driver", func() { _, _ = read(handle(t, db, sqljournal.Config{Dialect: dialect}), "p-1") })
	}
}
