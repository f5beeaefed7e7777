package retry_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/retry"
)

// open leaves the payment open in a new journal, as a crash would, sent at the
// given time.
func open(t testing.TB, e retry.Entry) *retry.MemoryJournal {
	t.Helper()
	journal := new(retry.MemoryJournal)
	e.ID, e.State, e.Owner = "inv-7", retry.EntryOpen, "crashed"
	if e.At.IsZero() {
		e.At = time.Now()
	}
	_, err := journal.Begin(t.Context(), e)
	require.NoError(t, err)
	return journal
}

// Every send is preceded by a Begin that moves the generation on, with the nonce
// it will carry (M6).
func TestBeginBeforeSend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		journal := new(retry.MemoryJournal)
		p := &payment{sends: []error{errRefused, errTimeout}, looks: []found{absent}}
		var begun []retry.Entry
		p.onSend = func(context.Context) { begun = append(begun, held(t, journal)) }
		p.changes = func(op *retry.Operation[string]) { op.Fingerprint = "f" }
		_, err := pay(t, t.Context(), retry.Config{Journal: journal, Nonces: newLane(t)}, p)
		require.NoError(t, err)
		require.Len(t, begun, 3)
		for i, e := range begun {
			require.EqualValues(t, i+1, e.Generation)
			require.Equal(t, retry.EntryOpen, e.State)
			require.Equal(t, "lane", e.Key)
			require.Equal(t, "f", e.Fingerprint)
			require.Contains(t, p.nonces, e.Nonce)
		}
		e := held(t, journal)
		require.Equal(t, retry.EntryApplied, e.State)
		require.EqualValues(t, 3, e.Generation)
	})
}

// What the journal holds decides how the operation begins.
func TestJournalIsReadFirst(t *testing.T) {
	for name, tt := range map[string]struct {
		state       retry.EntryState
		looks       []found
		sent        int
		value       string
		want        error
		fingerprint string
	}{
		"applied, its value found":         {state: retry.EntryApplied, looks: []found{applied}, value: "verified"},
		"applied, its value lost":          {state: retry.EntryApplied, looks: []found{undecided}, want: retry.ErrApplied},
		"applied, whatever Verify says":    {state: retry.EntryApplied, looks: []found{absent}, want: retry.ErrApplied},
		"open, and it happened":            {state: retry.EntryOpen, looks: []found{applied}, value: "verified"},
		"open, and it did not":             {state: retry.EntryOpen, looks: []found{absent}, value: "sent", sent: 1},
		"open, and nobody knows":           {state: retry.EntryOpen, looks: []found{undecided}, want: retry.ErrOutcomeUnknown},
		"not applied":                      {state: retry.EntryNotApplied, value: "sent", sent: 1},
		"open, for something else":         {state: retry.EntryOpen, fingerprint: "g", want: retry.ErrOutcomeUnknown},
		"applied, for something else":      {state: retry.EntryApplied, fingerprint: "g", want: retry.ErrOutcomeUnknown},
		"not applied, for something else":  {state: retry.EntryNotApplied, fingerprint: "g", want: retry.ErrFixAndResend},
		"open, the same under no contract": {state: retry.EntryOpen, looks: []found{applied}, value: "verified", fingerprint: "-"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				journal := open(t, retry.Entry{Fingerprint: "f", Key: "lane", Nonce: 7, TraceIDs: []string{"0ld"}})
				e := held(t, journal)
				if e.State = tt.state; tt.state != retry.EntryOpen {
					require.NoError(t, journal.End(t.Context(), e))
				}
				p := &payment{looks: tt.looks}
				p.changes = func(op *retry.Operation[string]) {
					op.Fingerprint = map[string]string{"": "f", "-": ""}[tt.fingerprint]
					if tt.fingerprint == "g" {
						op.Fingerprint = "g"
					}
				}
				value, err := pay(t, t.Context(), retry.Config{Journal: journal, Nonces: newLane(t)}, p)
				require.Equal(t, tt.value, value)
				require.Len(t, p.sent, tt.sent)
				if tt.want == nil {
					require.NoError(t, err)
					require.Equal(t, retry.EntryApplied, held(t, journal).State)
					return
				}
				got := requireOnly(t, err, tt.want)
				if tt.fingerprint == "g" {
					require.Equal(t, e, held(t, journal))
					require.ErrorContains(t, err, "the fingerprints differ")
					return
				}
				if tt.want == retry.ErrOutcomeUnknown {
					require.False(t, got.Doubt.SentHere)
					require.Equal(t, []string{"0ld"}, got.Doubt.TraceIDs)
					require.Equal(t, retry.EntryOpen, held(t, journal).State)
				}
			})
		})
	}
}

// Another process may still be sending what the journal holds open: only a
// lookup after its attempt's time counts.
func TestOpenElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		journal := open(t, retry.Entry{Key: "lane", Nonce: 7})
		time.Sleep(time.Second)
		p := &payment{looks: []found{absent}}
		_, err := pay(t, t.Context(), retry.Config{Journal: journal, Nonces: newLane(t)}, p)
		require.NoError(t, err)
		require.GreaterOrEqual(t, p.sent[0], 9*time.Second+40*time.Second)
	})
}

// A lookup with a nonce below that of the send fences nothing off.
func TestNonceBelowTheSend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		journal := open(t, retry.Entry{Key: "lane", Nonce: nonce.MaxNonce - 1})
		p := &payment{looks: []found{absent}}
		_, err := pay(t, t.Context(), retry.Config{Journal: journal, Nonces: newLane(t)}, p)
		e := requireOnly(t, err, retry.ErrOutcomeUnknown)
		require.Zero(t, e.Doubt.Absent)
		require.Empty(t, p.sent)
	})
}

// A key that is gone leaves looking: Applied is believed from any key, Absent is not.
func TestKeyOfTheSendIsGone(t *testing.T) {
	for want, look := range map[string]found{"verified": applied, "": absent} {
		synctest.Test(t, func(t *testing.T) {
			journal := open(t, retry.Entry{Key: "old", Nonce: 7})
			p := &payment{looks: []found{look}}
			value, err := pay(t, t.Context(), retry.Config{Journal: journal, Nonces: newLane(t)}, p)
			require.Equal(t, want, value)
			require.Empty(t, p.sent)
			if want == "" {
				require.Zero(t, requireOnly(t, err, retry.ErrOutcomeUnknown).Doubt.Absent)
			}
		})
	}
}

// A fault makes a journal fail in one of its methods.
type fault struct {
	retry.MemoryJournal
	begins, ends int // calls so far
	onBegin      func(n int, e *retry.Entry) error
	onEnd        func(context.Context) error
}

func (f *fault) Begin(ctx context.Context, e retry.Entry) (retry.Entry, error) {
	if f.begins++; f.onBegin != nil {
		if err := f.onBegin(f.begins, &e); err != nil {
			return retry.Entry{}, err
		}
	}
	return f.MemoryJournal.Begin(ctx, e)
}

func (f *fault) End(ctx context.Context, e retry.Entry) error {
	if f.ends++; f.onEnd != nil {
		if err := f.onEnd(ctx); err != nil {
			return err
		}
	}
	return f.MemoryJournal.End(ctx, e)
}

// A journal that cannot be read, or not be written before the send: nothing is
// sent, and nothing is claimed.
func TestJournalFails(t *testing.T) {
	for name, failing := range map[string]int{"reading": 1, "writing": 2} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				journal := &fault{onBegin: func(n int, _ *retry.Entry) error {
					if n >= failing {
						return errors.New("disk full: secret")
					}
					return nil
				}}
				p := &payment{looks: []found{applied}}
				_, err := pay(t, t.Context(), retry.Config{Journal: journal}, p)
				e := requireOnly(t, err, retry.ErrOutcomeUnknown)
				require.Empty(t, p.sent)
				require.False(t, e.Doubt.SentHere)
				require.ErrorContains(t, e.Doubt.Blocked, "the journal failed")
				require.NotContains(t, err.Error(), "secret")
				require.Contains(t, err.Error(), "this call sent nothing")
			})
		})
	}
}

// The result stays what it is if End fails, and an event says so (M8).
func TestEndFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		journal := &fault{onEnd: func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}}
		var told []retry.Event
		observe := func(_ context.Context, e retry.Event) { told = append(told, e) }
		ctx, cancel := context.WithCancel(t.Context())
		p := &payment{onSend: func(context.Context) { cancel() }}
		_, err := pay(t, ctx, retry.Config{Journal: journal, OnEvent: observe}, p)
		require.NoError(t, err)
		require.Equal(t, 5*time.Second, p.now(), "at most, and although the context is over")
		require.Len(t, told, 1)
		require.Equal(t, retry.EventJournal, told[0].Kind)
		require.Contains(t, told[0].Error, "the journal failed: no answer within 5s")
	})
}

// Of two processes with one ID the loser sends nothing.
func TestLoserIsBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		journal := &fault{}
		journal.onBegin = func(n int, e *retry.Entry) error {
			if n == 2 { // the other one was quicker
				other := *e
				other.Owner = "other"
				_, err := journal.MemoryJournal.Begin(t.Context(), other)
				return err
			}
			return nil
		}
		p := &payment{}
		_, err := pay(t, t.Context(), retry.Config{Journal: journal}, p)
		requireOnly(t, err, retry.ErrBusy)
		require.Empty(t, p.sent)
		require.Equal(t, "other", held(t, &journal.MemoryJournal).Owner)
		require.Zero(t, journal.ends)
	})
}

// What nobody can send any more is not reported as not applied if another
// process has gone on with it meanwhile.
func TestMovedOnBeforeTheEnd(t *testing.T) {
	journal := &fault{}
	p := &payment{sends: []error{code(400, "30010")}}
	p.onSend = func(context.Context) {
		e := held(t, &journal.MemoryJournal)
		_, err := journal.MemoryJournal.Begin(t.Context(), e)
		require.NoError(t, err)
	}
	_, err := pay(t, t.Context(), retry.Config{Journal: journal}, p)
	requireOnly(t, err, retry.ErrBusy)
}

// A context that is over, with an operation that was never begun.
func TestOnceOnAnEndedContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p := &payment{looks: []found{applied}}
	_, err := pay(t, ctx, retry.Config{Journal: new(retry.MemoryJournal)}, p)
	requireOnly(t, err, retry.ErrCanceled)

	_, err = pay(t, ctx, retry.Config{Journal: open(t, retry.Entry{})}, p)
	e := requireOnly(t, err, retry.ErrOutcomeUnknown)
	require.ErrorIs(t, e.Doubt.Blocked, retry.ErrCanceled)
	require.Empty(t, p.sent)
}

func TestRecover(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		journal := new(retry.MemoryJournal)
		const n = 40 // more than are looked at together
		for i := range n {
			e := retry.Entry{ID: fmt.Sprintf("inv-%02d", i), State: retry.EntryOpen, Owner: "crashed", At: time.Now(), Key: "lane"}
			_, err := journal.Begin(t.Context(), e)
			require.NoError(t, err)
		}
		r := newRetrier(t, retry.Config{Nonces: newLane(t)})
		results, err := retry.Recover(t.Context(), r, journal, func(e retry.Entry) (retry.Operation[string], bool) {
			id := e.ID
			op := retry.Operation[string]{Send: func(context.Context) (string, error) { return "sent " + id, nil }}
			op.Verify = func(context.Context) (string, retry.Outcome, error) {
				if id < "inv-20" {
					return "found " + id, retry.Applied, nil
				}
				return "", retry.Absent, nil
			}
			if id == "inv-39" {
				op.ID = "other"
			}
			return op, true
		})
		require.NoError(t, err)
		require.Len(t, results, n)
		for i, result := range results[:n-1] {
			require.Equal(t, fmt.Sprintf("inv-%02d", i), result.ID)
			require.NoError(t, result.Err)
			word := "found "
			if i >= 20 {
				word = "sent "
			}
			require.Equal(t, word+result.ID, result.Value)
		}
		require.ErrorContains(t, results[n-1].Err, "find returned the operation")
		var left []string
		for e, err := range journal.Pending(t.Context()) {
			require.NoError(t, err)
			left = append(left, e.ID)
		}
		require.Equal(t, []string{"inv-39"}, left)
	})
}

func TestRecoverNeedsAList(t *testing.T) {
	type bare struct{ retry.Journal }
	r := newRetrier(t, retry.Config{})
	_, err := retry.Recover[int](t.Context(), r, bare{new(retry.MemoryJournal)}, nil)
	require.ErrorContains(t, err, "PendingJournal")
	_, err = retry.Recover[int](t.Context(), r, new(retry.MemoryJournal), nil)
	require.ErrorContains(t, err, "needs a find function")
	_, err = retry.Recover[int](t.Context(), nil, new(retry.MemoryJournal), nil)
	require.ErrorContains(t, err, "Retrier is nil")
}
