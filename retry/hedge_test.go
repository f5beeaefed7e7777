package retry_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// An arm is what one send of a hedged call does.
type arm struct {
	takes time.Duration
	err   error
	deaf  time.Duration // how long it goes on when it is canceled
	do    func()
}

// arms is an operation whose n-th send does what the n-th arm says, and what is seen of it.
type arms struct {
	mu     sync.Mutex
	arms   []arm
	begun  []time.Duration
	ended  []time.Duration
	causes []error
	nonces []uint64
	start  time.Time
	alive  atomic.Int32
}

func hedged(a ...arm) *arms { return &arms{arms: a, start: time.Now()} }

func (a *arms) op(ctx context.Context) (int, error) {
	a.alive.Add(1)
	defer a.alive.Add(-1)
	a.mu.Lock()
	n := len(a.begun)
	a.begun = append(a.begun, time.Since(a.start))
	if ticket, ok := nonce.FromContext(ctx); ok {
		a.nonces = append(a.nonces, ticket.Nonce())
	}
	mine := a.arms[min(n, len(a.arms)-1)]
	a.mu.Unlock()
	defer func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.ended = append(a.ended, time.Since(a.start))
		a.causes = append(a.causes, context.Cause(ctx))
	}()
	select {
	case <-time.After(mine.takes):
	case <-ctx.Done():
		time.Sleep(mine.deaf)
		return 0, ctx.Err()
	}
	if mine.do != nil {
		mine.do()
	}
	return n + 1, mine.err
}

const after = 100 * time.Millisecond

func ms(n ...int) []time.Duration {
	d := make([]time.Duration, len(n))
	for i := range n {
		d[i] = time.Duration(n[i]) * time.Millisecond
	}
	return d
}

func TestHedge(t *testing.T) {
	fail, fatal := code(503), code(403, "80")
	for name, tt := range map[string]struct {
		arms  []arm
		want  int // the value; zero: it fails
		begun []time.Duration
		took  time.Duration
	}{
		"a quick one is sent once":               {[]arm{{takes: after - 1}}, 1, ms(0), after - 1},
		"the second one is quicker":              {[]arm{{takes: time.Second}, {takes: 50e6}}, 2, ms(0, 100), 150e6},
		"the first one is quicker after all":     {[]arm{{takes: 120e6}, {takes: time.Second}}, 1, ms(0, 100), 120e6},
		"the loser is waited for":                {[]arm{{takes: time.Second, deaf: 300e6}, {takes: 50e6}}, 2, ms(0, 100), 450e6},
		"the first one fails, the second does":   {[]arm{{takes: 120e6, err: fail}, {takes: 100e6}}, 2, ms(0, 100), 200e6},
		"the second one fails, the first does":   {[]arm{{takes: 200e6}, {takes: 10e6, err: fail}}, 1, ms(0, 100), 200e6},
		"both fail, and it goes on":              {[]arm{{takes: 120e6, err: fail}, {takes: 50e6, err: fail}, {}}, 3, ms(0, 100, 2150), 2150e6},
		"both fail, the second one for good":     {[]arm{{takes: 120e6, err: fail}, {takes: 50e6, err: fatal}}, 0, ms(0, 100), 150e6},
		"both fail, the first one for good":      {[]arm{{takes: 120e6, err: fatal}, {takes: 50e6, err: fail}}, 0, ms(0, 100), 150e6},
		"the attempt after a resend is hedged":   {[]arm{{err: fail}, {takes: time.Second}, {}}, 3, ms(0, 1000, 1100), 1100e6},
		"one that fails quickly is not hedged":   {[]arm{{takes: 10e6, err: fail}, {takes: 10e6}}, 2, ms(0, 1010), 1020e6},
		"no more attempts than there may be":     {[]arm{{err: fail}, {takes: 150e6, err: fail}, {takes: 90e6, err: fail}, {takes: time.Second}}, 4, ms(0, 1000, 1100, 5190), 6190e6},
		"a fatal answer does not wait for ever":  {[]arm{{takes: 10e6, err: fatal}}, 0, ms(0), 10e6},
		"code 50 is resynced in either, at once": {[]arm{{takes: 300e6}, {takes: 10e6, err: code(403, "50")}, {takes: 20e6}}, 3, ms(0, 100, 110), 130e6},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := hedged(tt.arms...)
				value, err := retry.Hedge(t.Context(), newRetrier(t, retry.Config{Policies: steady(t, policy.Table{})}), after, a.op)
				require.Equal(t, tt.want, value, "%v", err)
				require.Equal(t, tt.want == 0, err != nil)
				require.Equal(t, tt.begun, a.begun)
				require.Equal(t, tt.took, time.Since(a.start))
				require.Zero(t, a.alive.Load())
				if err != nil {
					e := asError(t, err)
					require.Equal(t, retry.ErrFatal, e.Reason, "the sterner one: %v", err)
					require.Len(t, e.History, e.Attempts)
					require.Equal(t, len(a.begun), e.Attempts)
					require.Equal(t, classify.Code("80"), e.History[e.Attempts-1].Verdict.Code)
				}
			})
		})
	}
}

// Each has a nonce of its own and reports once; the one that was not needed says nothing about the server.
func TestHedgeNoncesAndReports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, err := breaker.New(breaker.Config{ConsecutiveFailures: 1})
		require.NoError(t, err)
		r := newRetrier(t, retry.Config{Nonces: newPool(t), Breaker: b})
		a := hedged(arm{takes: time.Second}, arm{})
		_, err = retry.Hedge(t.Context(), r, after, a.op)
		require.NoError(t, err)
		require.Len(t, a.nonces, 2)
		require.Equal(t, breaker.Closed, b.State(), "a canceled one is no failure")
		require.Equal(t, []error{nil, context.Canceled}, []error{a.causes[0], errors.Unwrap(a.causes[1])})
		require.ErrorContains(t, a.causes[1], "the other send of a hedged attempt succeeded first")

		a = hedged(arm{takes: time.Second}, arm{err: code(503)})
		_, err = retry.Hedge(t.Context(), r, after, a.op)
		require.NoError(t, err)
		require.Equal(t, breaker.Open, b.State(), "a failure is one")
	})
}

func newPool(t *testing.T) *nonce.Pool {
	t.Helper()
	var lanes []*nonce.Lane
	for _, key := range []string{"a", "b"} {
		lane, err := nonce.NewLane(nonce.LaneConfig{Key: key})
		require.NoError(t, err)
		lanes = append(lanes, lane)
	}
	pool, err := nonce.NewPool(lanes...)
	require.NoError(t, err)
	return pool
}

// On a key for one request at a time it waits its turn, and is given up when the first one succeeds.
func TestHedgeOnOneLane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := hedged(arm{takes: time.Second})
		r := newRetrier(t, retry.Config{Nonces: newLane(t)})
		_, err := retry.Hedge(t.Context(), r, after, a.op)
		require.NoError(t, err)
		require.Equal(t, time.Second, time.Since(a.start))
		require.Len(t, a.begun, 1)
		require.Equal(t, 100, r.Budget().Tokens(), "what was not sent is not paid for")
	})
}

// Half-open with one probe there is no room for a second send.
func TestHedgeOfAProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, err := breaker.New(breaker.Config{ConsecutiveFailures: 1, Probes: 1})
		require.NoError(t, err)
		r := newRetrier(t, retry.Config{Breaker: b, Policies: steady(t, policy.Table{Default: policy.Policy{MaxAttempts: 2}})})
		_, err = retry.Hedge(t.Context(), r, after, hedged(arm{err: code(503)}).op)
		require.Error(t, err)
		time.Sleep(13 * time.Second)
		a := hedged(arm{takes: time.Second})
		_, err = retry.Hedge(t.Context(), r, after, a.op)
		require.NoError(t, err)
		require.Len(t, a.begun, 1)
		require.Equal(t, breaker.Closed, b.State())
	})
}

func TestHedgePays(t *testing.T) {
	for name, tt := range map[string]struct {
		arms []arm
		want int
	}{
		"one that wins gets its price back":    {[]arm{{takes: time.Second}, {}}, 30},
		"one that loses does not":              {[]arm{{takes: 150e6}, {takes: time.Second}}, 21},
		"one that was not sent costs nothing":  {[]arm{{}}, 30},
		"the purse is empty, and none is sent": {[]arm{{err: code(503)}, {err: code(503)}, {err: code(503)}, {takes: time.Second}}, 11},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				budget, err := retry.NewBudget(retry.BudgetConfig{Capacity: 30})
				require.NoError(t, err)
				set := steady(t, policy.Table{Default: policy.Policy{MaxAttempts: 6}})
				a := hedged(tt.arms...)
				_, err = retry.Hedge(t.Context(), newRetrier(t, retry.Config{Budget: budget, Policies: set}), after, a.op)
				require.NoError(t, err)
				require.Equal(t, tt.want, budget.Tokens())
			})
		})
	}
}

func TestHedgeEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var kinds []string
		r := newRetrier(t, retry.Config{
			Policies: steady(t, policy.Table{}),
			OnEvent: func(_ context.Context, e retry.Event) {
				kinds = append(kinds, fmt.Sprintf("%v %d", e.Kind, e.Attempts))
			},
		})
		_, err := retry.Hedge(t.Context(), r, after, hedged(arm{takes: time.Second}, arm{}).op)
		require.NoError(t, err)
		require.Equal(t, []string{"hedge 1"}, kinds, "nothing failed, so nothing recovered")
		kinds = nil
		_, err = retry.Hedge(t.Context(), r, after, hedged(arm{err: code(503)}, arm{takes: time.Second}, arm{}).op)
		require.NoError(t, err)
		require.Equal(t, []string{"resend 1", "hedge 2", "recovered 3"}, kinds)
	})
}

// What ends one of them ends the call, and never the other one's goroutine.
// What an observer is told of a second send, there was: the event comes with the send, not with the wish for it.
func TestHedgeEventsAreSends(t *testing.T) {
	const settles = 300 * time.Millisecond
	slow := arm{takes: settles}
	open := func(t *testing.T, c *retry.Config) {
		b, err := breaker.New(breaker.Config{ConsecutiveFailures: 1})
		require.NoError(t, err)
		c.Breaker = b
		time.AfterFunc(after/2, func() { b.Isolate("maintenance") })
	}
	for name, tt := range map[string]struct {
		arms []arm
		with func(*testing.T, *retry.Config)
		want []string
	}{
		"it waits for its turn behind the first one": {[]arm{slow}, func(t *testing.T, c *retry.Config) { c.Nonces = newLane(t) }, nil},
		"the first one is refused while it waits": {[]arm{{takes: settles, err: code(403, "80")}, {}},
			func(t *testing.T, c *retry.Config) { c.Nonces = newLane(t) }, []string{"gave up 1 at 300ms"}},
		"the first one fails while it waits, and the policy waits too": {[]arm{{takes: settles, err: code(503)}, {}},
			func(t *testing.T, c *retry.Config) { c.Nonces = newLane(t) }, []string{"resend 1 at 300ms", "recovered 2 at 1.3s"}},
		"the breaker has opened meanwhile": {[]arm{slow}, open, nil},
		"the key has been locked meanwhile": {[]arm{slow}, func(t *testing.T, c *retry.Config) {
			c.Key, c.Lockout = "k", new(breaker.Lockout)
			time.AfterFunc(after/2, func() { c.Lockout.Lock("k", breaker.LockCause{Code: "100"}) })
		}, nil},
		"the bucket is empty": {[]arm{slow}, func(t *testing.T, c *retry.Config) {
			b, err := retry.NewBudget(retry.BudgetConfig{Capacity: 10})
			require.NoError(t, err)
			c.Budget = b
			r := newRetrier(t, retry.Config{Budget: b})
			require.Error(t, retry.Do(t.Context(), r, func(context.Context) error { return code(503) }))
			require.Less(t, b.Tokens(), 10)
		}, nil},
		"it is sent":                        {[]arm{slow, {}}, nil, []string{"hedge 1 at 100ms"}},
		"it is sent twice, and begins once": {[]arm{slow, {err: code(403, "50")}, {}}, nil, []string{"hedge 1 at 100ms", "resend 2 at 100ms", "recovered 3 at 100ms"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var told []string
				began := time.Now()
				cfg := retry.Config{Policies: steady(t, policy.Table{}), OnEvent: func(_ context.Context, e retry.Event) {
					told = append(told, fmt.Sprintf("%v %d at %v", e.Kind, e.Attempts, time.Since(began)))
				}}
				if tt.with != nil {
					tt.with(t, &cfg)
				}
				a := hedged(tt.arms...)
				_, _ = retry.Hedge(t.Context(), newRetrier(t, cfg), after, a.op)
				require.Equal(t, tt.want, told)
				sends := strings.Count(strings.Join(told, ","), "hedge") + strings.Count(strings.Join(told, ","), "resend")
				require.Len(t, a.begun, 1+sends)
			})
		})
	}
}

func TestHedgePanics(t *testing.T) {
	for name, tt := range map[string]struct {
		arms []arm
		want any
	}{
		"the first one":  {[]arm{{takes: 150e6, do: func() { panic(http.ErrAbortHandler) }}, {takes: time.Second}}, http.ErrAbortHandler},
		"the second one": {[]arm{{takes: time.Second}, {do: func() { panic("in the second") }}}, "in the second"},
		"one exits":      {[]arm{{takes: time.Second}, {do: runtime.Goexit}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRetrier(t, retry.Config{Nonces: newPool(t)})
				a := hedged(tt.arms...)
				returned := true
				done := make(chan any)
				go func() {
					defer func() { done <- recover() }()
					returned = false
					_, _ = retry.Hedge(t.Context(), r, after, a.op)
					returned = true
				}()
				got := <-done
				if p, ok := got.(*retry.PanicError); ok {
					require.Contains(t, string(p.Stack), "(*arms).op", "whose stack it is")
					require.Equal(t, fmt.Sprintf("in the second\n\n%s", p.Stack), p.Error())
					require.NoError(t, p.Unwrap())
					got = p.Value
				}
				require.Equal(t, tt.want, got)
				require.False(t, returned)
				require.ErrorContains(t, a.causes[slices.IndexFunc(a.causes, func(err error) bool { return err != nil })],
					"the other send of a hedged attempt panicked or exited")
				require.Zero(t, a.alive.Load())
				require.NoError(t, retry.Do(t.Context(), r, always(nil)), "the turns were given back")
			})
		})
	}
}

// What is not to be sent again, is not sent beside itself either.
func TestHedgeOfWhatIsNotSafeToRepeat(t *testing.T) {
	for _, when := range []retry.Resends{retry.ResendOnProof, retry.ResendOnProofNoReplay, retry.ResendNever, 200} {
		synctest.Test(t, func(t *testing.T) {
			a := hedged(arm{takes: time.Second})
			_, err := retry.Hedge(t.Context(), newRetrier(t, retry.Config{}), after, a.op, retry.Resend(when))
			require.NoError(t, err)
			require.Equal(t, ms(0), a.begun)
		})
	}
}

// Of two failures the call goes on with the one that forbids most, whichever came first.
func TestHedgeGoesOnWithTheSterner(t *testing.T) {
	order := []error{code(503), code(403, "50"), errors.New("who knows"), code(400, "30001"), code(403, "80"), code(403, "100")}
	for i, mild := range order {
		for _, stern := range order[i+1:] {
			for _, both := range [][2]error{{mild, stern}, {stern, mild}} {
				synctest.Test(t, func(t *testing.T) {
					r := newRetrier(t, retry.Config{Policies: steady(t, policy.Table{Classes: map[classify.Class]policy.Policy{classify.Resync: {MaxAttempts: 1}}})})
					a := hedged(arm{takes: 150e6, err: both[0]}, arm{takes: 150e6, err: both[1]}, arm{err: stern})
					_, err := retry.Hedge(t.Context(), r, after, a.op)
					e := asError(t, err)
					want := classify.Nexpay().Classify(stern)
					require.Equal(t, want.Code, e.Verdict.Code, "%v, then %v: %v", both[0], both[1], err)
					require.Equal(t, want.Status, e.Verdict.Status)
					require.Equal(t, want.Lockout, e.Verdict.Lockout)
				})
			}
		}
	}
}

func TestHedgeMistakes(t *testing.T) {
	r := newRetrier(t, retry.Config{})
	sent := hedged(arm{})
	_, err := retry.Hedge(t.Context(), r, 0, sent.op)
	require.ErrorContains(t, err, "Hedge after 0s")
	_, err = retry.Hedge(t.Context(), nil, after, sent.op)
	require.ErrorContains(t, err, "the Retrier is nil")
	_, err = retry.Hedge[int](t.Context(), r, after, nil)
	require.ErrorContains(t, err, "the operation is nil")
	_, err = retry.Hedge(t.Context(), r, after, sent.op, fallingBackTo("text"))
	require.ErrorContains(t, err, "Fallback returns a string, but the operation returns a int")
	require.Empty(t, sent.begun)
}

// turns gives the first caller an error after a while, and everybody else a ticket.
type turns struct {
	asked atomic.Int32
	err   error
}

func (s *turns) Enter(ctx context.Context) (*nonce.Ticket, error) {
	if s.asked.Add(1) == 1 {
		select {
		case <-time.After(150 * time.Millisecond):
			return nil, s.err
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return nonce.NewTicket("k", uint64(s.asked.Load()), nil, func() {}), nil
}

// A first one that never gets its turn has sent nothing: what it waited for ends the call, unless the second one succeeds.
func TestHedgeOfOneThatIsNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		own := errors.New("the source is closed")
		a := hedged(arm{takes: 10 * time.Millisecond, err: code(503)})
		_, err := retry.Hedge(t.Context(), newRetrier(t, retry.Config{Nonces: &turns{err: own}}), after, a.op)
		e := asError(t, err)
		require.Equal(t, retry.ErrNonce, e.Reason)
		require.ErrorIs(t, e, own)
		require.Equal(t, 1, e.Attempts)
		require.Len(t, e.History, 1)
		require.Equal(t, 1, e.History[0].Number)
		require.Equal(t, 503, e.Verdict.Status, "what came of the second one")

		var kinds []retry.EventKind
		r := newRetrier(t, retry.Config{Nonces: &turns{err: own}, OnEvent: func(_ context.Context, e retry.Event) { kinds = append(kinds, e.Kind) }})
		value, err := retry.Hedge(t.Context(), r, after, hedged(arm{}).op)
		require.NoError(t, err)
		require.Equal(t, 1, value)
		require.Equal(t, []retry.EventKind{retry.EventHedge}, kinds)
		require.Equal(t, 100, r.Budget().Tokens())
	})
}

// A payment is not hedged by what it is sent with, nor is a call inside an attempt.
func TestNotHedged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRetrier(t, retry.Config{})
		a := hedged(arm{takes: time.Second})
		inner := func(ctx context.Context) (int, error) { return retry.Hedge(ctx, r, after, a.op) }
		_, err := retry.DoOnce(t.Context(), r, retry.Operation[int]{ID: "inv-7", Send: inner})
		require.NoError(t, err)
		require.Len(t, a.begun, 1)

		r = newRetrier(t, retry.Config{Nonces: newPool(t)})
		a = hedged(arm{takes: time.Second})
		_, err = retry.DoValue(t.Context(), r, inner)
		require.NoError(t, err)
		require.Len(t, a.begun, 1)
	})
}

// A caller who goes away takes both along.
func TestHedgeCanceled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
		defer cancel()
		a := hedged(arm{takes: time.Second})
		_, err := retry.Hedge(ctx, newRetrier(t, retry.Config{}), after, a.op)
		require.Equal(t, retry.ErrDeadline, asError(t, err).Reason)
		require.Equal(t, 150*time.Millisecond, time.Since(a.start))
		require.Len(t, a.begun, 2)
		require.Equal(t, 2, asError(t, err).Attempts)
	})
}

// Whatever the two do: the call ends when the quicker success is there and the other one has given up, it is never sent
// more often than allowed, no nonce is used twice, every token is accounted for, and nothing goes on behind its back.
func TestHedgeAgainstModel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lanes := newPool(t)
		rapid.Check(noDeadline{t}, func(t *rapid.T) {
			first := arm{takes: time.Duration(rapid.IntRange(0, 300).Draw(t, "first")) * time.Millisecond}
			second := arm{takes: time.Duration(rapid.IntRange(0, 300).Draw(t, "second")) * time.Millisecond}
			first.deaf = time.Duration(rapid.IntRange(0, 50).Draw(t, "deaf")) * time.Millisecond
			if rapid.Bool().Draw(t, "first fails") {
				first.err = code(403, "80")
			}
			if rapid.Bool().Draw(t, "second fails") {
				second.err = code(403, "80")
			}
			r, err := retry.New(retry.Config{Nonces: lanes})
			require.NoError(t, err)
			a := hedged(first, second)
			value, err := retry.Hedge(context.Background(), r, after, a.op)

			one, two := first.takes, after+second.takes
			sends, tokens := 1, 100
			if one > after || one == after && len(a.begun) == 2 { // at that very instant either is right
				sends, tokens = 2, 90
			}
			firstWins := first.err == nil && (sends == 1 || second.err != nil || one <= two)
			secondWins := sends == 2 && second.err == nil && !firstWins
			if one == two && value == 2 { // likewise
				firstWins, secondWins = false, true
			}
			want := max(one, two)
			switch {
			case sends == 1, firstWins && second.err == nil:
				want = one
			case firstWins && two > one:
				want = one
			case secondWins && first.err == nil:
				want = two + first.deaf
			case secondWins && one > two:
				want = two + first.deaf
			}
			switch {
			case firstWins:
				tokens = min(tokens+1, 100)
			case secondWins:
				tokens = 100
			}
			require.Len(t, a.begun, sends)
			require.Equal(t, firstWins || secondWins, err == nil)
			require.Equal(t, tokens, r.Budget().Tokens())
			require.Zero(t, a.alive.Load())
			if one != two && one != after {
				require.Equal(t, want, time.Since(a.start))
			}
			if sends == 2 {
				require.Len(t, a.nonces, 2)
			}
		})
	})
}

func ExampleHedge() {
	r, err := retry.New(retry.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	var sends atomic.Int32
	balance, err := retry.Hedge(context.Background(), r, 20*time.Millisecond, func(ctx context.Context) (string, error) {
		if sends.Add(1) == 1 { // a slow one
			<-ctx.Done()
			return "", ctx.Err()
		}
		return "17.00 EUR", nil
	})
	fmt.Println(balance, err)
	// Output: 17.00 EUR <nil>
}
