package retry_test

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/retry"
)

// crashed is a journal with n operations that a crash left open.
func crashed(t testing.TB, n int) *retry.MemoryJournal {
	t.Helper()
	journal := new(retry.MemoryJournal)
	for i := range n {
		_, err := journal.Begin(context.Background(), retry.Entry{
			ID: fmt.Sprint("inv-", i), Key: "lane", Owner: fmt.Sprint(i), State: retry.EntryOpen, At: time.Now(), Takes: 10 * time.Second,
		})
		require.NoError(t, err)
	}
	return journal
}

// However many operations did not happen: they wait together, and a bounded number
// of them looks and sends.
func TestRecoverManyTakesAsLongAsOne(t *testing.T) {
	const many = 2_000
	t.Run("no turns", func(t *testing.T) {
		recoverMany(t, many, func(t testing.TB) retry.Config { return retry.Config{Key: "lane"} })
	})
	t.Run("one lane", func(t *testing.T) {
		recoverMany(t, many, func(t testing.TB) retry.Config { return retry.Config{Nonces: newLane(t)} })
	})
}

func recoverMany(t *testing.T, many int, cfg func(testing.TB) retry.Config) {
	took := map[int]time.Duration{}
	for _, n := range []int{1, many} {
		synctest.Test(t, func(t *testing.T) {
			journal := crashed(t, n)
			var sends, atOnce, most atomic.Int64
			find := func(e retry.Entry) (retry.Operation[string], bool) {
				id := e.ID
				return retry.Operation[string]{
					ID: id,
					Send: func(context.Context) (string, error) {
						sends.Add(1)
						return "sent", nil
					},
					Verify: func(context.Context) (string, retry.Outcome, error) {
						if now := atOnce.Add(1); now > most.Load() {
							most.Store(now)
						}
						defer atOnce.Add(-1)
						return "", retry.Absent, nil
					},
				}, true
			}
			began := time.Now()
			before := inUse()
			var during atomic.Int64
			time.AfterFunc(20*time.Second, func() { during.Store(inUse()) })
			results, err := retry.Recover(t.Context(), newRetrier(t, cfg(t)), journal, find)
			require.NoError(t, err)
			took[n] = time.Since(began)
			require.Len(t, results, n)
			for _, r := range results {
				require.NoError(t, r.Err)
			}
			require.EqualValues(t, n, sends.Load())
			require.LessOrEqual(t, most.Load(), int64(32))
			each := (during.Load() - before) / int64(n)
			t.Logf("%d operations: %v, %d bytes each", n, took[n], each)
			if n == many && !raceEnabled {
				require.Less(t, each, int64(20_000), "bytes for an operation that waits")
			}
		})
	}
	require.LessOrEqual(t, took[many], 2*took[1])
}

// A journal may name any number of keys. A Retrier keeps nothing of those that it has done with.
func TestRecoveredKeysAreNotKept(t *testing.T) {
	const many = 5_000
	synctest.Test(t, func(t *testing.T) {
		b, err := breaker.New(breaker.Config{})
		require.NoError(t, err)
		r := newRetrier(t, retry.Config{Breaker: b})
		kept := func() int64 {
			var m runtime.MemStats
			runtime.GC()
			runtime.GC() // what pools held goes in the second
			runtime.ReadMemStats(&m)
			return int64(m.HeapAlloc)
		}
		var grown int64
		for _, round := range []string{"first", "second"} { // the first grows what is used again
			journal := new(retry.MemoryJournal)
			for i := range many {
				id := fmt.Sprint(round, "-", i)
				_, err := journal.Begin(t.Context(), retry.Entry{ID: id, Key: "key-" + id, Owner: "x", State: retry.EntryOpen, At: time.Now()})
				require.NoError(t, err)
			}
			before, n := kept(), 0
			err = retry.RecoverEach(t.Context(), r, journal, func(e retry.Entry) (retry.Operation[int], bool) {
				return retry.Operation[int]{
					Send:   func(context.Context) (int, error) { return 0, nil },
					Verify: func(context.Context) (int, retry.Outcome, error) { return 1, retry.Applied, nil },
				}, true
			}, func(one retry.Recovered[int]) {
				require.NoError(t, one.Err)
				n++
			})
			require.NoError(t, err)
			require.Equal(t, many, n)
			grown = (kept() - before) / many
			runtime.KeepAlive(journal)
		}
		t.Logf("%d bytes for each key", grown)
		require.Less(t, grown, int64(500), "bytes of each")
		runtime.KeepAlive(r)
	})
}
