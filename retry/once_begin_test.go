package retry_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/retry"
)

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
