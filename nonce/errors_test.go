package nonce_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/nonce"
)

// S1: every error of the package's own says that its text is fit to be logged,
// and that text is all of it.
func TestErrorsAreFitToBeLogged(t *testing.T) {
	over, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("https://example.com/?secret"))
	pool, lanes := newPool(t, "main", "other")
	_, endedOnKey := lanes[0].Enter(over)
	_, ended := pool.Enter(over)
	_, noTicket := nonce.NewTicket("a", 5, func(context.Context, bool) (*nonce.Ticket, error) { return nil, nil }, nil).Resync(t.Context())
	_, noFile := nonce.NewLane(nonce.LaneConfig{Key: "main", HighWater: filepath.Join(t.TempDir(), "none", "file")})

	for want, err := range map[string]error{
		"nonce: no nonce is left":                             nonce.ErrExhausted,
		"nonce: the turn is over":                             nonce.ErrLeft,
		"nonce: the source of this ticket cannot resync":      nonce.ErrNoResync,
		"nonce: unknown key":                                  nonce.ErrUnknownKey,
		"the lane was closed":                                 nonce.ErrClosed,
		`nonce: no turn on key "main": context canceled`:      endedOnKey,
		"nonce: no turn: context canceled":                    ended,
		(&nonce.ExhaustedError{Key: "main", Last: 1}).Error(): &nonce.ExhaustedError{Key: "main", Last: 1},
		(&nonce.ForeignError{Key: "main"}).Error():            &nonce.ForeignError{Key: "main"},
		`nonce: no turn on key "main" before the deadline in 2s: 3 wait already, which takes at least 4s`: &nonce.WaitError{
			Key: "main", Ahead: 3, Wait: 4*time.Second + 1, Left: 2*time.Second - 1},
		noFile.Error(): noFile,
		"nonce: the source's renew returned no ticket": noTicket,
	} {
		safe, ok := err.(interface{ SafeError() string })
		require.True(t, ok, "%T", err)
		require.Equal(t, want, safe.SafeError())
		require.Equal(t, want, err.Error())
		require.NotContains(t, want, "secret")
	}
	require.NotErrorIs(t, &nonce.ExhaustedError{}, nonce.ErrClosed)
}

func TestEventKindStrings(t *testing.T) {
	for want, k := range map[string]nonce.EventKind{
		"foreign writer": nonce.EventForeign, "high-water file": nonce.EventHighWater, "EventKind(0)": 0,
	} {
		require.Equal(t, want, k.String())
	}
}
