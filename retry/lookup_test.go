package retry_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// A lookup whose nonce was refused keeps its turn the next time, so that the lane
// learns of it.
func TestRefusedLookupBringsTheLaneForward(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &payment{sends: []error{errTimeout}, looks: []found{{err: code(403, 50)}, {err: code(403, 50)}, applied}}
		p.onLook = func(ctx context.Context) {
			if len(p.looked) == 1 {
				time.Sleep(2 * time.Second) // its turn is given back meanwhile
			}
		}
		_, err := pay(t, t.Context(), retry.Config{Nonces: newLane(t)}, p)
		require.NoError(t, err)
		require.Len(t, p.looked, 3)
		require.Equal(t, p.looked[1], p.looked[2], "sent again at once, in the same turn")
	})
}

// MaxElapsed bounds sends, not looking: a lookup takes a newer nonce whatever it is, and a send does not once the time is up.
func TestMaxElapsedBoundsNoLookup(t *testing.T) {
	late := policy.Table{Default: policy.Policy{MaxElapsed: 100 * time.Millisecond}}
	synctest.Test(t, func(t *testing.T) {
		p := &payment{sends: []error{errTimeout}, looks: []found{{err: code(403, 50)}, applied}}
		p.onLook = func(context.Context) { time.Sleep(500 * time.Millisecond) } // and keeps its turn
		_, err := pay(t, t.Context(), retry.Config{Policies: steady(t, late), Nonces: newLane(t)}, p)
		require.NoError(t, err)
		require.Len(t, p.looked, 2)
		require.Equal(t, p.looked[0]+500*time.Millisecond, p.looked[1], "at once, in the same turn")
	})
	synctest.Test(t, func(t *testing.T) {
		p := &payment{sends: []error{code(403, 50)}, changes: func(op *retry.Operation[string]) { op.NoReplay = true }}
		p.onSend = func(context.Context) { time.Sleep(500 * time.Millisecond) }
		_, err := pay(t, t.Context(), retry.Config{Policies: steady(t, late), Nonces: newLane(t)}, p)
		e := asError(t, err)
		require.Equal(t, retry.ErrElapsed, e.Reason)
		require.Equal(t, classify.NotApplied, e.Effect)
		require.Len(t, p.sent, 1)
	})
}

// One bare status in a lookup ends nothing; the API's own word does (M5).
func TestWhatEndsLooking(t *testing.T) {
	for name, tt := range map[string]struct {
		err  error
		ends bool
	}{
		"401": {code(401), false}, "403": {code(403), false}, "404": {code(404), false}, "405": {code(405), false},
		"410": {code(410), false}, "502": {code(502), false}, "a code nobody knows": {code(404, 7), false},
		"no answer":     {context.DeadlineExceeded, false},
		"no permission": {code(403, 80), true}, "a locked key": {code(403, 100), true}, "a mistake in the request": {code(400, 30010), false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &payment{sends: []error{errTimeout}, looks: []found{{err: tt.err}, applied}}
				_, err := pay(t, t.Context(), retry.Config{}, p)
				if !tt.ends {
					require.NoError(t, err)
					require.Len(t, p.looked, 2)
					return
				}
				requireOnly(t, err, retry.ErrOutcomeUnknown)
				require.Len(t, p.looked, 1)
			})
		})
	}
}
