package nonce_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/nonce"
)

// A Resync that ended with its context may be called again. The API has refused one nonce only: nobody else is behind that,
// and the lane stays where it is.
func TestResyncAgainAfterItsContextEnded(t *testing.T) {
	for name, inVain := range map[string]func(t *testing.T, m *memory, l *nonce.Lane, ticket *nonce.Ticket) (back func()){
		"while the disk hung": func(t *testing.T, m *memory, _ *nonce.Lane, ticket *nonce.Ticket) func() {
			time.Sleep(time.Minute) // the mark is behind the clock
			back := m.hangs()
			resyncInVain(t, ticket)
			return back
		},
		"while the disk hung, twice": func(t *testing.T, m *memory, _ *nonce.Lane, ticket *nonce.Ticket) func() {
			time.Sleep(time.Minute)
			back := m.hangs()
			resyncInVain(t, ticket)
			resyncInVain(t, ticket)
			return back
		},
		"behind a turn that is alone": func(t *testing.T, _ *memory, l *nonce.Lane, ticket *nonce.Ticket) func() {
			alone := enter(t, l)
			for range 2 {
				higher := enter(t, l)
				var err error
				alone, err = alone.Resync(t.Context())
				require.NoError(t, err)
				higher.Leave()
			}
			before := l.Stats().Refusals
			resyncInVain(t, ticket)
			resyncInVain(t, ticket)
			require.Equal(t, before+1, l.Stats().Refusals)
			return alone.Leave
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := &memory{}
				var foreign []nonce.Event
				l := m.lane(t, nonce.LaneConfig{InFlight: 3, OnEvent: func(e nonce.Event) {
					if e.Kind == nonce.EventForeign {
						foreign = append(foreign, e)
					}
				}})
				ticket := enter(t, l)
				inVain(t, m, l, ticket)()
				newer, err := ticket.Resync(t.Context())
				require.NoError(t, err)
				require.Empty(t, foreign)
				require.Zero(t, l.Stats().Jumps)
				require.Less(t, l.Stats().Ahead, time.Second)

				second, err := newer.Resync(t.Context()) // this one was sent, and refused
				require.NoError(t, err)
				require.Len(t, foreign, 1, "two in a row are another matter")
				second.Leave()
				require.NoError(t, l.Close())
			})
		})
	}
}

func resyncInVain(t *testing.T, ticket *nonce.Ticket) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := ticket.Resync(ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

// A lane that has given up says so as often as it is asked.
func TestResyncAgainAfterAForeignError(t *testing.T) {
	l := newLane(t, nonce.LaneConfig{MaxAhead: time.Millisecond})
	ticket := enter(t, l)
	ticket, err := ticket.Resync(t.Context())
	require.NoError(t, err)
	for range 3 {
		_, err = ticket.Resync(t.Context())
		_, foreign := err.(*nonce.ForeignError)
		require.True(t, foreign, "%v", err)
	}
	ticket.Leave()
}
