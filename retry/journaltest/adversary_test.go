package journaltest_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/retry"
	"github.com/nexpay-go/resilience/retry/journaltest"
)

func entry(id string) retry.Entry {
	return retry.Entry{ID: id, Owner: "me", State: retry.EntryOpen, At: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)}
}

// held reads past the adversary.
func held(t *testing.T, j retry.Journal, id string) retry.Entry {
	t.Helper()
	e, err := j.Begin(context.Background(), retry.Entry{ID: id, Generation: retry.ReadGeneration})
	require.NoError(t, err)
	return e
}

// Left alone, an adversary is a journal.
func TestAdversaryAtRest(t *testing.T) {
	t.Parallel()
	journaltest.Run(t, func(*testing.T) journaltest.Store {
		store := memory()
		store.Journal = &journaltest.Adversary{Journal: store.Journal}
		return store
	})
}

func TestFaults(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		fault  journaltest.Fault
		err    error
		took   time.Duration
		stored bool
	}{
		{fault: journaltest.NoFault, stored: true},
		{fault: journaltest.Slow, took: time.Second, stored: true},
		{fault: journaltest.SlowAnswer, took: time.Second, stored: true},
		{fault: journaltest.FailBefore, err: journaltest.ErrFault},
		{fault: journaltest.FailAfter, err: journaltest.ErrFault, stored: true},
		{fault: journaltest.FailInFlight, err: journaltest.ErrFault},
		{fault: journaltest.Cancel, err: context.Canceled},
	} {
		t.Run(row.fault.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				inner := new(retry.MemoryJournal)
				a := &journaltest.Adversary{Journal: inner, Plan: journaltest.Script(row.fault, row.fault)}
				began := time.Now()
				e, err := a.Begin(t.Context(), entry("p-1"))
				require.ErrorIs(t, err, row.err)
				require.Equal(t, row.took, time.Since(began))
				require.Equal(t, row.stored, held(t, inner, "p-1").Generation == 1)
				require.Equal(t, err == nil, e.Generation == 1, "an error comes with the zero Entry")

				open := entry("p-2")
				_, err = inner.Begin(t.Context(), open)
				require.NoError(t, err)
				open.Generation, open.State = 1, retry.EntryApplied
				require.ErrorIs(t, a.End(t.Context(), open), row.err)
				require.Equal(t, row.stored, held(t, inner, "p-2").State == retry.EntryApplied)
			})
		})
	}
}

func TestSlowUntilTheContextEnds(t *testing.T) {
	t.Parallel()
	for fault, stored := range map[journaltest.Fault]bool{journaltest.Slow: false, journaltest.SlowAnswer: true} {
		synctest.Test(t, func(t *testing.T) {
			inner := new(retry.MemoryJournal)
			a := &journaltest.Adversary{Journal: inner, Plan: journaltest.Script(fault), Delay: time.Minute}
			ctx, cancel := context.WithTimeout(t.Context(), 59*time.Second)
			defer cancel()
			_, err := a.Begin(ctx, entry("p-1"))
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.Equal(t, stored, held(t, inner, "p-1").Generation == 1)
		})
	}
}

// A write in flight comes to rest after its caller was told that it failed, and
// after the caller looked.
func TestInFlight(t *testing.T) {
	t.Parallel()
	for first, want := range map[int]int{1: 3, 2: 5, 3: 4} { // the first call is that late, and comes before that call
		inner := new(retry.MemoryJournal)
		script := make([]journaltest.Fault, first)
		script[first-1] = journaltest.FailInFlight
		a := &journaltest.Adversary{Journal: inner, Plan: journaltest.Script(script...)}
		for range first - 1 {
			held(t, a, "other")
		}
		e := entry("p-1")
		e.TraceIDs = []string{"t-1"}
		_, err := a.Begin(t.Context(), e)
		require.ErrorIs(t, err, journaltest.ErrFault)
		e.TraceIDs[0] = "spoiled"
		for call := first + 1; call < want; call++ {
			require.Zero(t, held(t, a, "p-1"), "call %d", call)
		}
		require.Equal(t, []string{"t-1"}, held(t, a, "p-1").TraceIDs, "it comes before call %d", want)
	}
}

func TestCrashAndLand(t *testing.T) {
	t.Parallel()
	inner := new(retry.MemoryJournal)
	a := &journaltest.Adversary{Journal: inner, Plan: journaltest.Script(journaltest.FailInFlight, journaltest.FailInFlight)}
	ctx, cancel := context.WithCancel(t.Context())
	_, err := a.Begin(ctx, entry("lost"))
	require.ErrorIs(t, err, journaltest.ErrFault)
	a.Crash()
	a.Land()
	require.Zero(t, held(t, inner, "lost"))
	_, err = a.Begin(ctx, entry("landed"))
	require.ErrorIs(t, err, journaltest.ErrFault)
	cancel() // its caller is gone
	a.Land()
	require.Equal(t, int64(1), held(t, inner, "landed").Generation)
}

// A write that lands late meets the same compare-and-swap as any other.
func TestInFlightTooLate(t *testing.T) {
	t.Parallel()
	inner := new(retry.MemoryJournal)
	a := &journaltest.Adversary{Journal: inner, Plan: journaltest.Script(journaltest.FailInFlight)}
	_, err := a.Begin(t.Context(), entry("p-1"))
	require.ErrorIs(t, err, journaltest.ErrFault)
	other := entry("p-1")
	other.Owner = "other"
	_, err = inner.Begin(t.Context(), other)
	require.NoError(t, err)
	a.Land()
	require.Equal(t, "other", held(t, inner, "p-1").Owner)
}

func TestPendingFaults(t *testing.T) {
	t.Parallel()
	inner := new(retry.MemoryJournal)
	_, err := inner.Begin(t.Context(), entry("p-1"))
	require.NoError(t, err)
	a := &journaltest.Adversary{Journal: inner, Plan: journaltest.Script(journaltest.FailBefore, journaltest.Cancel)}
	for _, want := range []error{journaltest.ErrFault, context.Canceled, nil} {
		n := 0
		for e, err := range a.Pending(t.Context()) {
			require.ErrorIs(t, err, want)
			require.Equal(t, want == nil, e.ID == "p-1")
			n++
		}
		require.Equal(t, 1, n)
	}
	for _, err := range (&journaltest.Adversary{Journal: struct{ retry.Journal }{inner}}).Pending(t.Context()) {
		require.ErrorIs(t, err, errors.ErrUnsupported)
	}
}

func TestSeeded(t *testing.T) {
	t.Parallel()
	draw := func(seed uint64, share float64, faults ...journaltest.Fault) (drawn [1000]journaltest.Fault) {
		plan := journaltest.Seeded(seed, share, faults...)
		for i := range drawn {
			drawn[i] = plan(journaltest.Call{Number: i + 1})
		}
		return drawn
	}
	require.Equal(t, draw(1, 0.5), draw(1, 0.5))
	require.NotEqual(t, draw(1, 0.5), draw(2, 0.5))
	count := map[journaltest.Fault]int{}
	for _, f := range draw(1, 0.3) {
		count[f]++
	}
	require.Len(t, count, 7, "every fault is drawn")
	require.InDelta(t, 700, count[journaltest.NoFault], 50)
	require.NotContains(t, draw(1, 1), journaltest.NoFault)
	require.Equal(t, [1000]journaltest.Fault{}, draw(1, 0, journaltest.Slow))
	require.NotContains(t, draw(1, 0.5, journaltest.FailAfter), journaltest.Slow)
}

// The plan is told what it decides about.
func TestCalls(t *testing.T) {
	t.Parallel()
	var calls []journaltest.Call
	a := &journaltest.Adversary{Journal: new(retry.MemoryJournal), Plan: func(c journaltest.Call) journaltest.Fault {
		calls = append(calls, c)
		return journaltest.NoFault
	}}
	e, err := a.Begin(t.Context(), entry("p-1"))
	require.NoError(t, err)
	require.NoError(t, a.End(t.Context(), e))
	for range a.Pending(t.Context()) {
		continue
	}
	require.Equal(t, []journaltest.Call{{1, "Begin", entry("p-1")}, {2, "End", e}, {3, "Pending", retry.Entry{}}}, calls)
}

func TestFaultString(t *testing.T) {
	t.Parallel()
	require.Equal(t, "FailInFlight", fmt.Sprint(journaltest.FailInFlight))
	require.Equal(t, "Fault(99)", fmt.Sprint(journaltest.Fault(99)))
}
