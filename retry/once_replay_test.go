package retry_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
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
		"409, a code unknown":   {code(409, 7), code(409, 7)},
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
		"refused":             {[]error{errTimeout, code(400, 30010)}, nil, policy.Table{}, 2, retry.ErrFixAndResend},
		"refused for good":    {[]error{errTimeout, code(403, 80)}, nil, policy.Table{}, 2, retry.ErrFatal},
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
			p := &payment{sends: []error{errTimeout, code(403, 50)}, looks: []found{applied}}
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
		require.GreaterOrEqual(t, p.looked[0], 8*time.Second)
	})
}

// A Begin that another process overtakes, or that the journal fails to store, is no
// leave for a replay; what this call sent before stays in doubt (M6).
func TestReplayWithoutTheJournal(t *testing.T) {
	other := func(state retry.EntryState) func(*fault, *retry.Entry) error {
		return func(j *fault, e *retry.Entry) error {
			theirs := *e
			theirs.Owner = "other"
			got, err := j.MemoryJournal.Begin(context.Background(), theirs)
			if got.State = state; err == nil && state != retry.EntryOpen {
				err = j.MemoryJournal.End(context.Background(), got)
			}
			return err
		}
	}
	for name, tt := range map[string]struct {
		inherited bool
		begin     func(*fault, *retry.Entry) error
		look      found
		want      error
		looked    bool
	}{
		"it fails, and it happened":            {false, func(*fault, *retry.Entry) error { return errors.New("disk full") }, applied, nil, true},
		"it fails, and nobody knows":           {false, func(*fault, *retry.Entry) error { return errors.New("disk full") }, undecided, retry.ErrOutcomeUnknown, true},
		"overtaken after a send":               {false, other(retry.EntryOpen), applied, retry.ErrOutcomeUnknown, false},
		"overtaken before any send":            {true, other(retry.EntryOpen), applied, retry.ErrBusy, false},
		"overtaken by one who has done it":     {false, other(retry.EntryApplied), applied, nil, true},
		"the same, of an entry that was there": {true, other(retry.EntryApplied), applied, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				journal := &fault{}
				want := 1
				if tt.inherited {
					_, err := journal.MemoryJournal.Begin(t.Context(), retry.Entry{ID: "inv-7", State: retry.EntryOpen, Owner: "crashed", At: time.Now(), First: time.Now()})
					require.NoError(t, err)
					want = 0
				}
				writes := 0
				journal.onBegin = func(_ int, e *retry.Entry) error {
					if e.Generation == retry.ReadGeneration {
						return nil
					}
					if writes++; writes <= want {
						return nil
					}
					return tt.begin(journal, e)
				}
				p := &payment{sends: []error{errTimeout}, looks: []found{tt.look}, changes: keyed}
				_, err := pay(t, t.Context(), retry.Config{Journal: journal}, p)
				require.Len(t, p.sent, want)
				require.Equal(t, tt.looked, len(p.looked) > 0)
				if tt.want == nil {
					require.NoError(t, err)
					return
				}
				requireOnly(t, err, tt.want)
			})
		})
	}
}

// An API that keeps keys applies once, however many processes replay at once.
func TestProcessesThatReplayTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		journal, b := new(retry.MemoryJournal), newTill()
		var under sync.Mutex
		op := func() retry.Operation[string] {
			return retry.Operation[string]{
				ID: "inv-7", Idempotent: 24 * time.Hour, Verify: b.find("inv-7"),
				Send: func(ctx context.Context) (string, error) {
					connected(ctx)
					if !under.TryLock() {
						return "", code(409)
					}
					defer under.Unlock()
					if b.count("inv-7") == 0 {
						time.Sleep(8 * time.Second)
						b.apply("inv-7")
					}
					if time.Now().Second()%3 == 0 {
						return "", errTimeout
					}
					return "sent", nil
				},
			}
		}
		errs := make([]error, 5)
		var all sync.WaitGroup
		for i := range errs {
			all.Go(func() {
				time.Sleep(time.Duration(i) * 700 * time.Millisecond)
				_, errs[i] = retry.DoOnce(t.Context(), newRetrier(t, retry.Config{Journal: journal}), op())
			})
		}
		all.Wait()
		require.Equal(t, 1, b.count("inv-7"))
		for _, err := range errs {
			require.True(t, err == nil || errors.Is(err, retry.ErrOutcomeUnknown) || errors.Is(err, retry.ErrBusy), "%v", err)
		}
		require.Equal(t, retry.EntryApplied, held(t, journal).State)
	})
}

// Another fingerprint is refused before the wire, also in a Begin that comes second.
func TestReplayOfAnotherFingerprint(t *testing.T) {
	for state, want := range map[retry.EntryState]error{
		retry.EntryOpen: retry.ErrOutcomeUnknown, retry.EntryApplied: retry.ErrOutcomeUnknown, retry.EntryNotApplied: retry.ErrFixAndResend,
	} {
		synctest.Test(t, func(t *testing.T) {
			journal := open(t, retry.Entry{Fingerprint: "f", First: time.Now()})
			if e := held(t, journal); state != retry.EntryOpen {
				e.State = state
				require.NoError(t, journal.End(t.Context(), e))
			}
			before := held(t, journal)
			p := &payment{looks: []found{applied}}
			p.changes = func(op *retry.Operation[string]) { keyed(op); op.Fingerprint = "g" }
			_, err := pay(t, t.Context(), retry.Config{Journal: journal}, p)
			requireOnly(t, err, want)
			require.Empty(t, p.sent)
			require.Empty(t, p.looked)
			require.Equal(t, before, held(t, journal))
		})
	}
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

// A panic in a replay is doubt like any other, and releases the ID.
func TestPanicInAReplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		journal := new(retry.MemoryJournal)
		r := newRetrier(t, retry.Config{Journal: journal, Nonces: newLane(t)})
		p := &payment{sends: []error{errTimeout}, looks: []found{applied}, changes: keyed}
		p.onSend = func(context.Context) {
			if len(p.sent) == 2 {
				panic("x")
			}
		}
		require.PanicsWithValue(t, "x", func() { _, _ = retry.DoOnce(t.Context(), r, p.operation()) })
		require.Equal(t, retry.EntryOpen, held(t, journal).State)
		v, err := retry.DoOnce(t.Context(), r, p.operation())
		require.NoError(t, err)
		require.Equal(t, "sent", v, "replayed once more")
		require.Len(t, p.sent, 3)
	})
}
