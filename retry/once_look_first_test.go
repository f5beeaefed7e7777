package retry_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/retry"
)

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
		r.Lockout().Lock("lane", breaker.LockCause{Code: "100"})
		p := &payment{looks: []found{absent}, changes: func(op *retry.Operation[string]) { op.LookFirst = true }}
		_, err := retry.DoOnce(t.Context(), r, p.operation())
		e := requireOnly(t, err, retry.ErrOutcomeUnknown)
		require.ErrorIs(t, e.Doubt.Blocked, breaker.ErrLockedOut)
		require.Empty(t, p.sent)
		require.Empty(t, p.looked)
	})
}
