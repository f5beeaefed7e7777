package retry_test

import (
	"context"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// From when on an Absent counts about an entry of another process: when that process
// has had the time that the entry names, and 5 s for its journal. One that names none
// is of an older release: it is given what this process gives itself, or a minute
// (M6).
func TestWhenAbsentCountsOfAnotherProcess(t *testing.T) {
	for name, tt := range map[string]struct {
		takes, timeout time.Duration
		counts         time.Duration
	}{
		"longer than ours":                 {3 * time.Minute, 10 * time.Second, 3*time.Minute + 5*time.Second},
		"shorter than ours":                {time.Second, 10 * time.Second, 6 * time.Second},
		"an old entry":                     {0, 10 * time.Second, 15 * time.Second},
		"an old entry, and we have a long": {0, 2 * time.Minute, 2*time.Minute + 5*time.Second},
		"an old entry, and we have none":   {0, policy.None, 65 * time.Second},
		"longer, and we have none":         {2 * time.Minute, policy.None, 2*time.Minute + 5*time.Second},
	} {
		for _, lane := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					cfg := retry.Config{Policies: steady(t, policy.Table{AttemptTimeout: tt.timeout})}
					entry := retry.Entry{Takes: tt.takes}
					if lane {
						cfg.Nonces, entry.Key, entry.Nonce = newLane(t), "lane", 7
					}
					cfg.Journal = open(t, entry)
					p := &payment{looks: []found{absent}}
					_, err := pay(t, t.Context(), cfg, p)
					require.NoError(t, err)
					require.Equal(t, []time.Duration{tt.counts + 40*time.Second}, p.sent, "Settle after that")
					require.Contains(t, p.looked, tt.counts, "at the first instant")
				})
			})
		}
	}
}

// Takes for ever is waited for for ever, and no time at all by overflow.
func TestTakesForEver(t *testing.T) {
	for _, takes := range []time.Duration{math.MaxInt64, math.MaxInt64 - time.Second, 100 * 365 * 24 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Hour)
			defer cancel()
			p := &payment{looks: []found{absent}}
			_, err := pay(t, ctx, retry.Config{Journal: open(t, retry.Entry{Takes: takes})}, p)
			e := requireOnly(t, err, retry.ErrOutcomeUnknown)
			require.Zero(t, e.Doubt.Absent)
			require.Empty(t, p.sent)
		})
	}
}

// The entry of this process names the time that its own Send has: the policy's, or a
// minute, by which Send is bounded then.
func TestEntrySaysHowLongSendMayTake(t *testing.T) {
	for timeout, want := range map[time.Duration]time.Duration{
		0: 10 * time.Second, 3 * time.Minute: 3 * time.Minute, time.Millisecond: time.Millisecond, policy.None: time.Minute,
	} {
		synctest.Test(t, func(t *testing.T) {
			journal := new(retry.MemoryJournal)
			var takes, took time.Duration
			p := &payment{sends: []error{errTimeout}, looks: []found{applied}}
			p.onSend = func(ctx context.Context) {
				began := time.Now()
				takes = held(t, journal).Takes
				<-ctx.Done()
				took = time.Since(began)
			}
			_, err := pay(t, t.Context(), retry.Config{Journal: journal, Policies: steady(t, policy.Table{AttemptTimeout: timeout})}, p)
			require.NoError(t, err)
			require.Equal(t, want, takes)
			require.Equal(t, want, took)
		})
	}
}

// Without a journal nobody has to know: a Send that nothing bounds is not bounded.
func TestSendIsNotBoundedWithoutAJournal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &payment{onSend: func(ctx context.Context) {
			_, bounded := ctx.Deadline()
			require.False(t, bounded)
			time.Sleep(time.Hour)
		}}
		_, err := pay(t, t.Context(), retry.Config{Policies: steady(t, policy.Table{AttemptTimeout: policy.None})}, p)
		require.NoError(t, err)
	})
}

// Clocks may differ by a minute: an entry that is dated further ahead is as old as can
// be, and not replayed (M10).
func TestReplayOfAnEntryFromTheFuture(t *testing.T) {
	for ahead, replayed := range map[time.Duration]bool{30 * time.Second: true, time.Minute: true, time.Minute + 1: false, 24 * time.Hour: false} {
		synctest.Test(t, func(t *testing.T) {
			at := time.Now().Add(ahead)
			p := &payment{looks: []found{applied}, changes: keyed}
			_, err := pay(t, t.Context(), retry.Config{Journal: open(t, retry.Entry{At: at, First: at, Takes: time.Second})}, p)
			require.NoError(t, err)
			require.Equal(t, replayed, len(p.sent) == 1)
			require.Equal(t, !replayed, len(p.looked) == 1)
		})
	}
}

// It does not grow young by being looked for: by how much the clock that dated it is
// wrong nobody knows (M5).
func TestEntryFromTheFutureStaysTooOld(t *testing.T) {
	for _, ahead := range []time.Duration{90 * time.Second, 2 * time.Minute, 5 * time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			p := &payment{looks: []found{undecided}}
			p.onLook = func(context.Context) {
				if time.Since(began) > 6*time.Minute { // the API was down
					p.looks = []found{absent}
				}
			}
			_, err := pay(t, t.Context(), retry.Config{Journal: open(t, retry.Entry{At: began.Add(ahead), Takes: time.Second})}, p)
			require.Empty(t, p.sent, "%v ahead", ahead)
			e := requireOnly(t, err, retry.ErrOutcomeUnknown)
			require.ErrorContains(t, e.Doubt.Blocked, "more than an hour")
		})
	}
}
