package retry_test

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/internal/long"
	"github.com/nexpay-go/resilience/retry"
)

// absentThenSent returns operations that are all absent at first, and sent then.
func absentThenSent(e retry.Entry) (retry.Operation[string], bool) {
	return retry.Operation[string]{
		ID:     e.ID,
		Send:   func(context.Context) (string, error) { return "sent " + e.ID, nil },
		Verify: func(context.Context) (string, retry.Outcome, error) { return "", retry.Absent, nil },
	}, true
}

// What is through is reported while the others wait: here the one that happened at
// once, and the one that did not after Settle.
func TestRecoverEachReportsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		journal := crashed(t, 3)
		at := map[string]time.Duration{}
		began := time.Now()
		err := retry.RecoverEach(t.Context(), newRetrier(t, retry.Config{Key: "lane"}), journal, func(e retry.Entry) (retry.Operation[string], bool) {
			id := e.ID
			op, _ := absentThenSent(e)
			if id == "inv-1" {
				op.Verify = func(context.Context) (string, retry.Outcome, error) { return "there", retry.Applied, nil }
			}
			return op, true
		}, func(one retry.Recovered[string]) {
			require.NoError(t, one.Err)
			require.Contains(t, []string{"sent " + one.ID, "there"}, one.Value)
			at[one.ID] = time.Since(began)
		})
		require.NoError(t, err)
		require.Len(t, at, 3)
		require.Zero(t, at["inv-1"])
		require.Greater(t, at["inv-0"], 10*time.Second)
		require.Equal(t, at["inv-0"], at["inv-2"])
	})
}

// A slow each is called by one at a time, and misses none.
func TestRecoverEachOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inside, seen := 0, map[string]bool{} // guarded by nothing: the race detector watches
		err := retry.RecoverEach(t.Context(), newRetrier(t, retry.Config{Key: "lane"}), crashed(t, 50), absentThenSent, func(one retry.Recovered[string]) {
			inside++
			require.Equal(t, 1, inside)
			time.Sleep(time.Minute)
			seen[one.ID] = true
			inside--
		})
		require.NoError(t, err)
		require.Len(t, seen, 50)
	})
}

// A panic in each is reported without its value, and the next operation follows.
func TestRecoverEachThatPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		defer slog.SetDefault(slog.Default())
		var log bytes.Buffer
		slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
		seen := 0
		err := retry.RecoverEach(t.Context(), newRetrier(t, retry.Config{Key: "lane"}), crashed(t, 3), absentThenSent, func(retry.Recovered[string]) {
			seen++
			panic("IBAN")
		})
		require.NoError(t, err)
		require.Equal(t, 3, seen)
		require.Equal(t, 3, strings.Count(log.String(), "hook=retry.RecoverEach"))
		require.NotContains(t, log.String(), "IBAN")
	})
}

// An each that ends its goroutine leaves nothing running, and what was not through
// open.
func TestRecoverEachThatExits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		journal := crashed(t, 4)
		began, seen := time.Now(), 0
		var calls sync.WaitGroup
		calls.Go(func() {
			_ = retry.RecoverEach(t.Context(), newRetrier(t, retry.Config{Key: "lane"}), journal, func(e retry.Entry) (retry.Operation[string], bool) {
				id := e.ID
				op, _ := absentThenSent(e)
				if id == "inv-2" {
					op.Verify = func(context.Context) (string, retry.Outcome, error) { return "there", retry.Applied, nil }
				}
				return op, true
			}, func(retry.Recovered[string]) {
				seen++
				runtime.Goexit()
			})
			t.Error("it returned")
		})
		calls.Wait()
		require.Equal(t, 1, seen)
		require.Zero(t, time.Since(began))
		open := 0
		for _, err := range journal.Pending(t.Context()) {
			require.NoError(t, err)
			open++
		}
		require.Equal(t, 3, open)
	})
}

// A context that ends stops the listing; what had begun is reported.
func TestRecoverEachCanceled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		seen := 0
		err := retry.RecoverEach(ctx, newRetrier(t, retry.Config{Key: "lane"}), crashed(t, 5), absentThenSent, func(one retry.Recovered[string]) {
			require.ErrorIs(t, one.Err, retry.ErrOutcomeUnknown)
			seen++
		})
		require.NoError(t, err) // all were listed
		require.Equal(t, 5, seen)
		<-ctx.Done()
		require.ErrorIs(t, retry.RecoverEach(ctx, newRetrier(t, retry.Config{}), crashed(t, 1), absentThenSent, func(retry.Recovered[string]) {
			t.Error("the context was over before")
		}), retry.ErrDeadline)
	})
}

func TestRecoverEachMistakes(t *testing.T) {
	none := func(retry.Recovered[string]) { t.Error("called") }
	r := newRetrier(t, retry.Config{})
	require.ErrorContains(t, retry.RecoverEach(t.Context(), r, crashed(t, 1), absentThenSent, nil), "function")
	require.ErrorContains(t, retry.RecoverEach[string](t.Context(), r, crashed(t, 1), nil, none), "needs a find function")
	require.ErrorContains(t, retry.RecoverEach(t.Context(), r, nil, absentThenSent, none), "PendingJournal")
	require.Error(t, retry.RecoverEach(t.Context(), nil, crashed(t, 1), absentThenSent, none))
}

// listingExits is a journal whose listing ends its goroutine.
type listingExits struct{ retry.MemoryJournal }

func (*listingExits) Pending(context.Context) iter.Seq2[retry.Entry, error] {
	return func(func(retry.Entry, error) bool) { runtime.Goexit() }
}

// A journal that ends the goroutine is an error, to both.
func TestRecoverJournalThatExits(t *testing.T) {
	r := newRetrier(t, retry.Config{})
	results, err := retry.Recover(t.Context(), r, new(listingExits), absentThenSent)
	require.ErrorContains(t, err, "the journal ended its goroutine")
	require.Empty(t, results)
	require.ErrorContains(t, retry.RecoverEach(t.Context(), r, new(listingExits), absentThenSent, func(retry.Recovered[string]) {}), "the journal ended")
}

// unheld is a journal with n open entries that takes no memory for them, as one on
// a disk: it holds those only that somebody is at.
type unheld struct {
	n       int
	mu      sync.Mutex // guards changed
	changed map[string]retry.Entry
}

func (j *unheld) entry(n int) retry.Entry {
	return retry.Entry{ID: fmt.Sprint("inv-", n), Key: "lane", Owner: "crashed", State: retry.EntryOpen, Generation: 1, At: time.Now(), Takes: 10 * time.Second}
}

func (j *unheld) Pending(context.Context) iter.Seq2[retry.Entry, error] {
	return func(yield func(retry.Entry, error) bool) {
		for n := range j.n {
			if !yield(j.entry(n), nil) {
				return
			}
		}
	}
}

func (j *unheld) Begin(_ context.Context, e retry.Entry) (retry.Entry, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	held, ok := j.changed[e.ID]
	if !ok {
		held = j.entry(0)
		held.ID = e.ID
	}
	if e.Generation == held.Generation && held.State != retry.EntryApplied {
		e.Generation++
		j.changed[e.ID], held = e, e
	}
	return held, nil
}

func (j *unheld) End(_ context.Context, e retry.Entry) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	delete(j.changed, e.ID)
	return nil
}

// However many are open: no more than ten thousand are in memory, and nothing of those
// that are done.
func TestRecoverEachMemory(t *testing.T) {
	if raceEnabled || !long.Tests() {
		t.Skip("12,000 payments take long, and sizes hold without the race detector: go test ./retry -run TestRecoverEachMemory -long")
	}
	const n, atOnce = 12_000, 10_000
	synctest.Test(t, func(t *testing.T) {
		journal := &unheld{n: n, changed: map[string]retry.Entry{}}
		r := newRetrier(t, retry.Config{Key: "lane"})
		before := inUse()
		var found, seen, waiting atomic.Int64
		var left int64
		find := func(e retry.Entry) (retry.Operation[string], bool) {
			require.LessOrEqual(t, found.Add(1)-seen.Load(), int64(atOnce+1), "with the one that is being reported")
			return absentThenSent(e)
		}
		time.AfterFunc(5*time.Second, func() { // as many as may are there by now, and they wait
			require.EqualValues(t, atOnce, found.Load())
			waiting.Store(inUse() - before)
		})
		err := retry.RecoverEach(t.Context(), r, journal, find, func(one retry.Recovered[string]) {
			require.NoError(t, one.Err)
			if seen.Add(1) == n {
				synctest.Wait()
				left = inUse() - before
			}
		})
		require.NoError(t, err)
		require.EqualValues(t, n, seen.Load())
		t.Logf("%d MB while they wait, %d MB after the last", waiting.Load()>>20, left>>20)
		require.Less(t, left, waiting.Load()/10)
	})
}

// inUse returns the bytes of the heap and of stacks that are alive.
func inUse() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

// What find leaves alone is neither finished nor reported, and stays open; and so is what
// was sent with a key that belongs to another process.
func TestRecoverLeavesAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		journal := new(retry.MemoryJournal)
		for _, e := range []retry.Entry{{ID: "ours", Key: "lane"}, {ID: "theirs", Key: "other"}, {ID: "nobody's"}, {ID: "later", Key: "lane"}} {
			e.State, e.At = retry.EntryOpen, time.Now()
			_, err := journal.Begin(t.Context(), e)
			require.NoError(t, err)
		}
		find := func(e retry.Entry) (retry.Operation[string], bool) {
			op, _ := absentThenSent(e)
			op.Verify = func(context.Context) (string, retry.Outcome, error) { return "there", retry.Applied, nil }
			return op, e.ID != "later"
		}
		for _, cfg := range []retry.Config{{Nonces: newLane(t)}, {Key: "lane"}} {
			results, err := retry.Recover(t.Context(), newRetrier(t, cfg), journal, find, retry.OfHeldKeys())
			require.NoError(t, err)
			var ids []string
			for _, one := range results {
				require.NoError(t, one.Err)
				ids = append(ids, one.ID)
			}
			if cfg.Nonces != nil {
				require.ElementsMatch(t, []string{"ours", "nobody's"}, ids)
			} else {
				require.Empty(t, ids, "finished already")
			}
		}
		var open []string
		for e, err := range journal.Pending(t.Context()) {
			require.NoError(t, err)
			open = append(open, e.ID)
		}
		require.ElementsMatch(t, []string{"theirs", "later"}, open)
	})
}

// find is called for one entry after another, so it may keep what it has found in a map; one
// that panics or exits keeps no other waiting.
func TestRecoverFindsOneAfterAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inside, most, calls := 0, 0, 0
		find := func(e retry.Entry) (retry.Operation[string], bool) {
			inside++
			defer func() { inside-- }()
			calls++
			time.Sleep(time.Millisecond)
			most = max(most, inside)
			switch calls {
			case 3:
				panic("lost")
			case 4:
				runtime.Goexit()
			}
			op, _ := absentThenSent(e)
			return op, true
		}
		results, err := retry.Recover(t.Context(), newRetrier(t, retry.Config{Key: "lane"}), crashed(t, 20), find)
		require.NoError(t, err)
		require.Len(t, results, 20)
		require.Equal(t, 20, calls)
		require.Equal(t, 1, most)
	})
}
