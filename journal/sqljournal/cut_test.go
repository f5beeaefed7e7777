package sqljournal_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/journal/sqljournal"
	"github.com/nexpay-go/resilience/retry"
)

// cuttable are the calls of a journal, each with a word of the statement that is cut.
var cuttable = []struct {
	name, word string
	call       func(t *testing.T, j *sqljournal.Journal, held retry.Entry) // held is p-1, open
}{
	{"the first Begin", "INSERT INTO", func(t *testing.T, j *sqljournal.Journal, _ retry.Entry) { own(t, j, sample("p-2")) }},
	{"the next Begin", "SET key_name", func(t *testing.T, j *sqljournal.Journal, held retry.Entry) {
		held.Owner = "second"
		own(t, j, held)
	}},
	{"reading", "WHERE id = ", func(t *testing.T, j *sqljournal.Journal, held retry.Entry) {
		got, err := read(j, "p-1")
		require.NoError(t, err)
		require.Equal(t, held, got)
	}},
	{"End", "SET state", func(t *testing.T, j *sqljournal.Journal, held retry.Entry) {
		held.State, held.TraceIDs = retry.EntryApplied, []string{"t-1"}
		require.NoError(t, j.End(t.Context(), held))
		got, err := read(j, "p-1")
		require.NoError(t, err)
		require.Equal(t, held, got)
	}},
	{"Pending", "WHERE state = 'open'", func(t *testing.T, j *sqljournal.Journal, held retry.Entry) {
		n := 0
		for e, err := range j.Pending(t.Context()) {
			require.NoError(t, err)
			require.Equal(t, held, e)
			n++
		}
		require.Equal(t, 1, n)
	}},
	{"Check", "pg_is_in_recovery", func(t *testing.T, j *sqljournal.Journal, _ retry.Entry) {
		require.ErrorIs(t, j.Check(t.Context()), sqljournal.ErrForgets, "fsync is off here, and that is all")
	}},
	{"Migrate", "CREATE TABLE", func(t *testing.T, j *sqljournal.Journal, _ retry.Entry) {
		require.NoError(t, j.Migrate(t.Context()))
	}},
}

// Wherever a connection is cut: the call does what it does on another one, once, and
// its caller hears nothing of it.
func TestCutAtEachPoint(t *testing.T) {
	t.Parallel()
	for driver := range drivers {
		for _, call := range cuttable {
			for _, at := range points {
				t.Run(fmt.Sprint(driver, "/", call.name, "/", at), func(t *testing.T) {
					t.Parallel()
					p, c := newProxy(t), sqljournal.Config{Table: newTable()}
					j := migrated(t, p.open(t, driver), c)
					held, err := j.Begin(t.Context(), sample("p-1"))
					require.NoError(t, err)
					held, err = read(j, held.ID)
					require.NoError(t, err)
					p.armed.Store(&cut{word: call.word, at: at})
					call.call(t, j, held)
					require.Nil(t, p.armed.Load(), "it was cut")
				})
			}
		}
	}
}
