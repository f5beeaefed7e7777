package boltjournal_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
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

// Whoever goes away before the disk answers leaves all others alone, and either a
// whole entry or none.
func TestCallersWhoGoAway(t *testing.T) {
	t.Parallel()
	j := open(t, newPath(t))
	acknowledged := make([]bool, 300)
	var done sync.WaitGroup
	for i := range acknowledged {
		ctx, cancel := context.WithCancel(t.Context())
		done.Go(func() {
			held, err := j.Begin(ctx, sample(fmt.Sprint("p-", i)))
			acknowledged[i] = err == nil
			if err != nil && (!errors.Is(err, context.Canceled) || held.ID != "") {
				t.Errorf("%+v, %v", held, err)
			}
		})
		if rand.IntN(2) == 0 {
			done.Go(cancel)
		}
		defer cancel()
	}
	done.Wait()
	for i, ok := range acknowledged {
		held, err := read(j, fmt.Sprint("p-", i))
		require.NoError(t, err)
		want := sample(fmt.Sprint("p-", i))
		if want.Generation = 1; ok || held.Generation != 0 {
			require.Equal(t, want, held)
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
