package retry_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// A replay is the same operation again, after the backoff of the last answer: on the
// same key, with a nonce of its own, under a new generation that keeps First (M10).
func TestReplayIsTheSameAgain(t *testing.T) {
	for name, answers := range map[string][]error{
		"lost":                  {errTimeout, errTimeout},
		"a 500, and it again":   {code(500), code(500)},
		"409, bare":             {errTimeout, code(409)},
		"409, a code unknown":   {code(409, "7"), code(409, "7")},
		"no connection":         {errTimeout, errRefused},
		"an unreadable success": {classify.Undecodable(errors.New("x")), errTimeout},
	} {
		for _, pool := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/pool %v", name, pool), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					journal := new(retry.MemoryJournal)
					cfg := retry.Config{Journal: journal, Nonces: newLane(t), Policies: steady(t, policy.Table{})}
					if pool {
						cfg.Nonces = newPool(t)
					}
					var begun []retry.Entry
					keys := map[string]bool{}
					p := &payment{sends: answers, looks: []found{undecided}, changes: keyed}
					p.onSend = func(ctx context.Context) {
						begun = append(begun, held(t, journal))
						ticket, _ := nonce.FromContext(ctx)
						keys[ticket.Key()] = true
					}
					v, err := pay(t, t.Context(), cfg, p)
					require.NoError(t, err)
					require.Equal(t, "sent", v)
					require.Equal(t, seconds(0, 1, 3), p.sent)
					require.Empty(t, p.looked)
					require.Len(t, keys, 1)
					for i, e := range begun {
						require.EqualValues(t, i+1, e.Generation)
						require.True(t, begun[0].At.Equal(e.First))
						require.Equal(t, p.nonces[i], e.Nonce)
						require.True(t, keys[e.Key])
					}
					require.Equal(t, retry.EntryApplied, held(t, journal).State)
				})
			})
		}
	}
}

// What the server asks for in a 409 is waited for.
func TestReplayHonoursRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &payment{sends: []error{errTimeout, &classify.Error{Status: 409, RetryAfter: 7 * time.Second}}, changes: keyed}
		_, err := pay(t, t.Context(), retry.Config{Policies: steady(t, policy.Table{})}, p)
		require.NoError(t, err)
		require.Equal(t, seconds(0, 1, 8), p.sent)
	})
}

// What ends replays leaves the doubt as it was: it is looked into, and only what
// Verify says twice lets the class of the last answer decide (M4, M10).
func TestAfterTheLastReplay(t *testing.T) {
	free := retry.NoBudget()
	small := func(t testing.TB) *retry.Budget {
		b, err := retry.NewBudget(retry.BudgetConfig{Capacity: 10, Deposit: policy.None})
		require.NoError(t, err)
		return b
	}
	for name, tt := range map[string]struct {
		sends  []error
		budget func(testing.TB) *retry.Budget
		table  policy.Table
		sent   int
		want   error // where Verify says Absent
	}{
		"attempts":            {repeated(errTimeout, 9), nil, policy.Table{}, 4, retry.ErrAttempts},
		"attempts, of 500s":   {repeated(code(500), 9), nil, policy.Table{}, 4, retry.ErrAttempts},
		"attempts, of 409s":   {repeated(code(409), 9), nil, policy.Table{}, 4, retry.ErrAttempts},
		"budget":              {repeated(errTimeout, 9), small, policy.Table{}, 2, retry.ErrBudget},
		"refused":             {[]error{errTimeout, code(400, "30010")}, nil, policy.Table{}, 2, retry.ErrFixAndResend},
		"refused for good":    {[]error{errTimeout, code(403, "80")}, nil, policy.Table{}, 2, retry.ErrFatal},
		"an error unknown":    {[]error{errTimeout, errors.New("strange")}, nil, policy.Table{}, 2, retry.ErrUnclassified},
		"one send is allowed": {[]error{errTimeout}, nil, policy.Table{Default: policy.Policy{MaxAttempts: 1}}, 1, retry.ErrAttempts},
	} {
		for verify, look := range map[string]found{"applied": applied, "absent": absent, "undecided": undecided} {
			for _, journal := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%s/journal %v", name, verify, journal), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						cfg := retry.Config{Budget: free, Policies: steady(t, tt.table)}
						if tt.budget != nil {
							cfg.Budget = tt.budget(t)
						}
						if journal {
							cfg.Journal = new(retry.MemoryJournal)
						}
						p := &payment{sends: tt.sends, looks: []found{look}, changes: keyed}
						v, err := pay(t, t.Context(), cfg, p, fixes(t))
						require.Len(t, p.sent, tt.sent)
						require.NotEmpty(t, p.looked)
						state := retry.EntryOpen
						switch verify {
						case "applied":
							require.NoError(t, err)
							require.Equal(t, "verified", v)
							state = retry.EntryApplied
						case "absent":
							require.Equal(t, classify.NotApplied, requireOnly(t, err, tt.want).Effect)
							state = retry.EntryNotApplied
						default:
							require.Equal(t, classify.Unknown, requireOnly(t, err, retry.ErrOutcomeUnknown).Effect)
						}
						if journal {
							require.Equal(t, state, held(t, cfg.Journal).State)
						}
					})
				})
			}
		}
	}
}

// MaxElapsed bounds replays, and leaves out the time of the looking: what is then known
// not to have happened may be sent again.
func TestReplaysTakeTime(t *testing.T) {
	for look, sent := range map[found][]time.Duration{applied: seconds(0, 1), absent: seconds(0, 1, 41)} {
		synctest.Test(t, func(t *testing.T) {
			cfg := retry.Config{Policies: steady(t, policy.Table{Default: policy.Policy{MaxElapsed: 2 * time.Second}})}
			p := &payment{sends: repeated(errTimeout, 2), looks: []found{look}, changes: keyed}
			_, err := pay(t, t.Context(), cfg, p)
			require.NoError(t, err)
			require.Equal(t, sent, p.sent)
		})
	}
}

// A nonce that is refused is no answer about a replay: it is looked up.
func TestReplayWithARefusedNonce(t *testing.T) {
	for _, noReplay := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			p := &payment{sends: []error{errTimeout, code(403, "50")}, looks: []found{applied}}
			p.changes = func(op *retry.Operation[string]) { keyed(op); op.NoReplay = noReplay }
			v, err := pay(t, t.Context(), retry.Config{Nonces: newLane(t)}, p)
			require.NoError(t, err)
			require.Equal(t, "verified", v)
			require.Len(t, p.sent, 2)
		})
	}
}

// An open breaker bounds replays like any resend; the doubt stands, and waits for it.
func TestReplayAtAnOpenBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker(t, breaker.Config{ConsecutiveFailures: 1})
		p := &payment{sends: []error{errTimeout}, looks: []found{applied}, changes: keyed}
		v, err := pay(t, t.Context(), retry.Config{Breaker: b}, p)
		require.NoError(t, err)
		require.Equal(t, "verified", v)
		require.Len(t, p.sent, 1)
		require.GreaterOrEqual(t, p.looked[0], 2*time.Second)
	})
}

// Of a journal that was lost nobody knows when the first send was: with LookFirst it is
// asked for, and not replayed.
func TestLookFirstIsNoReplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &payment{looks: []found{absent}}
		p.changes = func(op *retry.Operation[string]) { keyed(op); op.LookFirst = true }
		_, err := pay(t, t.Context(), retry.Config{}, p)
		require.NoError(t, err)
		require.GreaterOrEqual(t, p.sent[0], 40*time.Second)
		require.GreaterOrEqual(t, len(p.looked), 2)
	})
}
