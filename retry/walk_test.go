package retry_test

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/retry"
)

// A payment whose answer is lost: two lookups, and a resend. .ci/sizes counts the
// functions that it walks through, so nothing else happens here.
func TestLostAnswerIsWalked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &payment{sends: []error{errTimeout}, looks: []found{absent}}
		value, err := pay(t, t.Context(), retry.Config{Journal: new(retry.MemoryJournal), Nonces: newLane(t)}, p)
		require.NoError(t, err)
		require.Equal(t, "sent", value)
		require.Len(t, p.sent, 2)
	})
}
