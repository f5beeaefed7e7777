package retry_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// When the time of the key is over, to the nanosecond, there is looking only: it is
// counted to the moment at which the replay would begin, less a send, Settle and a
// minute.
func TestEndOfTheReplayWindow(t *testing.T) {
	for name, tt := range map[string]struct {
		timeout, settle, window time.Duration
	}{
		"defaults":           {0, 0, 24*time.Hour - 15*time.Second - 40*time.Second - time.Minute},
		"another Settle":     {0, 5 * time.Second, 24*time.Hour - 15*time.Second - 5*time.Second - time.Minute},
		"another timeout":    {3 * time.Minute, 0, 24*time.Hour - 3*time.Minute - 45*time.Second - time.Minute},
		"no attempt timeout": {policy.None, 0, 24*time.Hour - time.Minute - 45*time.Second - time.Minute},
	} {
		for left, replayed := range map[time.Duration]bool{1: true, 0: false, -1: false} {
			t.Run(fmt.Sprintf("%s/%d ns left", name, left), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					journal := open(t, retry.Entry{At: time.Now(), First: time.Now()})
					time.Sleep(tt.window - left)
					p := &payment{looks: []found{applied}}
					p.changes = func(op *retry.Operation[string]) { keyed(op); op.Settle = tt.settle }
					cfg := retry.Config{Journal: journal, Policies: steady(t, policy.Table{AttemptTimeout: tt.timeout})}
					_, err := pay(t, t.Context(), cfg, p)
					require.NoError(t, err)
					require.Equal(t, replayed, len(p.sent) == 1)
					require.Equal(t, !replayed, len(p.looked) == 1)
				})
			})
		}
	}
}

// Who has to find out what became of a payment is told for how long its key is of use:
// after that, to send it again under the same ID would be to pay again.
func TestDoubtTellsOfItsKey(t *testing.T) {
	const window = 24*time.Hour - 15*time.Second - 40*time.Second - time.Minute
	const until, over = "; it may be sent again under the same ID until 2000-01-01T23:58:05.000Z, while the API keeps its idempotency key; then: ",
		"; its idempotency key expired at 2000-01-01T23:58:05.000Z: sending it again would do it twice; then: "
	for name, tt := range map[string]struct {
		age    time.Duration
		first  bool // it is known when it was first sent with its key
		key    string
		change func(*retry.Operation[string])
		want   string
	}{
		"while it lasts":               {window - time.Hour, true, "", keyed, until},
		"when it is over":              {window, true, "", keyed, over},
		"without a key":                {window, true, "", func(*retry.Operation[string]) {}, ""},
		"first sent without one":       {window, false, "", keyed, ""},
		"nobody knows with whose":      {window, true, "lane", keyed, ""},
		"kept no longer than it takes": {time.Minute, true, "", func(op *retry.Operation[string]) { op.Idempotent = time.Minute }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := retry.Entry{At: time.Now()}
				if tt.first {
					e.First = e.At
				}
				journal := open(t, e)
				time.Sleep(tt.age)
				p := &payment{sends: []error{errTimeout, errTimeout, errTimeout, errTimeout}, changes: func(op *retry.Operation[string]) {
					tt.change(op)
					op.Verify = nil
				}}
				_, err := pay(t, t.Context(), retry.Config{Journal: journal, Key: tt.key, Policies: steady(t, policy.Table{})}, p)
				requireOnly(t, err, retry.ErrOutcomeUnknown)
				doubt := asError(t, err).Doubt
				require.Equal(t, tt.want == "", doubt.Resendable.IsZero())
				if tt.want == "" {
					require.NotContains(t, doubt.String(), "idempotency key")
					return
				}
				require.Contains(t, doubt.String(), tt.want)
				time.Sleep(time.Until(doubt.Resendable))
				require.Contains(t, doubt.String(), over, "it goes by when it is read")
			})
		})
	}
}

// It may be over when the wait before the replay is, or the turn on the key has come.
func TestReplayWindowClosesInTheWait(t *testing.T) {
	const window = 5 * time.Second // 2 min less 5 s for a Begin, 10 s, 40 s and a minute
	short := func(op *retry.Operation[string]) { op.Idempotent = 2 * time.Minute }
	for left, replayed := range map[time.Duration]bool{1: true, 0: false} {
		for _, journal := range []bool{false, true} {
			t.Run(fmt.Sprintf("backoff, %d ns left, journal %v", left, journal), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					p := &payment{sends: []error{&classify.Error{Status: 503, RetryAfter: window - left}}, looks: []found{applied}, changes: short}
					cfg := retry.Config{Policies: steady(t, policy.Table{})}
					if journal {
						cfg.Journal = new(retry.MemoryJournal)
					}
					_, err := pay(t, t.Context(), cfg, p)
					require.NoError(t, err)
					require.Equal(t, replayed, len(p.sent) == 2)
					require.Equal(t, !replayed, len(p.looked) == 1)
				})
			})
		}
		t.Run(fmt.Sprintf("queue, %d ns left", left), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				lane := newLane(t)
				p := &payment{sends: []error{errTimeout}, looks: []found{applied}, changes: short}
				p.onSend = func(context.Context) {
					if len(p.sent) > 1 {
						return
					}
					began := time.Now()
					go func() { // somebody who is next, and takes his time
						turn, err := lane.Enter(t.Context())
						if err == nil {
							time.Sleep(window - left - time.Since(began))
							turn.Leave()
						}
					}()
					synctest.Wait()
				}
				_, err := pay(t, t.Context(), retry.Config{Nonces: lane, Policies: steady(t, policy.Table{})}, p)
				require.NoError(t, err)
				require.Equal(t, replayed, len(p.sent) == 2)
				require.Equal(t, !replayed, len(p.looked) == 1)
			})
		})
	}
}
