package retry_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/retry"
)

// A Begin that another process overtakes, or that the journal fails to store, is no
// leave for a replay; what this call sent before stays in doubt (M6).
func TestReplayWithoutTheJournal(t *testing.T) {
	other := func(state retry.EntryState) func(*fault, *retry.Entry) error {
		return func(j *fault, e *retry.Entry) error {
			theirs := *e
			theirs.Owner = "other"
			got, err := j.MemoryJournal.Begin(context.Background(), theirs)
			if got.State = state; err == nil && state != retry.EntryOpen {
				err = j.MemoryJournal.End(context.Background(), got)
			}
			return err
		}
	}
	for name, tt := range map[string]struct {
		inherited bool
		begin     func(*fault, *retry.Entry) error
		look      found
		want      error
		looked    bool
	}{
		"it fails, and it happened":            {false, func(*fault, *retry.Entry) error { return errors.New("disk full") }, applied, nil, true},
		"it fails, and nobody knows":           {false, func(*fault, *retry.Entry) error { return errors.New("disk full") }, undecided, retry.ErrOutcomeUnknown, true},
		"overtaken after a send":               {false, other(retry.EntryOpen), applied, retry.ErrOutcomeUnknown, false},
		"overtaken before any send":            {true, other(retry.EntryOpen), applied, retry.ErrBusy, false},
		"overtaken by one who has done it":     {false, other(retry.EntryApplied), applied, nil, true},
		"the same, of an entry that was there": {true, other(retry.EntryApplied), applied, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				journal := &fault{}
				want := 1
				if tt.inherited {
					_, err := journal.MemoryJournal.Begin(t.Context(), retry.Entry{ID: "inv-7", State: retry.EntryOpen, Owner: "crashed", At: time.Now(), First: time.Now()})
					require.NoError(t, err)
					want = 0
				}
				writes := 0
				journal.onBegin = func(_ int, e *retry.Entry) error {
					if e.Generation == retry.ReadGeneration {
						return nil
					}
					if writes++; writes <= want {
						return nil
					}
					return tt.begin(journal, e)
				}
				p := &payment{sends: []error{errTimeout}, looks: []found{tt.look}, changes: keyed}
				_, err := pay(t, t.Context(), retry.Config{Journal: journal}, p)
				require.Len(t, p.sent, want)
				require.Equal(t, tt.looked, len(p.looked) > 0)
				if tt.want == nil {
					require.NoError(t, err)
					return
				}
				requireOnly(t, err, tt.want)
			})
		})
	}
}

// An API that keeps keys applies once, however many processes replay at once.
func TestProcessesThatReplayTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		journal, b := new(retry.MemoryJournal), newTill()
		var under sync.Mutex
		op := func() retry.Operation[string] {
			return retry.Operation[string]{
				ID: "inv-7", Idempotent: 24 * time.Hour, Verify: b.find("inv-7"),
				Send: func(ctx context.Context) (string, error) {
					connected(ctx)
					if !under.TryLock() {
						return "", code(409)
					}
					defer under.Unlock()
					if b.count("inv-7") == 0 {
						time.Sleep(8 * time.Second)
						b.apply("inv-7")
					}
					if time.Now().Second()%3 == 0 {
						return "", errTimeout
					}
					return "sent", nil
				},
			}
		}
		errs := make([]error, 5)
		var all sync.WaitGroup
		for i := range errs {
			all.Go(func() {
				time.Sleep(time.Duration(i) * 700 * time.Millisecond)
				_, errs[i] = retry.DoOnce(t.Context(), newRetrier(t, retry.Config{Journal: journal}), op())
			})
		}
		all.Wait()
		require.Equal(t, 1, b.count("inv-7"))
		for _, err := range errs {
			require.True(t, err == nil || errors.Is(err, retry.ErrOutcomeUnknown) || errors.Is(err, retry.ErrBusy), "%v", err)
		}
		require.Equal(t, retry.EntryApplied, held(t, journal).State)
	})
}

// Another fingerprint is refused before the wire, also in a Begin that comes second.
func TestReplayOfAnotherFingerprint(t *testing.T) {
	for state, want := range map[retry.EntryState]error{
		retry.EntryOpen: retry.ErrOutcomeUnknown, retry.EntryApplied: retry.ErrOutcomeUnknown, retry.EntryNotApplied: retry.ErrFixAndResend,
	} {
		synctest.Test(t, func(t *testing.T) {
			journal := open(t, retry.Entry{Fingerprint: "f", First: time.Now()})
			if e := held(t, journal); state != retry.EntryOpen {
				e.State = state
				require.NoError(t, journal.End(t.Context(), e))
			}
			before := held(t, journal)
			p := &payment{looks: []found{applied}}
			p.changes = func(op *retry.Operation[string]) { keyed(op); op.Fingerprint = "g" }
			_, err := pay(t, t.Context(), retry.Config{Journal: journal}, p)
			requireOnly(t, err, want)
			require.Empty(t, p.sent)
			require.Empty(t, p.looked)
			require.Equal(t, before, held(t, journal))
		})
	}
}

// A panic in a replay is doubt like any other, and releases the ID.
func TestPanicInAReplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		journal := new(retry.MemoryJournal)
		r := newRetrier(t, retry.Config{Journal: journal, Nonces: newLane(t)})
		p := &payment{sends: []error{errTimeout}, looks: []found{applied}, changes: keyed}
		p.onSend = func(context.Context) {
			if len(p.sent) == 2 {
				panic("x")
			}
		}
		require.PanicsWithValue(t, "x", func() { _, _ = retry.DoOnce(t.Context(), r, p.operation()) })
		require.Equal(t, retry.EntryOpen, held(t, journal).State)
		v, err := retry.DoOnce(t.Context(), r, p.operation())
		require.NoError(t, err)
		require.Equal(t, "sent", v, "replayed once more")
		require.Len(t, p.sent, 3)
	})
}
