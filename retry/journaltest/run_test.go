package journaltest_test

import (
	"errors"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/retry"
	"github.com/nexpay-go/resilience/retry/journaltest"
)

// memory is a store whose memory outlives its handles, so that no rule is left out.
func memory() journaltest.Store {
	j := new(retry.MemoryJournal)
	again := func() (retry.Journal, error) { return j, nil }
	return journaltest.Store{Journal: j, Beside: again, Reopen: again}
}

func TestMemoryJournal(t *testing.T) {
	t.Parallel()
	journaltest.Run(t, func(*testing.T) journaltest.Store { return memory() })
}

// What a store does not have is not asked of it.
func TestJournalAlone(t *testing.T) {
	t.Parallel()
	require.NoError(t, journaltest.TestJournal(func() (journaltest.Store, error) {
		return journaltest.Store{Journal: struct{ retry.Journal }{new(retry.MemoryJournal)}}, nil
	}))
}

func TestStoreFails(t *testing.T) {
	t.Parallel()
	broken := errors.New("disk on fire")
	fail := func() (retry.Journal, error) { return nil, broken }
	require.ErrorIs(t, journaltest.TestJournal(func() (journaltest.Store, error) { return journaltest.Store{}, broken }), broken)
	for name, change := range map[string]func(*journaltest.Store){
		"Beside": func(s *journaltest.Store) { s.Beside = fail },
		"Reopen": func(s *journaltest.Store) { s.Reopen = fail },
		"Close":  func(s *journaltest.Store) { s.Close = func() error { return broken } },
	} {
		err := journaltest.TestJournal(func() (journaltest.Store, error) {
			s := memory()
			change(&s)
			return s, nil
		})
		require.ErrorIs(t, err, broken)
		require.ErrorContains(t, err, name+": disk on fire")
	}
}

// A journal that hangs or panics spoils its own rule alone.
func TestJournalHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		closed := 0
		err := journaltest.TestJournal(func() (journaltest.Store, error) {
			closed--
			return journaltest.Store{Journal: newSketch(locksPending), Close: func() error { closed++; return nil }}, nil
		})
		require.ErrorContains(t, err, "Begin and End while ranging over Pending: it hangs: no return within 30s")
		require.Zero(t, closed, "every store is closed")
	})
	err := journaltest.TestJournal(func() (journaltest.Store, error) { return journaltest.Store{Journal: newSketch(panics)}, nil })
	require.ErrorContains(t, err, "Begin stores: it panics: no such thing")
	require.NotContains(t, err.Error(), "End of what is not held")
}
