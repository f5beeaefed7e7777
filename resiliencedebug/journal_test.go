package resiliencedebug_test

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/resiliencedebug"
	"github.com/nexpay-go/resilience/retry"
)

// A script is a journal that lists by script.
type script struct {
	retry.MemoryJournal
	list  func(ctx context.Context, yield func(retry.Entry, error) bool)
	lists atomic.Int64
}

func (s *script) Pending(ctx context.Context) iter.Seq2[retry.Entry, error] {
	s.lists.Add(1)
	return func(yield func(retry.Entry, error) bool) { s.list(ctx, yield) }
}

func withJournals(t *testing.T, journals ...retry.Journal) *world {
	t.Helper()
	w := &world{cfg: resiliencedebug.Config{Retriers: map[string]*retry.Retrier{}}}
	for i, j := range journals {
		w.cfg.Retriers[string(rune('a'+i))] = retrier(t, retry.Config{Journal: j})
	}
	return w
}

func open(id string, at time.Time) retry.Entry {
	return retry.Entry{ID: id, State: retry.EntryOpen, Generation: 1, At: at, TraceIDs: []string{"t"}}
}

// A journal that fails in any way costs a second at most, and is said to.
func TestJournalsThatFail(t *testing.T) {
	release := make(chan struct{})
	for name, tt := range map[string]struct {
		list    func(context.Context, func(retry.Entry, error) bool)
		trouble string
		doubts  int
		takes   time.Duration
	}{
		"hangs, but for its context": {func(ctx context.Context, yield func(retry.Entry, error) bool) {
			yield(open("1", time.Now()), nil)
			<-ctx.Done()
			yield(retry.Entry{}, ctx.Err())
		}, "the list was not complete within a second", 1, time.Second},
		"gives up in silence": {func(ctx context.Context, _ func(retry.Entry, error) bool) { <-ctx.Done() }, "the list was not complete within a second", 0, time.Second},
		"hangs whatever its context says": {func(_ context.Context, yield func(retry.Entry, error) bool) {
			yield(open("1", time.Now()), nil)
			<-release
		}, "the list was not complete within a second", 1, time.Second},
		"never ends": {func(_ context.Context, yield func(retry.Entry, error) bool) {
			for yield(open("1", time.Now()), nil) {
				time.Sleep(time.Millisecond)
			}
		}, "the list was not complete within a second", 1000, time.Second},
		"fails": {func(_ context.Context, yield func(retry.Entry, error) bool) {
			yield(open("1", time.Now()), nil)
			yield(retry.Entry{}, errors.New("postgres://me:canary@host"))
		}, "it could not be listed: *errors.errorString (its text may hold request data and is not shown: see SafeError and Config.ShowErrors)", 1, 0},
		"panics": {func(context.Context, func(retry.Entry, error) bool) { panic("canary") },
			"the listing panicked or ended its goroutine; slog.Default() has the details", 0, 0},
		"exits": {func(context.Context, func(retry.Entry, error) bool) { runtime.Goexit() },
			"the listing panicked or ended its goroutine; slog.Default() has the details", 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				release = make(chan struct{})
				h, began := withJournals(t, &script{list: tt.list}, &script{list: tt.list}).page(t), time.Now()
				s := see(t, h, "")
				require.Equal(t, tt.takes, time.Since(began), "both together")
				require.Len(t, s.Journals, 2)
				for _, j := range s.Journals {
					require.Equal(t, tt.trouble, j.Trouble)
					require.False(t, j.Complete)
					require.InDelta(t, tt.doubts, j.InDoubt, 1)
				}
				require.False(t, s.Well)
				require.Contains(t, s.Wrong[len(s.Wrong)-1].Text, "the journal of b: "+tt.trouble)
				if tt.doubts > 0 {
					require.Contains(t, s.Wrong[0].Text, "at least ")
				}
				page := html(t, h, "")
				require.Contains(t, page, "At least ")
				require.NotContains(t, page, "canary")
				close(release)
				time.Sleep(2 * time.Second) // until the listings have ended
			})
		})
	}
}

// However many look, one that hangs is asked once, holds one goroutine, and after the
// first second nobody waits for it. It is asked again when it has ended.
func TestJournalThatHangsIsAskedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		j := &script{list: func(context.Context, func(retry.Entry, error) bool) { <-release }}
		h := withJournals(t, j).page(t)
		for range 20 {
			go see(t, h, "")
		}
		synctest.Wait()
		time.Sleep(time.Minute)
		began := time.Now()
		s := see(t, h, "")
		require.Equal(t, "the list is still not complete after 1m0s", s.Journals[0].Trouble)
		require.Zero(t, time.Since(began))
		require.Equal(t, int64(1), j.lists.Load())
		close(release)
		synctest.Wait()
		require.Equal(t, "the list was not complete within a second", see(t, h, "").Journals[0].Trouble)
		time.Sleep(time.Second)
		require.True(t, see(t, h, "").Journals[0].Complete)
		require.Equal(t, int64(2), j.lists.Load())
	})
}

// A journal is listed once a second at most.
func TestListingServesASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &script{list: func(context.Context, func(retry.Entry, error) bool) {}}
		h := withJournals(t, j).page(t)
		for range 5 {
			see(t, h, "")
		}
		time.Sleep(time.Second - time.Nanosecond)
		see(t, h, "")
		require.Equal(t, int64(1), j.lists.Load())
		time.Sleep(time.Nanosecond)
		see(t, h, "")
		require.Equal(t, int64(2), j.lists.Load())
	})
}

// Who hangs up waits no longer.
func TestRequestThatEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := withJournals(t, &script{list: func(ctx context.Context, _ func(retry.Entry, error) bool) { <-ctx.Done() }}).page(t)
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		began := time.Now()
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil))
		require.Equal(t, 100*time.Millisecond, time.Since(began))
		time.Sleep(time.Second)
	})
}

// cannotList is a journal without Pending.
type cannotList struct{ retry.Journal }

// uncomparable is one that cannot be told from another.
type uncomparable struct {
	retry.PendingJournal
	_ []int
}

func TestJournalsOfOtherMakes(t *testing.T) {
	m := new(retry.MemoryJournal)
	s := see(t, withJournals(t, cannotList{m}, uncomparable{PendingJournal: m}, uncomparable{PendingJournal: m}).page(t), "")
	require.Len(t, s.Journals, 3)
	require.Equal(t, "it cannot list open entries: it is not a PendingJournal", s.Journals[0].Trouble)
	require.True(t, s.Journals[1].Complete)
}

// What is in doubt, and from when on looking is conclusive: when its sender's time is
// over (Takes, or a minute, and 5 s for the journal) and what it sent has settled.
func TestDoubts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := new(retry.MemoryJournal)
		w := withJournals(t, j)
		w.cfg.Settle = 2 * time.Minute
		h, start := w.page(t), time.Now().UTC()
		begin(t, j, retry.Entry{ID: "known time", At: start, Takes: 10 * time.Second, Nonce: 7, Key: "main"})
		begin(t, j, retry.Entry{ID: "unknown time", At: start})
		begin(t, j, retry.Entry{ID: "nonsense", At: start, Takes: -time.Hour})
		begin(t, j, retry.Entry{ID: "clock ahead", At: start.Add(time.Hour)})
		begin(t, j, retry.Entry{ID: "answered", At: start, TraceIDs: []string{"t1", "t2"}, First: start.Add(-time.Hour)})
		ids := func() (all []string) {
			time.Sleep(time.Second) // so that it is listed anew
			for _, d := range see(t, h, "").Journals[0].Doubts {
				all = append(all, d.ID)
			}
			return all
		}
		require.ElementsMatch(t, []string{"answered", "clock ahead"}, ids())
		time.Sleep(15*time.Second - 2*time.Second - 1)
		require.ElementsMatch(t, []string{"answered", "clock ahead"}, ids(), "a nanosecond too early")
		require.ElementsMatch(t, []string{"answered", "clock ahead", "known time"}, ids())
		time.Sleep(time.Minute)
		require.Len(t, ids(), 5)
		s := see(t, h, "")
		require.Equal(t, []int{5, 0}, []int{s.Journals[0].InDoubt, s.Journals[0].UnderWay})
		for _, d := range s.Journals[0].Doubts {
			switch d.ID {
			case "known time":
				require.Equal(t, start.Add(15*time.Second+2*time.Minute), *d.Conclusive)
				require.Equal(t, []any{uint64(7), "main", int64(1)}, []any{d.Nonce, d.Key, d.Generation})
			case "unknown time", "nonsense":
				require.Equal(t, start.Add(65*time.Second+2*time.Minute), *d.Conclusive)
			case "clock ahead":
				require.Nil(t, d.Conclusive)
			case "answered":
				require.Equal(t, []string{"t1", "t2"}, d.TraceIDs)
				require.Equal(t, start.Add(-time.Hour), *d.First)
			}
		}
		page := html(t, h, "")
		require.Contains(t, page, "unknown: the sender's clock was ahead")
		require.Contains(t, page, "with an idempotency key")
		require.Contains(t, page, "The settle time is 2m0s.")
	})
}

// The moment is the one that DoOnce itself names.
func TestConclusiveIsThatOfADoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := new(retry.MemoryJournal)
		r := retrier(t, retry.Config{Journal: j})
		w := &world{cfg: resiliencedebug.Config{Retriers: map[string]*retry.Retrier{"bank": r}}}
		sent := time.Now()
		_, err := retry.DoOnce(t.Context(), r, retry.Operation[int]{ID: "inv-1", Send: func(context.Context) (int, error) { return 0, errors.New("gone") }})
		var e *retry.Error
		require.ErrorAs(t, err, &e)
		require.NotNil(t, e.Doubt)
		time.Sleep(time.Hour)
		d := see(t, w.page(t), "").Journals[0].Doubts[0]
		// DoOnce knows when its own Send returned, and need not wait for its time to be over.
		require.False(t, d.Conclusive.Before(e.Doubt.Conclusive.Truncate(0)), "never earlier")
		require.WithinDuration(t, sent.Add(10*time.Second+5*time.Second+40*time.Second), *d.Conclusive, time.Minute)
	})
}

func TestTheFirstHundred(t *testing.T) {
	w := newWorld(t)
	w.doubt(t, 250, time.Now().Add(-time.Hour))
	s := see(t, w.page(t), "")
	require.Equal(t, 250, s.Journals[0].InDoubt)
	require.Len(t, s.Journals[0].Doubts, 100)
	require.Contains(t, html(t, w.page(t), ""), "The first 100 of 250 operations in doubt")
}
