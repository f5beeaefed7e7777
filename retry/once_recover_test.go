package retry_test

import (
	"context"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

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
				results, err := retry.Recover(t.Context(), r, journal, func(id string) retry.Operation[string] {
					p := &payment{looks: []found{absent}}
					if id == "inv-7" {
						p.onSend = func(context.Context) { tt.leave() }
					}
					op := p.operation()
					op.ID = id
					return op
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
