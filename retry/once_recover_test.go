package retry_test

import (
	"context"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/retry"
)

// An operation that never comes back to Recover has not happened for all that is
// known, nor not happened. It stays open, and harms no other.
func TestRecoverWhatPanicsOrExits(t *testing.T) {
	for name, tt := range map[string]struct {
		leave func()
		why   string
	}{
		"panic": {func() { panic("IBAN") }, "panicked with a string"},
		"exit":  {runtime.Goexit, "ended its goroutine"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				journal := open(t, retry.Entry{})
				_, err := journal.Begin(t.Context(), retry.Entry{ID: "inv-8", State: retry.EntryOpen, At: time.Now().Add(1)})
				require.NoError(t, err)
				r := newRetrier(t, retry.Config{})
				results, err := retry.Recover(t.Context(), r, journal, func(e retry.Entry) (retry.Operation[string], bool) {
					id := e.ID
					p := &payment{looks: []found{absent}}
					if id == "inv-7" {
						p.onSend = func(context.Context) { tt.leave() }
					}
					op := p.operation()
					op.ID = id
					return op, true
				})
				require.NoError(t, err)
				require.Len(t, results, 2)
				require.Empty(t, results[0].Value)
				e := requireOnly(t, results[0].Err, retry.ErrOutcomeUnknown)
				require.ErrorContains(t, e.Doubt.Blocked, tt.why)
				require.NotContains(t, e.Error(), "IBAN")
				require.Equal(t, retry.EntryOpen, held(t, journal).State)
				require.NoError(t, results[1].Err)
				require.Equal(t, "sent", results[1].Value)
			})
		})
	}
}

// A release that builds fingerprints differently cannot finish what an earlier one left
// open; it must not say that it did not happen (M6), and leaves the entry as it is.
func TestRecoverUnderAnotherFingerprint(t *testing.T) {
	for name, tt := range map[string]struct {
		held, ours string
		paid       bool
	}{
		"another form":    {"v1:abc", "v2:abc", false},
		"another payment": {"v1:abc", "v1:abd", false},
		"none any more":   {"v1:abc", "", true},
		"none before":     {"", "v2:abc", true},
		"the same":        {"v1:abc", "v1:abc", true},
	} {
		for what, look := range map[string]found{"applied": applied, "absent": absent} {
			t.Run(name+", "+what, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					journal := open(t, retry.Entry{Fingerprint: tt.held})
					before := held(t, journal)
					p := &payment{looks: []found{look}}
					p.changes = func(op *retry.Operation[string]) { op.Fingerprint = tt.ours }
					results, err := retry.Recover(t.Context(), newRetrier(t, retry.Config{}), journal, func(retry.Entry) (retry.Operation[string], bool) { return p.operation(), true })
					require.NoError(t, err)
					require.Len(t, results, 1)
					if tt.paid {
						require.NoError(t, results[0].Err)
						require.Equal(t, retry.EntryApplied, held(t, journal).State)
						return
					}
					e := requireOnly(t, results[0].Err, retry.ErrOutcomeUnknown)
					require.ErrorContains(t, e.Doubt.Blocked, "the fingerprints differ")
					require.Equal(t, classify.Unknown, e.Effect)
					require.Empty(t, p.sent)
					require.Equal(t, before, held(t, journal))
				})
			})
		}
	}
}

// Operations that are keyed by the API are replayed at once, and not waited for.
func TestRecoverReplays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		journal := open(t, retry.Entry{Key: "lane", Nonce: 7, First: time.Now()})
		p := &payment{changes: keyed}
		results, err := retry.Recover(t.Context(), newRetrier(t, retry.Config{Nonces: newLane(t)}), journal, func(retry.Entry) (retry.Operation[string], bool) { return p.operation(), true })
		require.NoError(t, err)
		require.NoError(t, results[0].Err)
		require.Equal(t, "sent", results[0].Value)
		require.Zero(t, p.now())
		require.Empty(t, p.looked)
	})
}
