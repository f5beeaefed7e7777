package retry_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// keyed is a payment with a key that the API keeps for a day.
func keyed(op *retry.Operation[string]) { op.Idempotent = 24 * time.Hour }

// Within the time of its key, a payment in doubt is sent again as the class of the
// last answer asks, without a lookup; a refusal of a replay speaks for that alone
// (M10).
func TestReplays(t *testing.T) {
	for name, tt := range map[string]struct {
		sends  []error
		looks  []found
		sent   int
		looked bool
		want   error // nil: paid
	}{
		"the answer was lost":               {sends: []error{errTimeout}, sent: 2},
		"still under way, bare":             {sends: []error{errTimeout, code(409)}, sent: 3},
		"still under way, a code of theirs": {sends: []error{errTimeout, code(409, "7")}, sent: 3},
		"the same 500 again":                {sends: []error{code(500), code(500)}, sent: 3},
		"refused, and it had happened":      {sends: []error{errTimeout, code(400, "30010")}, looks: []found{applied}, sent: 2, looked: true},
		"refused, and nobody knows":         {sends: []error{errTimeout, code(400, "30010")}, looks: []found{undecided}, sent: 2, looked: true, want: retry.ErrOutcomeUnknown},
		"a key that was locked since":       {sends: []error{errTimeout, code(403, "100")}, looks: []found{applied}, sent: 2, want: retry.ErrOutcomeUnknown},
		"attempts are used up":              {sends: []error{code(500), code(500), code(500), code(500)}, looks: []found{applied}, sent: 4, looked: true},
		"nobody knows that error":           {sends: []error{errors.New("strange")}, looks: []found{applied}, sent: 1, looked: true},
		"never in doubt":                    {sends: []error{code(400, "30010")}, sent: 1, want: retry.ErrFixAndResend},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &payment{sends: tt.sends, looks: tt.looks, onSend: connected, changes: keyed}
				_, err := pay(t, t.Context(), retry.Config{Nonces: newLane(t), Journal: new(retry.MemoryJournal), Budget: retry.NoBudget()}, p)
				if tt.want == nil {
					require.NoError(t, err)
				} else {
					requireOnly(t, err, tt.want)
				}
				require.Len(t, p.sent, tt.sent)
				require.Equal(t, tt.looked, len(p.looked) > 0)
				for i := range p.nonces[1:] {
					require.Less(t, p.nonces[i], p.nonces[i+1], "each with a nonce of its own")
				}
			})
		})
	}
}

// The window is counted from the first send, less a Begin and a send, Settle and a minute; an
// entry keeps that moment over generations.
func TestReplayWindow(t *testing.T) {
	window := 24*time.Hour - 15*time.Second - 40*time.Second - time.Minute
	for left, replayed := range map[time.Duration]bool{time.Nanosecond: true, 0: false} {
		synctest.Test(t, func(t *testing.T) {
			journal := open(t, retry.Entry{Key: "lane", At: time.Now(), First: time.Now(), Takes: time.Second})
			first := held(t, journal).First
			time.Sleep(window - left)
			p := &payment{looks: []found{applied}, changes: keyed}
			_, err := pay(t, t.Context(), retry.Config{Journal: journal, Key: "lane"}, p)
			require.NoError(t, err)
			require.Equal(t, replayed, len(p.sent) == 1)
			require.Equal(t, !replayed, len(p.looked) > 0)
			require.True(t, first.Equal(held(t, journal).First))
		})
	}
}

// Another process's time need not be waited for (M10), but its fingerprint counts,
// and an entry that does not say when it was first sent is too old.
func TestReplayOfAnotherProcess(t *testing.T) {
	for name, tt := range map[string]struct {
		entry  retry.Entry
		change func(*retry.Operation[string])
		sent   int
		want   error
	}{
		"at once":                   {entry: retry.Entry{Key: "lane", First: time.Unix(946684800, 0)}, sent: 1},
		"sent without a key":        {entry: retry.Entry{Key: "lane"}, want: retry.ErrOutcomeUnknown},
		"an API key without a name": {entry: retry.Entry{First: time.Unix(946684800, 0)}, want: retry.ErrOutcomeUnknown},
		"another fingerprint":       {entry: retry.Entry{Key: "lane", Fingerprint: "f"}, change: func(op *retry.Operation[string]) { op.Fingerprint = "g" }, want: retry.ErrOutcomeUnknown},
		"a key for too short":       {entry: retry.Entry{Key: "lane"}, change: func(op *retry.Operation[string]) { op.Idempotent = 100 * time.Second }, want: retry.ErrOutcomeUnknown},
		"a second Begin, no moment": {entry: retry.Entry{Key: "lane", Owner: "again"}, want: retry.ErrOutcomeUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tt.entry.At = time.Now()
				journal := open(t, tt.entry)
				if tt.entry.Owner == "again" {
					e := held(t, journal)
					_, err := journal.Begin(t.Context(), e)
					require.NoError(t, err)
				}
				p := &payment{looks: []found{undecided}}
				p.changes = func(op *retry.Operation[string]) {
					keyed(op)
					if tt.change != nil {
						tt.change(op)
					}
				}
				_, err := pay(t, t.Context(), retry.Config{Journal: journal, Key: "lane"}, p)
				require.Len(t, p.sent, tt.sent)
				if tt.want == nil {
					require.NoError(t, err)
					require.Zero(t, p.sent[0])
					return
				}
				requireOnly(t, err, tt.want)
			})
		})
	}
}

// What bounds resends bounds replays: then the doubt stands, and is looked into.
func TestWhatEndsReplays(t *testing.T) {
	empty, err := retry.NewBudget(retry.BudgetConfig{Capacity: 10, Deposit: policy.None})
	require.NoError(t, err)
	synctest.Test(t, func(t *testing.T) {
		p := &payment{sends: []error{code(500), code(500), code(500)}, looks: []found{applied}, changes: keyed, onSend: connected}
		_, err := pay(t, t.Context(), retry.Config{Budget: empty}, p)
		require.NoError(t, err, "found")
		require.Len(t, p.sent, 2, "the budget pays for one resend")
		require.NotEmpty(t, p.looked)
	})
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		p := &payment{sends: []error{code(500)}, changes: keyed, looks: []found{undecided}}
		p.onSend = func(ctx context.Context) { connected(ctx); time.AfterFunc(time.Millisecond, cancel) }
		_, err := pay(t, ctx, retry.Config{}, p)
		e := requireOnly(t, err, retry.ErrOutcomeUnknown)
		require.Equal(t, retry.ErrCanceled, e.Doubt.Blocked)
		require.Len(t, p.sent, 1)
	})
}
