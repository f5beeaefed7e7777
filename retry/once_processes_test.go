package retry_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// A till counts how often payments were applied.
type till struct {
	mu      sync.Mutex
	applied map[string]int
}

func newTill() *till { return &till{applied: map[string]int{}} }

func (b *till) apply(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.applied[id]++
}

func (b *till) count(id string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.applied[id]
}

func (b *till) find(id string) func(context.Context) (string, retry.Outcome, error) {
	return func(context.Context) (string, retry.Outcome, error) {
		if b.count(id) > 0 {
			return "found", retry.Applied, nil
		}
		return "", retry.Absent, nil
	}
}

// slowly is an operation whose request is applied only after so long.
func (b *till) slowly(takes time.Duration) retry.Operation[string] {
	return retry.Operation[string]{
		ID: "inv-7", Settle: 5 * time.Second, Verify: b.find("inv-7"),
		Send: func(ctx context.Context) (string, error) {
			connected(ctx)
			select {
			case <-time.After(takes):
				b.apply("inv-7")
				return "ok", nil
			case <-ctx.Done():
				return "", ctx.Err()
			}
		},
	}
}

// An entry says how long its sender may take: a process with a shorter attempt
// timeout, or none, does not pay while the other one still sends (M6).
func TestOthersAreGivenTheirTimeToSend(t *testing.T) {
	within := func(d time.Duration) retry.Config {
		set, err := policy.Nexpay().With(policy.Table{AttemptTimeout: d})
		require.NoError(t, err)
		return retry.Config{Policies: set}
	}
	for name, tt := range map[string]struct{ first, second retry.Config }{
		"a longer timeout":               {within(3 * time.Minute), within(5 * time.Second)},
		"none, which is a minute":        {within(policy.None), within(policy.None)},
		"none, beside a short one":       {within(policy.None), within(time.Second)},
		"a table of another API's, bare": {retry.Config{Classifier: otherAPI{}}, retry.Config{Classifier: otherAPI{}}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, journal := newTill(), new(retry.MemoryJournal)
				tt.first.Journal, tt.second.Journal = journal, journal
				var others sync.WaitGroup
				others.Go(func() { _, _ = retry.DoOnce(t.Context(), newRetrier(t, tt.first), b.slowly(2*time.Minute)) })
				time.Sleep(time.Second)
				_, err := retry.DoOnce(t.Context(), newRetrier(t, tt.second), b.slowly(time.Millisecond))
				others.Wait()
				require.NoError(t, err)
				require.Equal(t, 1, b.count("inv-7"))
			})
		})
	}
}

type otherAPI struct{}

func (otherAPI) Classify(error) classify.Verdict { return classify.Verdict{Class: classify.Retryable} }

// endless is a journal that cannot be told how anything ended.
type endless struct{ *retry.MemoryJournal }

func (endless) End(context.Context, retry.Entry) error { return errors.New("connection refused") }

// An End that fails is no agreement: not applied, after doubt, rests on it (M8).
func TestEndThatFailsIsNoAgreement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, journal := newTill(), new(retry.MemoryJournal)
		var first, second error
		var all sync.WaitGroup
		all.Go(func() {
			looks := 0
			_, first = retry.DoOnce(t.Context(), newRetrier(t, retry.Config{Journal: endless{journal}}), retry.Operation[string]{
				ID:   "inv-7",
				Send: func(ctx context.Context) (string, error) { connected(ctx); return "", errors.New("it never arrived") },
				Verify: func(ctx context.Context) (string, retry.Outcome, error) {
					if looks++; looks < 4 {
						time.Sleep(5 * time.Second)
						return "", retry.Undecided, errTimeout
					}
					return b.find("inv-7")(ctx)
				},
			})
		})
		time.Sleep(time.Millisecond)
		_, second = retry.DoOnce(t.Context(), newRetrier(t, retry.Config{Journal: journal}), retry.Operation[string]{
			ID: "inv-7", Verify: b.find("inv-7"),
			Send: func(ctx context.Context) (string, error) {
				connected(ctx)
				time.Sleep(9 * time.Second)
				b.apply("inv-7")
				return "ok", nil
			},
		})
		all.Wait()
		require.NoError(t, second)
		require.Equal(t, 1, b.count("inv-7"))
		require.True(t, errors.Is(first, retry.ErrOutcomeUnknown) || errors.Is(first, retry.ErrBusy), "%v", first)
	})
}

// Where nobody can have gone on yet, a refusal stays one though End fails; and an
// event says so.
func TestEndThatFailsAfterAFreshRefusal(t *testing.T) {
	for name, tt := range map[string]struct {
		journal    retry.Journal
		takes      time.Duration // longer than it said
		idempotent time.Duration
		want       error
	}{
		"nobody else can be at it":                    {endless{new(retry.MemoryJournal)}, 0, 0, retry.ErrFixAndResend},
		"another one may replay it":                   {endless{new(retry.MemoryJournal)}, 0, time.Hour, retry.ErrOutcomeUnknown},
		"others had time to take it":                  {endless{new(retry.MemoryJournal)}, 16 * time.Second, 0, retry.ErrOutcomeUnknown},
		"others had time, and the clock was set back": {setBack{endless{new(retry.MemoryJournal)}}, 16 * time.Second, 0, retry.ErrOutcomeUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &payment{
					sends: []error{code(400, "30010")}, looks: []found{absent},
					onSend:  func(context.Context) { time.Sleep(tt.takes) },
					changes: func(op *retry.Operation[string]) { op.Settle, op.Idempotent = time.Second, tt.idempotent },
				}
				_, err := pay(t, t.Context(), retry.Config{Journal: tt.journal}, p)
				requireOnly(t, err, tt.want)
			})
		})
	}
}

// setBack is a journal whose entries are dated after the clock's time, as they are once
// the clock has been set back.
type setBack struct{ retry.Journal }

func (j setBack) Begin(ctx context.Context, e retry.Entry) (retry.Entry, error) {
	held, err := j.Journal.Begin(ctx, e)
	held.At = held.At.Round(0).Add(50 * time.Second)
	return held, err
}

// Before an inherited operation is called not applied, its first owner is kept from
// sending it (M6).
func TestFirstOwnerIsKeptFromSending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		journal := open(t, retry.Entry{Key: "lane", Nonce: 7, At: time.Now(), Takes: time.Second})
		before := held(t, journal)
		lockout := new(breaker.Lockout)
		r := newRetrier(t, retry.Config{Journal: journal, Nonces: newLane(t), Lockout: lockout, OnEvent: func(_ context.Context, e retry.Event) {
			if e.Kind == retry.EventSettled {
				lockout.Lock("lane", breaker.LockCause{Code: "100"}) // it cannot be sent, so it did not happen
			}
		}})
		p := &payment{looks: []found{absent}}
		_, err := retry.DoOnce(t.Context(), r, p.operation())
		requireOnly(t, err, retry.ErrLockedOut)
		after := held(t, journal)
		require.Equal(t, retry.EntryNotApplied, after.State)
		require.Equal(t, before.Generation+1, after.Generation)
		late, err := journal.Begin(t.Context(), retry.Entry{ID: "inv-7", Generation: before.Generation, State: retry.EntryOpen, Owner: "first"})
		require.NoError(t, err)
		require.Equal(t, after, late, "the first owner's next Begin fails")
	})
}

// An entry is as old as its clock says, or too old if that lies in the future: a
// doubt that old is not sent again (M5).
func TestEntryFromTheFuture(t *testing.T) {
	for ahead, sent := range map[time.Duration]int{30 * time.Second: 1, 2 * time.Minute: 0} {
		synctest.Test(t, func(t *testing.T) {
			journal := open(t, retry.Entry{At: time.Now().Add(ahead), Takes: time.Second})
			p := &payment{looks: []found{absent}}
			_, err := pay(t, t.Context(), retry.Config{Journal: journal}, p)
			require.Len(t, p.sent, sent)
			if sent == 0 {
				e := requireOnly(t, err, retry.ErrOutcomeUnknown)
				require.ErrorContains(t, e.Doubt.Blocked, "more than an hour")
			}
		})
	}
}

// A caller that goes away during Begin leaves no doubt, whether the journal stored
// it or not; one whose Begin lost its answer is asked again (M6).
func TestBeginWithoutAnAnswer(t *testing.T) {
	for name, stored := range map[string]bool{"stored": true, "not stored": false} {
		t.Run("canceled, "+name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				journal := &fault{}
				journal.onBegin = func(n int, e *retry.Entry) error {
					if n != 2 {
						return nil
					}
					if stored {
						_, _ = journal.MemoryJournal.Begin(t.Context(), *e)
					}
					cancel()
					return context.Canceled
				}
				p := &payment{}
				_, err := pay(t, ctx, retry.Config{Journal: journal}, p)
				requireOnly(t, err, retry.ErrCanceled)
				require.Empty(t, p.sent)
				require.NotEqual(t, retry.EntryOpen, held(t, &journal.MemoryJournal).State)
			})
		})
		t.Run("lost, "+name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				journal := &fault{}
				journal.onBegin = func(n int, e *retry.Entry) error {
					if n != 2 {
						return nil
					}
					if stored {
						_, _ = journal.MemoryJournal.Begin(t.Context(), *e)
					}
					return errors.New("connection reset by peer")
				}
				p := &payment{}
				_, err := pay(t, t.Context(), retry.Config{Journal: journal}, p)
				require.NoError(t, err)
				require.Len(t, p.sent, 1)
				require.Equal(t, int64(1), held(t, &journal.MemoryJournal).Generation)
			})
		})
	}
}

// What came while the journal was written is looked for again.
func TestLockOrCancellationDuringBegin(t *testing.T) {
	for _, what := range []string{"lock", "cancellation"} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				journal := &fault{}
				r := newRetrier(t, retry.Config{Journal: journal, Key: "lane"})
				journal.onBegin = func(n int, _ *retry.Entry) error {
					switch {
					case n != 2:
					case what == "lock":
						r.Lockout().Lock("lane", breaker.LockCause{Code: "100"})
					default:
						cancel()
					}
					return nil
				}
				p := &payment{}
				_, err := retry.DoOnce(ctx, r, p.operation())
				requireOnly(t, err, map[string]error{"lock": retry.ErrLockedOut, "cancellation": retry.ErrCanceled}[what])
				require.Empty(t, p.sent)
				require.NotEqual(t, retry.EntryOpen, held(t, &journal.MemoryJournal).State)
			})
		})
	}
}

// An entry of a process that had no name for its key obeys the lockout of ours.
func TestEntryWithoutAKeyObeysTheLockout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRetrier(t, retry.Config{Journal: open(t, retry.Entry{}), Key: "lane"})
		r.Lockout().Lock("lane", breaker.LockCause{Code: "100"})
		p := &payment{looks: []found{absent}}
		_, err := retry.DoOnce(t.Context(), r, p.operation())
		e := requireOnly(t, err, retry.ErrOutcomeUnknown)
		require.ErrorIs(t, e.Doubt.Blocked, breaker.ErrLockedOut)
		require.Empty(t, p.sent)
		require.Empty(t, p.looked)
	})
}

// LookFirst asks before the first send as well: what a lost journal held is found.
func TestLookFirst(t *testing.T) {
	for name, tt := range map[string]struct {
		cfg   func(testing.TB) retry.Config
		looks []found
		sends int
	}{
		"it happened":             {func(testing.TB) retry.Config { return retry.Config{} }, []found{applied}, 0},
		"it did not":              {func(testing.TB) retry.Config { return retry.Config{} }, []found{absent}, 1},
		"it did not, with a lane": {func(t testing.TB) retry.Config { return retry.Config{Nonces: newLane(t)} }, []found{absent}, 1},
		"it did not, and a journal": {func(t testing.TB) retry.Config {
			return retry.Config{Nonces: newLane(t), Journal: new(retry.MemoryJournal)}
		}, []found{absent}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &payment{looks: tt.looks, changes: func(op *retry.Operation[string]) { op.LookFirst = true }}
				_, err := pay(t, t.Context(), tt.cfg(t), p)
				require.NoError(t, err)
				require.Len(t, p.sent, tt.sends)
				if tt.sends > 0 {
					require.GreaterOrEqual(t, p.sent[0], 40*time.Second, "after two lookups, Settle apart")
				}
			})
		})
	}
}
