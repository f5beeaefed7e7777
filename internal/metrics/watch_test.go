package metrics_test

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/internal/metrics"
	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/retry"
)

// leases are a source that has the lanes of those keys that it holds now. It cannot be
// compared.
type leases struct {
	nonce.Source
	lanes func() []nonce.Stats
}

func (l leases) Lanes() []nonce.Stats { return l.lanes() }

func values(w *metrics.Watcher) map[string]map[metrics.Labels]float64 {
	all := map[string]map[metrics.Labels]float64{}
	for _, s := range w.Read() {
		if all[s.In.Name] == nil {
			all[s.In.Name] = map[metrics.Labels]float64{}
		}
		all[s.In.Name][s.Labels] = s.Value
	}
	return all
}

// A key that another process has for a while begins anew here, and totals never fall.
func TestTotalsRise(t *testing.T) {
	var lanes []nonce.Stats
	r, err := retry.New(retry.Config{Nonces: leases{lanes: func() []nonce.Stats { return lanes }}, Budget: retry.NoBudget()})
	require.NoError(t, err)
	w := metrics.NewWatcher(0)
	stop := w.Watch(r)
	main := metrics.Labels{Endpoint: "main"}
	for _, step := range []struct {
		refusals []uint64
		want     float64
	}{{[]uint64{3}, 3}, {[]uint64{3}, 3}, {[]uint64{5}, 5}, {nil, 5}, {[]uint64{2}, 7}, {[]uint64{1}, 8}} {
		lanes = nil
		for _, n := range step.refusals {
			lanes = append(lanes, nonce.Stats{Key: "main", Refusals: n, Waiting: 4})
		}
		got := values(w)
		require.Equal(t, step.want, got["resilience.lane.refusals"][main])
		require.Equal(t, len(step.refusals), len(got["resilience.lane.waiting"]))
		require.Empty(t, got["resilience.budget.tokens"], "one that never refuses has none")
	}
	stop()
	got := values(w)
	require.Empty(t, got["resilience.lane.waiting"])
	require.EqualValues(t, 8, got["resilience.lane.refusals"][main])
}

// Of several budgets the emptiest tells, and of several breakers of one name how many are in a state.
func TestSeveral(t *testing.T) {
	w := metrics.NewWatcher(0)
	w.Watch(new(retry.Retrier)) // has nothing to tell
	for i, capacity := range []int{100, 200, 50} {
		b, err := breaker.New(breaker.Config{Name: "bank"})
		require.NoError(t, err)
		if i == 0 {
			b.Isolate("fire")
		}
		budget, err := retry.NewBudget(retry.BudgetConfig{Capacity: capacity})
		require.NoError(t, err)
		r, err := retry.New(retry.Config{Breaker: b, Budget: budget, Key: "main"})
		require.NoError(t, err)
		if i == 1 {
			r.Lockout().Lock("main", breaker.LockCause{Reason: "API key locked"})
			r.Lockout().Lock("other", breaker.LockCause{})
		}
		w.Watch(r)
	}
	got := values(w)
	require.Equal(t, map[metrics.Labels]float64{{}: 50}, got["resilience.budget.tokens"])
	require.Equal(t, map[metrics.Labels]float64{
		{Endpoint: "bank", Word: "closed"}: 2, {Endpoint: "bank", Word: "open"}: 1, {Endpoint: "bank", Word: "half-open"}: 0,
	}, got["resilience.breaker.state"])
	require.Equal(t, map[metrics.Labels]float64{
		{Endpoint: "main"}: 0, {Endpoint: "main", ErrorType: "API key locked"}: 1, {Endpoint: "other"}: 1,
	}, got["resilience.lockout.locked"])
}

// What a breaker has refused that its group has forgotten stays counted.
func TestForgottenBreakersStayCounted(t *testing.T) {
	group, err := breaker.NewGroup(breaker.Config{ConsecutiveFailures: 1}, 1)
	require.NoError(t, err)
	r, err := retry.New(retry.Config{Breakers: group})
	require.NoError(t, err)
	w := metrics.NewWatcher(0)
	w.Watch(r)
	a := group.Get("a")
	a.Isolate("fire")
	require.Error(t, retry.Do(context.Background(), r, func(context.Context) error { return nil }, retry.Endpoint("a")))
	require.EqualValues(t, 1, values(w)["resilience.breaker.refused"][metrics.Labels{Endpoint: "a"}])
	a.Reset()
	group.Get("b")
	group.Get("c")
	require.EqualValues(t, 1, values(w)["resilience.breaker.refused"][metrics.Labels{Endpoint: "a"}])
	group.Get("a")
	require.EqualValues(t, 1, values(w)["resilience.breaker.refused"][metrics.Labels{Endpoint: "a"}])
}

// What a shared breaker, a shared lane and a Retrier have counted counts once, whoever is
// watched when, and nothing that was counted until stop is lost.
func TestWatchedAgain(t *testing.T) {
	b, err := breaker.New(breaker.Config{Name: "bank"})
	require.NoError(t, err)
	b.Isolate("fire")
	lanes := &global
	w := metrics.NewWatcher(0)
	refused := func(r *retry.Retrier) {
		t.Helper()
		require.ErrorIs(t, retry.Do(t.Context(), r, func(context.Context) error { return nil }), retry.ErrOpen)
	}
	total := func() int {
		got := values(w)
		require.EqualValues(t, 3, got["resilience.lane.refusals"][metrics.Labels{Endpoint: "main"}])
		return int(got["resilience.breaker.refused"][metrics.Labels{Endpoint: "bank"}])
	}
	var first *retry.Retrier
	for n := range 4 {
		r, err := retry.New(retry.Config{Breaker: b, Nonces: lanes})
		require.NoError(t, err)
		if n == 0 {
			first = r
		}
		stop := w.Watch(r)
		refused(r)
		require.Equal(t, 2*n+1, total())
		refused(r)
		stop()
		require.Equal(t, 2*n+2, total(), "stop reads it once more")
	}
	refused(first)
	require.Equal(t, 8, total(), "nobody watches it")
	w.Watch(first)
	require.Equal(t, 9, total())
}

// A Retrier's unknown codes are its own, and watching it again does not count them again.
func TestUnknownCodesOfARetrierWatchedAgain(t *testing.T) {
	r, err := retry.New(retry.Config{})
	require.NoError(t, err)
	w := metrics.NewWatcher(0)
	for range 3 {
		stop := w.Watch(r)
		values(w)
		stop()
		values(w)
	}
	_ = retry.Do(t.Context(), r, func(context.Context) error {
		return &classify.Error{Status: 400, Details: []classify.Detail{{Code: "777"}}}
	})
	for range 3 {
		stop := w.Watch(r)
		require.EqualValues(t, 1, values(w)["resilience.unknown_codes"][metrics.Labels{}])
		stop()
		require.EqualValues(t, 1, values(w)["resilience.unknown_codes"][metrics.Labels{}])
	}
}

// What is no longer watched is not kept from being collected.
func TestWatcherKeepsNothingAlive(t *testing.T) {
	w := metrics.NewWatcher(0)
	var collected atomic.Int64
	for range 10 {
		b, err := breaker.New(breaker.Config{Name: "bank"})
		require.NoError(t, err)
		runtime.AddCleanup(b, func(*atomic.Int64) { collected.Add(1) }, &collected)
		r, err := retry.New(retry.Config{Breaker: b})
		require.NoError(t, err)
		stop := w.Watch(r)
		values(w)
		stop()
	}
	require.Eventually(t, func() bool {
		runtime.GC()
		return collected.Load() == 10
	}, 10*time.Second, time.Millisecond)
	values(w)
}

// What two Retriers share counts once, where the next is watched before the last is not.
func TestHandedOver(t *testing.T) {
	b, err := breaker.New(breaker.Config{Name: "bank"})
	require.NoError(t, err)
	w := metrics.NewWatcher(0)
	b.Isolate("fire")
	stop := func() {}
	for n := range 3 {
		r, err := retry.New(retry.Config{Breaker: b})
		require.NoError(t, err)
		next := w.Watch(r)
		stop()
		stop = next
		require.ErrorIs(t, retry.Do(t.Context(), r, func(context.Context) error { return nil }), retry.ErrOpen)
		require.EqualValues(t, n+1, values(w)["resilience.breaker.refused"][metrics.Labels{Endpoint: "bank"}])
	}
}

// A source of nonces that panics when it is asked how it stands costs the gauges of its own
// lanes and nothing else. What it had counted counts once.
func TestSourceThatPanics(t *testing.T) {
	s := new(source)
	r, err := retry.New(retry.Config{Nonces: s})
	require.NoError(t, err)
	w := metrics.NewWatcher(0)
	w.Watch(r)
	main := metrics.Labels{Endpoint: "main"}
	for _, broken := range []bool{false, true, true, false} {
		s.broken = broken
		got := values(w)
		require.EqualValues(t, 3, got["resilience.lane.refusals"][main])
		require.Equal(t, !broken, len(got["resilience.lane.waiting"]) == 1)
		require.NotEmpty(t, got["resilience.budget.tokens"])
	}
}

type source struct {
	nonce.Source
	broken bool
}

var global source // a source need not be on the heap

func (s *source) Lanes() []nonce.Stats {
	if s.broken {
		panic("no")
	}
	return []nonce.Stats{{Key: "main", Refusals: 3}}
}

// full is a journal on a full disk.
type full struct {
	retry.Journal
	err error
}

func (f *full) Begin(ctx context.Context, e retry.Entry) (retry.Entry, error) {
	if f.err != nil {
		return retry.Entry{}, f.err
	}
	return f.Journal.Begin(ctx, e)
}

// One journal that fails shows beside any number that work, until it works again.
func TestJournalThatFails(t *testing.T) {
	w := metrics.NewWatcher(0)
	disk := &full{Journal: new(retry.MemoryJournal), err: errors.New("no space left on device")}
	for _, j := range []retry.Journal{nil, new(retry.MemoryJournal), disk} {
		r, err := retry.New(retry.Config{Journal: j})
		require.NoError(t, err)
		w.Watch(r)
		require.Equal(t, map[metrics.Labels]float64{{}: 0}, values(w)["resilience.journal.failing"])
		if j == retry.Journal(disk) {
			pay := func(id string) error {
				_, err := retry.DoOnce(t.Context(), r, retry.Operation[int]{ID: id, Send: func(context.Context) (int, error) { return 1, nil }})
				return err
			}
			require.Error(t, pay("inv-7"))
			require.Equal(t, map[metrics.Labels]float64{{}: 1}, values(w)["resilience.journal.failing"])
			disk.err = nil
			require.NoError(t, pay("inv-8"))
			require.Equal(t, map[metrics.Labels]float64{{}: 0}, values(w)["resilience.journal.failing"])
		}
	}
}
