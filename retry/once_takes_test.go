package retry_test

import (
	"context"
	"errors"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/nonce"
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
			require.ErrorContains(t, e.Doubt.Blocked, "older than an hour")
		})
	}
}

// A caller that goes away while the journal is asked leaves no doubt, at whatever
// moment the journal stores the entry: before, after that, or never (M6).
func TestBeginOfACallerWhoWentAway(t *testing.T) {
	for end, want := range map[string]error{"canceled": retry.ErrCanceled, "deadline": retry.ErrDeadline} {
		for stores, after := range map[string]time.Duration{"before": 0, "a second later": time.Second, "never": -1} {
			for _, lane := range []bool{false, true} {
				t.Run(end+", stored "+stores, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						ctx, cancel := context.WithCancel(t.Context())
						defer cancel()
						if end == "deadline" {
							ctx, cancel = context.WithTimeout(ctx, 2*time.Second)
							defer cancel()
						} else {
							time.AfterFunc(2*time.Second, cancel)
						}
						journal := &exhausted{stores: after}
						cfg := retry.Config{Journal: journal}
						if lane {
							cfg.Nonces = newLane(t)
						}
						p := &payment{}
						_, err := pay(t, ctx, cfg, p)
						requireOnly(t, err, want)
						require.Empty(t, p.sent)
						time.Sleep(time.Minute)
						if after <= 0 {
							require.NotEqual(t, retry.EntryOpen, held(t, journal).State)
						}

						later := &payment{looks: []found{absent}}
						_, err = pay(t, t.Context(), cfg, later)
						require.NoError(t, err, "the next one pays")
						require.Len(t, later.sent, 1)
					})
				})
			}
		}
	}
}

// An exhausted pool of connections: the first Begin that writes is only answered when
// the caller goes away.
type exhausted struct {
	retry.MemoryJournal
	stores time.Duration // that long after the call; negative: never
	begun  bool
}

func (j *exhausted) Begin(ctx context.Context, e retry.Entry) (retry.Entry, error) {
	if e.Generation == retry.ReadGeneration || j.begun {
		return j.MemoryJournal.Begin(ctx, e)
	}
	j.begun = true
	if j.stores == 0 {
		_, _ = j.MemoryJournal.Begin(ctx, e)
	}
	<-ctx.Done()
	if j.stores > 0 {
		time.AfterFunc(j.stores, func() { _, _ = j.MemoryJournal.Begin(context.Background(), e) })
	}
	return retry.Entry{}, ctx.Err()
}

// A Begin whose answer is lost is asked again with the same Owner, so that it is known
// for this call's own; a journal that goes on failing is believed after 5 s at most.
func TestLostAnswerToBegin(t *testing.T) {
	for lost, paid := range map[int]bool{1: true, 3: true, 4: false} {
		synctest.Test(t, func(t *testing.T) {
			journal := &fault{}
			owners := map[string]int{}
			journal.onBegin = func(_ int, e *retry.Entry) error {
				if e.Generation == retry.ReadGeneration {
					return nil
				}
				owners[e.Owner]++
				if owners[e.Owner] <= lost {
					_, _ = journal.MemoryJournal.Begin(t.Context(), *e)
					return errors.New("connection reset by peer")
				}
				return nil
			}
			p := &payment{}
			_, err := pay(t, t.Context(), retry.Config{Journal: journal}, p)
			require.Len(t, owners, 1)
			require.LessOrEqual(t, p.now(), 5*time.Second)
			if paid {
				require.NoError(t, err)
				require.Len(t, p.sent, 1)
				require.Equal(t, retry.EntryApplied, held(t, &journal.MemoryJournal).State)
				require.EqualValues(t, 1, held(t, &journal.MemoryJournal).Generation)
				return
			}
			requireOnly(t, err, retry.ErrOutcomeUnknown)
			require.Empty(t, p.sent)
		})
	}
}

// LookFirst asks as if an earlier process might have sent the operation, so what it
// may not find out is unknown, and nothing is sent.
func TestLookFirstWithoutAnAnswer(t *testing.T) {
	for name, change := range map[string]func(*retry.Operation[string]){
		"undecided": func(*retry.Operation[string]) {},
		"no Verify": func(op *retry.Operation[string]) { op.Verify = nil },
		"panics":    panics,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &payment{looks: []found{undecided}}
				p.changes = func(op *retry.Operation[string]) { op.LookFirst = true; change(op) }
				_, err := pay(t, t.Context(), retry.Config{Nonces: newLane(t), Journal: new(retry.MemoryJournal)}, p)
				e := requireOnly(t, err, retry.ErrOutcomeUnknown)
				require.Empty(t, p.sent)
				require.False(t, e.Doubt.SentHere)
			})
		})
	}
}

// The journal holds more than LookFirst can find: what it knows goes first.
func TestLookFirstBesideTheJournal(t *testing.T) {
	for state, want := range map[retry.EntryState]string{retry.EntryApplied: "verified", retry.EntryNotApplied: "sent", retry.EntryOpen: "sent"} {
		synctest.Test(t, func(t *testing.T) {
			journal := open(t, retry.Entry{Key: "lane", Nonce: 7})
			if e := held(t, journal); state != retry.EntryOpen {
				e.State = state
				require.NoError(t, journal.End(t.Context(), e))
			}
			p := &payment{looks: []found{absent}, changes: func(op *retry.Operation[string]) { op.LookFirst = true }}
			if state == retry.EntryApplied {
				p.looks = []found{applied}
			}
			v, err := pay(t, t.Context(), retry.Config{Journal: journal, Nonces: newLane(t)}, p)
			require.NoError(t, err)
			require.Equal(t, want, v)
			if want == "sent" {
				require.GreaterOrEqual(t, len(p.looked), 2)
				require.GreaterOrEqual(t, p.sent[0], 40*time.Second)
			}
		})
	}
}

// Over a pool of keys nobody knows which one the lost send went out with: what it is
// looked up with counts, and it is sent with one of them.
func TestLookFirstOverAPool(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &payment{looks: []found{absent}, changes: func(op *retry.Operation[string]) { op.LookFirst = true }}
		p.onSend = func(ctx context.Context) {
			_, ok := nonce.FromContext(ctx)
			require.True(t, ok)
		}
		_, err := pay(t, t.Context(), retry.Config{Nonces: newPool(t)}, p)
		require.NoError(t, err)
		require.Len(t, p.sent, 1)
	})
}

// A key that is locked is neither looked up with nor sent with; that nothing was sent
// before nobody knows.
func TestLookFirstOnALockedKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRetrier(t, retry.Config{Key: "lane"})
		r.Lockout().Lock("lane", breaker.LockCause{Code: 100})
		p := &payment{looks: []found{absent}, changes: func(op *retry.Operation[string]) { op.LookFirst = true }}
		_, err := retry.DoOnce(t.Context(), r, p.operation())
		e := requireOnly(t, err, retry.ErrOutcomeUnknown)
		require.ErrorIs(t, e.Doubt.Blocked, breaker.ErrLockedOut)
		require.Empty(t, p.sent)
		require.Empty(t, p.looked)
	})
}
