package boltjournal_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/retry"
)

// A single caller pays for one commit per call that changes something, and for
// none otherwise.
func TestOneCallerCommitsAtOnce(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	require.NoError(t, open(t, path).Close())
	before := transactions(t, path)
	j := open(t, path) // one: it makes sure of its buckets
	for i := range 10 {
		e := begin(t, j, fmt.Sprint("p-", i))
		begin(t, j, e.ID) // loses
		_, err := read(j, e.ID)
		require.NoError(t, err)
		e.State = retry.EntryApplied
		require.NoError(t, j.End(t.Context(), e))
		require.NoError(t, j.End(t.Context(), e)) // is done
		e.Generation++
		require.ErrorIs(t, j.End(t.Context(), e), retry.ErrBusy)
	}
	require.NoError(t, j.Close())
	require.Equal(t, before+1+20, transactions(t, path))
}

// Many callers at once pay together.
func TestManyCallersShareCommits(t *testing.T) {
	t.Parallel()
	const callers, calls = 64, 10
	path := newPath(t)
	j := open(t, path)
	var done sync.WaitGroup
	for i := range callers {
		done.Go(func() {
			for n := range calls {
				id := fmt.Sprintf("p-%d-%d", i, n)
				held, err := j.Begin(context.Background(), sample(id))
				if err != nil || held.Generation != 1 {
					t.Errorf("%s: %+v, %v", id, held, err)
				}
			}
		})
	}
	done.Wait()
	require.NoError(t, j.Close())
	require.Less(t, transactions(t, path), callers*calls/5)
}

// leaving calls call n times at once, and half of the contexts end meanwhile. It
// returns whose call came to its end.
func leaving(t *testing.T, n int, call func(ctx context.Context, i int) error) []bool {
	t.Helper()
	acknowledged := make([]bool, n)
	var done sync.WaitGroup
	for i := range n {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		done.Go(func() {
			err := call(ctx, i)
			if acknowledged[i] = err == nil; err != nil && !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
		if rand.IntN(2) == 0 {
			done.Go(cancel)
		}
	}
	done.Wait()
	return acknowledged
}

// Whoever goes away before the disk answers leaves all others alone, and either a
// whole entry or none.
func TestBeginAndGoAway(t *testing.T) {
	t.Parallel()
	const callers = 300
	j := open(t, newPath(t))
	acknowledged := leaving(t, callers, func(ctx context.Context, i int) error {
		_, err := j.Begin(ctx, sample(fmt.Sprint("p-", i)))
		return err
	})
	for i, ok := range acknowledged {
		held, err := read(j, fmt.Sprint("p-", i))
		require.NoError(t, err)
		want := sample(fmt.Sprint("p-", i))
		if want.Generation = 1; ok || held.Generation != 0 {
			require.Equal(t, want, held)
		}
	}
}

// endsAtOnce is a context that ends between being asked for the first time and
// being waited for.
type endsAtOnce struct {
	context.Context // one that has ended
	asked           atomic.Bool
}

func (c *endsAtOnce) Err() error {
	if c.asked.CompareAndSwap(false, true) {
		return nil
	}
	return c.Context.Err()
}

// An entry that was not stored when its caller went away, and the disk was idle
// again, is not stored with the next one.
func TestNothingIsLeftBehind(t *testing.T) {
	t.Parallel()
	j := open(t, newPath(t))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for i := range 60 { // most of them come while the disk is busy
		var done sync.WaitGroup
		done.Go(func() { begin(t, j, fmt.Sprint("stays-", i)) })
		runtime.Gosched()
		done.Go(func() { _, _ = j.Begin(&endsAtOnce{Context: ended}, sample(fmt.Sprint("goes-", i))) })
		done.Wait()
		before, err := read(j, fmt.Sprint("goes-", i))
		require.NoError(t, err)
		begin(t, j, fmt.Sprint("next-", i))
		after, err := read(j, fmt.Sprint("goes-", i))
		require.NoError(t, err)
		require.Equal(t, before, after)
	}
}

// What went to End is the caller's again when End returns, however it does.
func TestEndAndGoAway(t *testing.T) {
	t.Parallel()
	const callers = 300
	j := open(t, newPath(t))
	leaving(t, callers, func(_ context.Context, i int) error {
		_, err := j.Begin(context.Background(), sample(fmt.Sprint("p-", i)))
		return err
	})
	acknowledged := leaving(t, callers, func(ctx context.Context, i int) error {
		e := sample(fmt.Sprint("p-", i))
		e.Generation, e.State, e.TraceIDs = 1, retry.EntryApplied, []string{"t-1"}
		err := j.End(ctx, e)
		e.TraceIDs[0] = "spoiled"
		return err
	})
	for i, ok := range acknowledged {
		held, err := read(j, fmt.Sprint("p-", i))
		require.NoError(t, err)
		if ok || held.State == retry.EntryApplied {
			require.Equal(t, retry.EntryApplied, held.State)
			require.Equal(t, []string{"t-1"}, held.TraceIDs)
		}
	}
}

// Close waits for the disk, and refuses who comes later.
func TestCloseWhileBusy(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	j := open(t, path)
	acknowledged := make([]bool, 50)
	var done sync.WaitGroup
	for i := range acknowledged {
		done.Go(func() {
			_, err := j.Begin(context.Background(), sample(fmt.Sprint("p-", i)))
			acknowledged[i] = err == nil
		})
	}
	require.NoError(t, j.Close())
	done.Wait()
	j = open(t, path)
	for i, ok := range acknowledged {
		held, err := read(j, fmt.Sprint("p-", i))
		require.NoError(t, err)
		require.Equal(t, ok, held.Generation == 1)
	}
}

// Compare 1 with 64: the same disk, the same run.
func BenchmarkBegin(b *testing.B) {
	for _, callers := range []int{1, 64} {
		b.Run(fmt.Sprint("callers=", callers), func(b *testing.B) {
			j := open(b, newPath(b))
			var done sync.WaitGroup
			b.ResetTimer()
			for caller := range callers {
				done.Go(func() {
					for n := caller; n < b.N; n += callers {
						if _, err := j.Begin(context.Background(), sample(fmt.Sprint("p-", n))); err != nil {
							b.Error(err)
						}
					}
				})
			}
			done.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "begins/s")
		})
	}
}
