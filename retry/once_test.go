package retry_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"math"
	"runtime"
	"slices"
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

func TestOnceSucceeds(t *testing.T) {
	p := &payment{}
	value, err := pay(t, t.Context(), retry.Config{}, p)
	require.NoError(t, err)
	require.Equal(t, "sent", value)
	require.Len(t, p.sent, 1)
	require.Empty(t, p.looked)
}

// What is proof that a send changed nothing, and what is doubt (M3). With proof
// the class decides at once; with doubt Verify is asked before anything else.
func TestProof(t *testing.T) {
	cut := classify.Decode(400, nil, []byte(`{"errors":[{"code":30010}`))
	details := make([]classify.Code, 17)
	for i := range details {
		details[i] = "30010"
	}
	for name, tt := range map[string]struct {
		err      error
		noReplay bool
		on       func(context.Context) // what net/http reports of the send
		proof    bool
	}{
		"a refusal":                            {err: code(400, "30010"), proof: true},
		"a locked key":                         {err: code(403, "100"), proof: true},
		"suspended":                            {err: code(403, "130"), proof: true},
		"a connection that was never made":     {err: errRefused, on: asked, proof: true},
		"a network that swallows packets":      {err: errTimeout, on: asked, proof: true},
		"an odd name for that":                 {err: errors.New("x"), on: asked, proof: true},
		"refused, and nobody saw net/http":     {err: errRefused},
		"the same, replays ruled out":          {err: errRefused, noReplay: true, proof: true},
		"refused after a connection":           {err: errRefused, on: connected, noReplay: true},
		"an answer without a connection":       {err: code(500), on: asked},
		"a refusal of the second request":      {err: code(400, "30010"), on: twice},
		"the same, replays ruled out too":      {err: code(400, "30010"), on: twice, noReplay: true, proof: true},
		"a refusal of the only request":        {err: code(400, "30010"), on: connected, proof: true},
		"a refusal with a code nobody knows":   {err: code(400, "7"), on: connected},
		"a vouched mistake":                    {err: notSent{}, proof: true},
		"a vouched mistake on the wire":        {err: notSent{}, on: connected},
		"code 50, replays ruled out":           {err: code(403, "50"), noReplay: true, proof: true},
		"code 50":                              {err: code(403, "50")},
		"code 50 behind another":               {err: code(403, "30010", "50")},
		"a code in a 5xx":                      {err: code(500, "30010")},
		"-32603":                               {err: code(500, "-32603")},
		"a bare 4xx":                           {err: code(400)},
		"an unreadable code":                   {err: code(400, "")},
		"408":                                  {err: code(408, "30010")},
		"409":                                  {err: code(409, "30010")},
		"425":                                  {err: code(425, "30010")},
		"429":                                  {err: code(429, "30010")},
		"a redirect":                           {err: code(307, "30010")},
		"errors in a 2xx":                      {err: code(200, "30010")},
		"cut":                                  {err: cut},
		"more errors than are kept":            {err: code(400, details...)},
		"an unreadable 2xx":                    {err: classify.Undecodable(errors.New("x"))},
		"no answer":                            {err: errTimeout},
		"an error nobody knows":                {err: errors.New("x")},
		"a code that the caller's client read": {err: coded(30010), on: connected, proof: true},
		"such a code that no rule knows":       {err: coded(7)},
		"such a code 50":                       {err: coded(50)},
		"such a code that proves nothing":      {err: coded(-32603)},
		"such a code and a status of doubt":    {err: codedStatus{30010, 503}},
		"such a code and a status":             {err: codedStatus{30010, 400}, proof: true},
		"joined, and they agree":               {err: errors.Join(code(400, "30010"), notSent{}), proof: true},
		"joined, and they do not":              {err: errors.Join(code(400, "30010"), errTimeout)},
		"joined with an error nobody knows":    {err: errors.Join(code(400, "30010"), errors.New("x"))},
		"a call inside that gave up":           {err: &retry.Error{Reason: retry.ErrFatal, Last: code(400, "30010")}},
		"code 50 in a 5xx, replays ruled out":  {err: code(500, "50"), noReplay: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &payment{sends: []error{tt.err}, looks: []found{applied}}
				p.changes = func(op *retry.Operation[string]) { op.NoReplay = tt.noReplay }
				p.onSend = tt.on
				_, err := pay(t, t.Context(), retry.Config{Policies: policy.Nexpay()}, p)
				require.Equal(t, !tt.proof, len(p.looked) > 0, "%v", err)
				if !tt.proof {
					require.NoError(t, err, "Applied wins")
					require.Len(t, p.sent, 1)
				}
			})
		})
	}
}

// A dial error proves nothing if a connection was made before it: a retrying
// client below shows us its second try.
func TestHiddenReplayIsDoubt(t *testing.T) {
	p := &payment{sends: []error{errRefused}, looks: []found{applied}, onSend: connected}
	value, err := pay(t, t.Context(), retry.Config{}, p)
	require.NoError(t, err)
	require.Equal(t, "verified", value)
	require.Len(t, p.sent, 1)
}

// The caller's own trace is told as well.
func TestOnceKeepsTheCallersTrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &payment{sends: []error{code(400, "30010"), code(400, "30000")}, onSend: connected}
		told := 0
		_, err := pay(t, withTrace(t.Context(), func() { told++ }), retry.Config{}, p,
			retry.Fix(func(context.Context, *classify.Error) (bool, error) { return true, nil }))
		require.NoError(t, err)
		require.Equal(t, 3, told, "once per send")
	})
}

// Absent twice, the second lookup beginning Settle after the first was answered,
// allows another send (M4); lookups in between are for Applied.
func TestOutOfDoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &payment{sends: []error{errTimeout}, looks: []found{absent}}
		p.onLook = func(context.Context) { time.Sleep(100 * time.Millisecond) }
		value, err := pay(t, t.Context(), retry.Config{Nonces: newLane(t)}, p)
		require.NoError(t, err)
		require.Equal(t, "sent", value)
		require.Len(t, p.sent, 2)
		last := p.looked[len(p.looked)-1]
		due := 40*time.Second + 100*time.Millisecond // Settle after the answer to the first
		require.GreaterOrEqual(t, last, due)
		require.LessOrEqual(t, last, due+100*time.Millisecond, "at once, if another one was under way then")
		require.GreaterOrEqual(t, p.sent[1], last)
		require.Less(t, p.sent[1]-last, time.Second, "the waiting was done")
		require.True(t, slices.IsSorted(p.nonces))
		require.Len(t, slices.Compact(p.nonces), len(p.sent)+len(p.looked))
	})
}

func TestAppliedIsFoundWhileWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &payment{sends: []error{errTimeout}, looks: []found{absent, undecided, applied}}
		value, err := pay(t, t.Context(), retry.Config{}, p)
		require.NoError(t, err)
		require.Equal(t, "verified", value)
		require.Len(t, p.sent, 1)
		require.Less(t, p.now(), 40*time.Second)
	})
}

// Absent with an error is Undecided.
func TestAbsentWithAnErrorIsNoEvidence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &payment{sends: []error{errTimeout}, looks: []found{{retry.Absent, code(503)}}}
		_, err := pay(t, t.Context(), retry.Config{}, p)
		e := requireOnly(t, err, retry.ErrOutcomeUnknown)
		require.Len(t, p.sent, 1)
		require.Zero(t, e.Doubt.Absent)
		require.Equal(t, 10*time.Minute, p.now().Round(20*time.Second))
		require.Contains(t, err.Error(), "GiveUp elapsed before the outcome was known")
	})
}

// While in doubt every other end is ErrOutcomeUnknown, and what stood in the way
// is in Doubt.Blocked (M5).
func TestNoWayRoundDoubt(t *testing.T) {
	for name, tt := range map[string]struct {
		look    found
		change  func(*retry.Operation[string])
		blocked error
		text    string
	}{
		"no Verify":         {look: absent, change: func(op *retry.Operation[string]) { op.Verify = nil }, text: "it cannot be looked up"},
		"Verify panics":     {look: absent, change: panics, text: "Verify panicked with a string"},
		"Verify is fatal":   {look: found{err: code(403, "80")}, blocked: code(403, "80"), text: "80"},
		"the key is locked": {look: found{err: code(403, "100")}, text: "100"},
		"undecided":         {look: undecided, text: "GiveUp"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &payment{sends: []error{errTimeout}, looks: []found{tt.look}, changes: tt.change}
				_, err := pay(t, t.Context(), retry.Config{}, p)
				e := requireOnly(t, err, retry.ErrOutcomeUnknown)
				require.Len(t, p.sent, 1)
				require.Error(t, e.Doubt.Blocked)
				require.Contains(t, err.Error(), tt.text)
				require.True(t, e.Doubt.SentHere)
				require.Len(t, e.Doubt.Sends, 1)
				require.Nil(t, e.Cause)
				require.Equal(t, classify.Unknown, e.Effect)
			})
		})
	}
}

func panics(op *retry.Operation[string]) {
	op.Verify = func(context.Context) (string, retry.Outcome, error) { panic("secret") }
}

func TestCanceledInDoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		p := &payment{sends: []error{errTimeout}, looks: []found{undecided}}
		time.AfterFunc(30*time.Second, cancel)
		_, err := pay(t, ctx, retry.Config{}, p)
		e := requireOnly(t, err, retry.ErrOutcomeUnknown)
		require.ErrorIs(t, e.Doubt.Blocked, retry.ErrCanceled)
		require.Equal(t, 30*time.Second, p.now())
	})
}

// A cancellation that the operation itself returns is hidden too.
func TestCanceledSendIsDoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		p := &payment{sends: []error{context.Canceled}, looks: []found{undecided}, onSend: func(context.Context) { cancel() }}
		_, err := pay(t, ctx, retry.Config{}, p)
		e := requireOnly(t, err, retry.ErrOutcomeUnknown)
		require.Equal(t, context.Canceled, e.Last)
		require.Empty(t, p.looked)
	})
}

func TestSettleDoesNotFitTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 39*time.Second)
		defer cancel()
		p := &payment{sends: []error{errTimeout}, looks: []found{absent}}
		_, err := pay(t, ctx, retry.Config{}, p)
		e := requireOnly(t, err, retry.ErrOutcomeUnknown)
		require.Equal(t, 1, e.Doubt.Absent)
		require.ErrorIs(t, e.Doubt.Blocked, retry.ErrDeadline)
		require.Greater(t, len(p.looked), 3, "it went on looking for Applied")
	})
}

// A success that arrives together with the cancellation is a success (M8).
func TestSuccessWinsOverCancellation(t *testing.T) {
	journal := new(retry.MemoryJournal)
	ctx, cancel := context.WithCancel(t.Context())
	p := &payment{onSend: func(context.Context) { cancel() }}
	_, err := pay(t, ctx, retry.Config{Journal: journal}, p)
	require.NoError(t, err)
	require.Equal(t, retry.EntryApplied, held(t, journal).State)
}

// A later code 50 or 30010 speaks only for its own request: before a denial that
// follows doubt is reported, Verify is asked, and Applied wins.
func TestDenialAfterDoubt(t *testing.T) {
	for name, tt := range map[string]struct {
		after found
		want  error
	}{
		"it happened after all": {after: applied},
		"it did not":            {after: absent, want: retry.ErrFixAndResend},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &payment{sends: []error{errTimeout, code(400, "30010")}, looks: []found{absent}}
				p.onLook = func(context.Context) {
					if len(p.sent) == 2 {
						p.looks = []found{tt.after}
					}
				}
				_, err := pay(t, t.Context(), retry.Config{}, p, fixes(t))
				require.Len(t, p.sent, 2)
				if tt.want == nil {
					require.NoError(t, err)
					return
				}
				e := requireOnly(t, err, tt.want)
				require.Equal(t, classify.NotApplied, e.Effect)
			})
		})
	}
}

// fixes is a Fix that must not be asked.
func fixes(t *testing.T) retry.Option {
	return retry.Fix(func(context.Context, *classify.Error) (bool, error) {
		t.Error("Fix was asked although there was doubt")
		return true, nil
	})
}

func TestFixBeforeDoubt(t *testing.T) {
	asked := 0
	p := &payment{sends: []error{code(400, "30010")}}
	_, err := pay(t, t.Context(), retry.Config{}, p, retry.Fix(func(context.Context, *classify.Error) (bool, error) {
		asked++
		return true, nil
	}))
	require.NoError(t, err)
	require.Equal(t, 1, asked)
	require.Len(t, p.sent, 2)
}

// MaxAttempts and MaxElapsed bound sends, not looking.
func TestBoundsOnSends(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &payment{sends: slices.Repeat([]error{errTimeout}, 9), looks: []found{absent}}
		_, err := pay(t, t.Context(), retry.Config{Budget: retry.NoBudget()}, p)
		e := requireOnly(t, err, retry.ErrAttempts)
		require.Equal(t, 4, e.Attempts)
		require.Equal(t, classify.NotApplied, e.Effect)
		require.GreaterOrEqual(t, p.now(), 160*time.Second, "four times Settle")
	})
}

func TestBudgetAfterDoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		budget, err := retry.NewBudget(retry.BudgetConfig{Capacity: 10, FullIn: policy.None})
		require.NoError(t, err)
		p := &payment{sends: []error{errTimeout, errTimeout}, looks: []found{absent}}
		_, err = pay(t, t.Context(), retry.Config{Budget: budget}, p)
		requireOnly(t, err, retry.ErrBudget)
		require.Len(t, p.sent, 2)
		require.Zero(t, budget.Tokens(), "looking is free, and earns nothing")
	})
}

// An open breaker is waited out while in doubt, and ends the call otherwise.
func TestOpenBreakerIsWaitedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker(t, breaker.Config{ConsecutiveFailures: 1})
		p := &payment{sends: []error{errTimeout}, looks: []found{applied}}
		value, err := pay(t, t.Context(), retry.Config{Breaker: b}, p)
		require.NoError(t, err)
		require.Equal(t, "verified", value)
		require.GreaterOrEqual(t, p.looked[0], 2*time.Second)

		b.Isolate("for the test")
		_, err = pay(t, t.Context(), retry.Config{Breaker: b}, &payment{})
		requireOnly(t, err, retry.ErrOpen)
	})
}

func TestIsolatedBreakerInDoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker(t, breaker.Config{})
		p := &payment{sends: []error{errTimeout}, looks: []found{applied}, onSend: func(context.Context) { b.Isolate("for the test") }}
		_, err := pay(t, t.Context(), retry.Config{Breaker: b}, p)
		e := requireOnly(t, err, retry.ErrOutcomeUnknown)
		require.ErrorIs(t, e.Doubt.Blocked, breaker.ErrOpen)
		require.Empty(t, p.looked)
	})
}

// An operation stays on the key of its first send (M9).
func TestOneKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lanes []*nonce.Lane
		for _, key := range []string{"a", "b", "c"} {
			lane, err := nonce.NewLane(nonce.LaneConfig{Key: key})
			require.NoError(t, err)
			lanes = append(lanes, lane)
		}
		pool, err := nonce.NewPool(lanes...)
		require.NoError(t, err)
		keys := map[string]bool{}
		note := func(ctx context.Context) {
			ticket, _ := nonce.FromContext(ctx)
			keys[ticket.Key()] = true
		}
		p := &payment{sends: []error{errTimeout, errRefused}, looks: []found{absent}, onSend: note, onLook: note}
		_, err = pay(t, t.Context(), retry.Config{Nonces: pool}, p)
		require.NoError(t, err)
		require.Len(t, p.sent, 3)
		require.Len(t, keys, 1)
	})
}

func TestCode50WithoutReplays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &payment{sends: []error{code(403, "50")}, changes: func(op *retry.Operation[string]) { op.NoReplay = true }}
		_, err := pay(t, t.Context(), retry.Config{Nonces: newLane(t)}, p)
		require.NoError(t, err)
		require.Len(t, p.sent, 2)
		require.Zero(t, p.now(), "at once")
	})
}

func TestBadOperations(t *testing.T) {
	r := newRetrier(t, retry.Config{})
	_, err := retry.DoOnce(t.Context(), r, retry.Operation[int]{Settle: -1, GiveUp: -1})
	for _, want := range []string{"ID is required", "Send is nil", "Settle -1ns is negative", "GiveUp -1ns is negative"} {
		require.ErrorContains(t, err, want)
	}
	send := func(context.Context) (int, error) { return 0, nil }
	_, err = retry.DoOnce(t.Context(), r, retry.Operation[int]{ID: "a\n", Send: send, Settle: time.Minute, GiveUp: time.Minute})
	require.ErrorContains(t, err, "not printable")
	require.ErrorContains(t, err, "not longer than Settle")
	_, err = retry.DoOnce(t.Context(), nil, retry.Operation[int]{})
	require.ErrorContains(t, err, "Retrier is nil")
}

// Of two calls in one process with the same ID one is busy.
func TestTwoCallsWithOneID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRetrier(t, retry.Config{})
		p := &payment{onSend: func(context.Context) { time.Sleep(time.Second) }}
		op := p.operation()
		var group sync.WaitGroup
		errs := make([]error, 2)
		for i := range errs {
			group.Go(func() { _, errs[i] = retry.DoOnce(t.Context(), r, op) })
		}
		group.Wait()
		require.Len(t, p.sent, 1)
		if errs[0] == nil {
			errs[0], errs[1] = errs[1], errs[0]
		}
		requireOnly(t, errs[0], retry.ErrBusy)
		require.NoError(t, errs[1])
	})
}

// A panic or Goexit in Send is doubt, and releases the ID.
func TestPanicInSend(t *testing.T) {
	for name, leave := range map[string]func(){"panic": func() { panic("x") }, "Goexit": runtime.Goexit} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				journal := new(retry.MemoryJournal)
				r := newRetrier(t, retry.Config{Journal: journal, Nonces: newLane(t)})
				p := &payment{looks: []found{applied}, onSend: func(context.Context) { leave() }}
				done := make(chan struct{})
				go func() {
					defer close(done)
					defer func() { _ = recover() }()
					_, _ = retry.DoOnce(t.Context(), r, p.operation())
				}()
				<-done
				require.Equal(t, retry.EntryOpen, held(t, journal).State)
				value, err := retry.DoOnce(t.Context(), r, p.operation())
				require.NoError(t, err)
				require.Equal(t, "verified", value)
				require.Len(t, p.sent, 1)
			})
		})
	}
}

// DoOnce inside an attempt on the same key would wait for itself.
func TestOnceInsideAnAttempt(t *testing.T) {
	r := newRetrier(t, retry.Config{Nonces: newLane(t)})
	p := &payment{}
	err := retry.Do(t.Context(), r, func(ctx context.Context) error {
		_, err := retry.DoOnce(ctx, r, p.operation())
		return err
	})
	require.ErrorIs(t, err, retry.ErrNested)
	require.ErrorContains(t, err, "DoOnce is not allowed inside an attempt")
	require.Empty(t, p.sent)
}

// A Do inside Verify runs once in each lookup, with a newer nonce.
func TestDoInsideVerify(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRetrier(t, retry.Config{Nonces: newLane(t)})
		p := &payment{sends: []error{errTimeout}}
		inner := 0
		p.changes = func(op *retry.Operation[string]) {
			op.Verify = func(ctx context.Context) (string, retry.Outcome, error) {
				err := retry.Do(ctx, r, func(context.Context) error {
					if inner++; inner == 1 {
						return code(500, "-32603")
					}
					return nil
				})
				if err != nil {
					return "", retry.Undecided, err
				}
				return "inner", retry.Applied, nil
			}
		}
		value, err := retry.DoOnce(t.Context(), r, p.operation())
		require.NoError(t, err)
		require.Equal(t, "inner", value)
		require.Equal(t, 2, inner)
	})
}

// The answer to a doubt names what a person needs.
func TestDoubtTellsAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer := code(502)
		p := &payment{sends: []error{answer}, looks: []found{{err: &classify.Error{Status: 503, TraceID: "77aa"}}}}
		lane := newLane(t)
		_, err := pay(t, t.Context(), retry.Config{Nonces: lane}, p, retry.Named("payout"))
		e := requireOnly(t, err, retry.ErrOutcomeUnknown)
		d := e.Doubt
		require.Equal(t, "inv-7", d.ID)
		require.Equal(t, "lane", d.Key)
		require.Equal(t, []retry.Sent{{At: p.start, Nonce: p.nonces[0]}}, d.Sends)
		require.Equal(t, []string{"5f2c", "77aa"}, d.TraceIDs)
		require.Equal(t, p.start.Add(40*time.Second), d.Conclusive)
		require.Equal(t, len(p.looked), d.Lookups)
		require.Equal(t, "5f2c", e.TraceID)
		var api *classify.Error
		require.ErrorAs(t, err, &api)
		require.Same(t, answer, api)
		require.Regexp(t, `^retry: payout: it may have happened: the outcome is unknown: HTTP 502 \(trace 5f2c\); operation "inv-7" on key "lane" `+
			`sent at 2000-01-01T00:00:00\.000Z \(nonce 946684800000000\); looked up \d+ times, the last time undecided at 2000-01-01T00:0\d:\d\d\.\d{3}Z `+
			`\(HTTP 503 \(trace 77aa\)\); then: GiveUp elapsed before the outcome was known; traces 5f2c, 77aa; `+
			`action: look the ID up after 2000-01-01T00:00:40\.000Z, and if it is not found again 40s later; not found both times means that it did not happen; until then never send it under another ID `+
			`\(1 send in 9m[\d.]+s, effect unknown\)$`, err.Error())
	})
}

func TestOnceEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var kinds []string
		observe := func(_ context.Context, e retry.Event) {
			kinds = append(kinds, e.Kind.String()+" "+e.Outcome.String())
			require.Equal(t, "inv-7", e.ID)
			require.Equal(t, "lane", e.Key)
		}
		p := &payment{sends: []error{errTimeout}, looks: []found{absent}}
		_, err := pay(t, t.Context(), retry.Config{Nonces: newLane(t), OnEvent: observe}, p)
		require.NoError(t, err)
		require.Equal(t, []string{"in doubt undecided", "looked up absent", "out of doubt absent", "resend undecided", "recovered undecided"},
			slices.Compact(kinds))
	})
}

// Of a call that succeeds at once DoOnce costs little more than DoValue.
func TestOnceAllocations(t *testing.T) {
	r := newRetrier(t, retry.Config{Breaker: newBreaker(t, breaker.Config{})})
	send := func(context.Context) (int, error) { return 1, nil }
	value := testing.AllocsPerRun(200, func() { _, _ = retry.DoValue(t.Context(), r, send) })
	op := retry.Operation[int]{ID: "inv-7", Send: send, Verify: func(context.Context) (int, retry.Outcome, error) { return 0, 0, nil }}
	once := testing.AllocsPerRun(200, func() { _, _ = retry.DoOnce(t.Context(), r, op) })
	if !raceEnabled {
		require.LessOrEqual(t, once-value, 6.0)
	}
}

func TestOldDoubtIsNotResent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &payment{sends: []error{errTimeout}, looks: slices.Concat(slices.Repeat([]found{undecided}, 1000), []found{absent})}
		p.changes = func(op *retry.Operation[string]) { op.GiveUp = math.MaxInt64 / 4 }
		_, err := pay(t, t.Context(), retry.Config{}, p)
		e := requireOnly(t, err, retry.ErrOutcomeUnknown)
		require.ErrorContains(t, e.Doubt.Blocked, "more than an hour")
		require.Equal(t, 2, e.Doubt.Absent)
		require.Len(t, p.sent, 1)
	})
}

// The lines that LogEvents writes about a payment in doubt.
func TestOnceLogLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey || a.Key == "elapsed" || a.Key == "wait" {
				return slog.Attr{}
			}
			return a
		}}))
		p := &payment{sends: []error{code(500, "-32603")}, looks: []found{{err: code(503)}, applied}}
		_, err := pay(t, t.Context(), retry.Config{Nonces: newLane(t), OnEvent: retry.LogEvents(logger)}, p)
		require.NoError(t, err)
		require.Equal(t, `level=WARN msg="retry: in doubt" key=lane id=inv-7 protocol="Sending Unproved → Doubt (M3)" attempts=1 class=retryable rule="Internal error" effect=unknown code=-32603 status=500 trace=5f2c error="HTTP 500: -32603 (trace 5f2c)"
level=INFO msg="retry: looked up" key=lane id=inv-7 protocol="Sending Unproved → Doubt (M3)" outcome=undecided attempts=1 took=0s class=retryable rule="HTTP 503" effect=unknown status=503 trace=5f2c error="HTTP 503 (trace 5f2c)"
level=INFO msg="retry: looked up" key=lane id=inv-7 protocol="Sending Unproved → Doubt (M3)" outcome=applied attempts=1 took=0s
level=INFO msg="retry: out of doubt" key=lane id=inv-7 protocol="Doubt FoundApplied → Applied (M4)" outcome=applied attempts=1
`, log.String())
	})
}

// What a call says that sent nothing itself: something may have happened all the same.
func TestDoubtOfAnEarlierCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRetrier(t, retry.Config{Key: "main"})
		bare, locked := code(502), code(403, "100")
		bare.TraceID = ""
		p := &payment{sends: []error{bare}, looks: []found{{err: locked}}}
		_, err := retry.DoOnce(t.Context(), r, p.operation())
		require.ErrorContains(t, requireOnly(t, err, retry.ErrOutcomeUnknown),
			"HTTP 502 (another answer had trace 5f2c); operation", "that of the lookup came later")
		_, err = retry.DoOnce(t.Context(), r, p.operation())
		text := requireOnly(t, err, retry.ErrOutcomeUnknown).Error()
		require.Contains(t, text, "by an earlier call")
		require.NotContains(t, text, "(nothing sent)", "which means that nothing happened")
		require.Regexp(t, ` \(this call sent nothing, effect unknown\)$`, text)
		require.Len(t, p.sent, 1)
	})
}

// A Verify that makes a call which is not allowed there: the text says so.
func TestDoubtSaysWhatIsNotAllowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		other := newRetrier(t, retry.Config{})
		p := &payment{sends: []error{errTimeout}}
		p.changes = func(op *retry.Operation[string]) {
			op.Verify = func(ctx context.Context) (string, retry.Outcome, error) {
				return "", retry.Undecided, retry.Do(ctx, other, always(nil))
			}
		}
		_, err := pay(t, t.Context(), retry.Config{}, p)
		text := requireOnly(t, err, retry.ErrOutcomeUnknown).Error()
		require.Contains(t, text, "use retry.Apart(ctx)")
		require.Contains(t, text, "then: not allowed inside an attempt of another call;")
	})
}
