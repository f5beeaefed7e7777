package retry_test

import (
	"context"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

func TestNewBudget(t *testing.T) {
	_, err := retry.NewBudget(retry.BudgetConfig{Capacity: -1, Deposit: -2, FullIn: time.Second - 1})
	require.ErrorContains(t, err, "Capacity -1")
	require.ErrorContains(t, err, "Deposit -2")
	require.ErrorContains(t, err, "FullIn 999.999999ms is not between 1s and 24h0m0s")
	for d, fine := range map[time.Duration]bool{policy.None: true, time.Second: true, 24 * time.Hour: true, -2: false, 24*time.Hour + 1: false} {
		_, err := retry.NewBudget(retry.BudgetConfig{FullIn: d})
		require.Equal(t, fine, err == nil, "%v: %v", d, err)
	}
	b, err := retry.NewBudget(retry.BudgetConfig{})
	require.NoError(t, err)
	require.Equal(t, 100, b.Tokens(), "full")
}

// The budget refuses, and the API's error is still there.
func TestBudgetUsedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, err := retry.NewBudget(retry.BudgetConfig{Capacity: 25})
		require.NoError(t, err)
		r := newRetrier(t, retry.Config{Budget: b, Policies: steady(t, policy.Table{})})
		s := play(code(500, "-32603"), code(500, "-32603"), code(500, "-32603"))
		err = retry.Do(t.Context(), r, s.op)
		require.Equal(t, seconds(0, 1, 3), s.sent)
		require.Equal(t, retry.ErrBudget, asError(t, err).Reason)
		require.ErrorContains(t, err, "retry budget used up: 5 of 25 tokens left, and a resend costs 10; a success puts back 1, time puts back one in 12s: HTTP 500")
		var answer *classify.Error
		require.ErrorAs(t, err, &answer)
		require.Equal(t, 5, b.Tokens())

		// Fixes and resyncs are free.
		s = play(code(403, "50"), code(403, "50"), code(400, "30010"))
		require.NoError(t, retry.Do(t.Context(), r, s.op, retry.Fix(func(context.Context, *classify.Error) (bool, error) { return true, nil })))
		require.Equal(t, 6, b.Tokens(), "and a success is a deposit")

		b2 := retry.NoBudget()
		r = newRetrier(t, retry.Config{Budget: b2, Policies: steady(t, policy.Table{Default: policy.Policy{MaxAttempts: 100, MaxElapsed: policy.None}})})
		require.Equal(t, retry.ErrAttempts, asError(t, retry.Do(t.Context(), r, always(code(500, "-32603")))).Reason)
	})
}

// A resend that even a full purse could not pay for is a mistake.
func TestBudgetTooSmallForItsPolicies(t *testing.T) {
	dear, err := policy.Nexpay().With(policy.Table{Codes: map[classify.Code]policy.Policy{"-32603": {Cost: 101}}})
	require.NoError(t, err)
	_, err = retry.New(retry.Config{Policies: dear})
	require.EqualError(t, err, "policy: Codes[-32603]: Cost 101 is more than the 100 tokens that the budget holds: no retry could ever be sent")
	_, err = retry.New(retry.Config{Policies: dear, Nonces: newLane(t), Key: "k"})
	require.ErrorContains(t, err, "Cost 101", "beside other mistakes")
	require.ErrorContains(t, err, "Config.Key")
	newRetrier(t, retry.Config{Policies: dear, Budget: retry.NoBudget()})

	small, err := retry.NewBudget(retry.BudgetConfig{Capacity: 9})
	require.NoError(t, err)
	_, err = retry.New(retry.Config{Budget: small})
	require.ErrorContains(t, err, "Default: Cost 10 is more than the 9 tokens")
}

// Against a purse in four lines, whose owner finds coins at fixed times.
func TestBudgetAgainstModel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { rapid.Check(noDeadline{t}, againstPurse) })
}

func againstPurse(t *rapid.T) {
	capacity := rapid.IntRange(1, 60).Draw(t, "capacity")
	deposit := rapid.IntRange(1, 5).Draw(t, "deposit")
	cost := rapid.IntRange(1, min(30, capacity)).Draw(t, "cost")
	every := time.Duration(rapid.IntRange(1, 5).Draw(t, "seconds for a token")) * time.Second
	b, err := retry.NewBudget(retry.BudgetConfig{Capacity: capacity, Deposit: deposit, FullIn: every * time.Duration(capacity)})
	require.NoError(t, err)
	set, err := policy.Standard().With(policy.Table{Default: policy.Policy{
		Cost: cost, MaxAttempts: 5, Backoff: policy.Backoff{Initial: policy.None},
	}})
	require.NoError(t, err)
	r, err := retry.New(retry.Config{Budget: b, Policies: set})
	require.NoError(t, err)

	purse, slept := capacity, time.Duration(0)
	for range rapid.IntRange(1, 30).Draw(t, "calls") {
		d := time.Duration(rapid.SampledFrom([]int{0, 0, 300, 2000, 33_333}).Draw(t, "ms before it")) * time.Millisecond
		time.Sleep(d)
		purse = min(purse+int((slept+d)/every)-int(slept/every), capacity)
		slept += d
		failures := rapid.IntRange(0, 6).Draw(t, "failures")
		sends, paid := 1, 0
		for ; sends <= failures && sends < 5 && purse >= cost; sends++ {
			purse, paid = purse-cost, cost
		}
		if sends > failures { // the last one succeeded
			purse = min(purse+deposit+paid, capacity)
		}
		got := 0
		_ = retry.Do(context.Background(), r, func(context.Context) error {
			if got++; got <= failures {
				return code(500, "-32603")
			}
			return nil
		})
		require.Equal(t, sends, got)
		require.Equal(t, purse, b.Tokens())
	}
}

// Time fills a bucket token by token, to the brim and no further, whoever looks.
func TestBudgetFillsByTime(t *testing.T) {
	const minute = time.Minute
	for name, tt := range map[string]struct {
		cfg   retry.BudgetConfig
		after time.Duration
		want  int
	}{
		"the default":                 {retry.BudgetConfig{}, 3 * time.Second, 1},
		"not a nanosecond before":     {retry.BudgetConfig{}, 3*time.Second - 1, 0},
		"full":                        {retry.BudgetConfig{}, 5 * minute, 100},
		"nearly":                      {retry.BudgetConfig{}, 5*minute - 1, 99},
		"never above":                 {retry.BudgetConfig{}, 1000 * time.Hour, 100},
		"as fast as it may":           {retry.BudgetConfig{Capacity: 100, FullIn: time.Second}, 10 * time.Millisecond, 1},
		"as slowly":                   {retry.BudgetConfig{Capacity: 100, FullIn: 24 * time.Hour}, 12 * time.Hour, 50},
		"another size":                {retry.BudgetConfig{Capacity: 50, FullIn: minute}, 6 * time.Second, 5},
		"a size that does not divide": {retry.BudgetConfig{Capacity: 70, FullIn: minute}, minute, 70},
		"not at all":                  {retry.BudgetConfig{FullIn: policy.None}, 1000 * time.Hour, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, err := retry.NewBudget(tt.cfg)
				require.NoError(t, err)
				drain(t, b)
				time.Sleep(tt.after)
				require.Equal(t, tt.want, b.Tokens())
			})
		})
	}
	synctest.Test(t, func(t *testing.T) { // an instant before it was full counts for nothing after it is not
		b, err := retry.NewBudget(retry.BudgetConfig{})
		require.NoError(t, err)
		time.Sleep(time.Hour)
		drain(t, b)
		require.Zero(t, b.Tokens())
		time.Sleep(4 * time.Second)
		require.Equal(t, 1, b.Tokens())
		time.Sleep(2 * time.Second)
		require.Equal(t, 2, b.Tokens(), "what is less than a token is not lost")
	})
}

// drain takes all that is in b, with resends that cost one token each and take no time.
func drain(t *testing.T, b *retry.Budget) {
	t.Helper()
	r := newRetrier(t, retry.Config{Budget: b, Policies: steady(t, policy.Table{Default: policy.Policy{
		Cost: 1, MaxAttempts: 10_000, MaxElapsed: policy.None, Backoff: policy.Backoff{Initial: policy.None},
	}, Statuses: map[int]policy.Policy{429: {Cost: 1}}})})
	require.Equal(t, retry.ErrBudget, asError(t, retry.Do(t.Context(), r, always(code(500, "-32603")))).Reason)
	require.Zero(t, b.Tokens())
}

// A program that calls once a minute: four failing calls are no reason to be without
// resends for the rest of the day.
func TestBudgetOfAProgramThatCallsOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRetrier(t, retry.Config{Policies: steady(t, policy.Table{})})
		for range 4 {
			require.Error(t, retry.Do(t.Context(), r, always(code(500, "-32603"))))
			time.Sleep(time.Minute)
		}
		for minute := range 60 {
			s := play(code(500, "-32603"), code(500, "-32603"))
			require.NoError(t, retry.Do(t.Context(), r, s.op), "%d minutes after the last failure", minute)
			time.Sleep(time.Minute)
		}
	})
}

// The error says what is left, and what puts more in.
func TestBudgetErrorSaysWhatFillsIt(t *testing.T) {
	for want, cfg := range map[string]retry.BudgetConfig{
		"retry: retry budget used up: 0 of 10 tokens left, and a resend costs 10; a success puts back 1, time puts back one in 30s: ": {Capacity: 10},
		"retry: retry budget used up: 0 of 10 tokens left, and a resend costs 10; a success puts back 3: ":                            {Capacity: 10, Deposit: 3, FullIn: policy.None},
		"retry: retry budget used up: 0 of 10 tokens left, and a resend costs 10; time puts back one in 1s: ":                         {Capacity: 10, Deposit: policy.None, FullIn: 10 * time.Second},
		"retry: retry budget used up: 0 of 10 tokens left, and a resend costs 10; nothing fills it: ":                                 {Capacity: 10, Deposit: policy.None, FullIn: policy.None},
	} {
		b, err := retry.NewBudget(cfg)
		require.NoError(t, err)
		r := newRetrier(t, retry.Config{Budget: b, Policies: steady(t, policy.Table{Default: policy.Policy{Backoff: policy.Backoff{Initial: policy.None}}})})
		err = retry.Do(t.Context(), r, always(code(500, "-32603")))
		require.ErrorIs(t, err, retry.ErrBudget)
		require.True(t, strings.HasPrefix(err.Error(), want), "%v", err)
	}
}

// traffic sends five calls a second through r for d, and counts.
func traffic(t *testing.T, r *retry.Retrier, d time.Duration, op func() error) (calls, sends, succeeded int) {
	done := make(chan bool)
	var server sync.Mutex // one thing at a time
	calls = int(d / (200 * time.Millisecond))
	for range calls {
		go func() {
			done <- retry.Do(t.Context(), r, func(context.Context) error {
				server.Lock()
				defer server.Unlock()
				sends++
				return op()
			}) == nil
		}()
		time.Sleep(200 * time.Millisecond)
	}
	for range calls {
		if <-done {
			succeeded++
		}
	}
	return calls, sends, succeeded
}

// L1: with the default budget and no breaker.
func TestLoadOnAFailingServer(t *testing.T) {
	t.Run("total outage of 60 s", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			calls, sends, _ := traffic(t, newRetrier(t, retry.Config{}), time.Minute, func() error { return code(500, "-32603") })
			t.Logf("%.3f sends per call", float64(sends)/float64(calls))
			require.LessOrEqual(t, float64(sends)/float64(calls), 1.05)
		})
	})
	t.Run("20 % random failures for ten minutes", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(1, 2))
			calls, sends, succeeded := traffic(t, newRetrier(t, retry.Config{}), 10*time.Minute, func() error {
				if random.Float64() < 0.2 {
					return code(500, "-32603")
				}
				return nil
			})
			t.Logf("%.2f %% succeed, %.3f sends per call", 100*float64(succeeded)/float64(calls), float64(sends)/float64(calls))
			require.GreaterOrEqual(t, float64(succeeded)/float64(calls), 0.99)
			require.LessOrEqual(t, float64(sends)/float64(calls), 1.3)
		})
	})
}

// No mixture of errors sends more than the largest MaxAttempts of those
// involved, and the resyncs and fixes.
func TestOneLedgerForAllCodes(t *testing.T) {
	set, err := policy.Nexpay().With(policy.Table{
		Default:  policy.Policy{Backoff: policy.Backoff{Initial: policy.None}},
		Statuses: map[int]policy.Policy{502: {MaxAttempts: 2}, 503: {MaxAttempts: 7}, 504: {MaxAttempts: 3}},
	})
	require.NoError(t, err)
	most := map[int]int{500: 4, 502: 2, 503: 7, 504: 3}
	rapid.Check(t, func(t *rapid.T) {
		r, err := retry.New(retry.Config{Policies: set, Budget: retry.NoBudget()})
		require.NoError(t, err)
		sends, resyncs, fixes, bound := 0, 0, 0, 1
		_ = retry.Do(context.Background(), r, func(context.Context) error {
			sends++
			switch c := rapid.SampledFrom([]int{500, 502, 503, 504, 50, 30010, 30240}).Draw(t, "answer"); c {
			case 50:
				resyncs++
				return code(403, "50")
			case 30010, 30240:
				fixes++
				return code(400, classify.Code(strconv.Itoa(c)))
			default:
				bound = max(bound, most[c])
				return code(c)
			}
		}, retry.Fix(func(context.Context, *classify.Error) (bool, error) { return true, nil }))
		require.LessOrEqual(t, resyncs, 3, "two, and the refusal that ends the call")
		require.LessOrEqual(t, fixes, 3, "one for each code, and the refusal that ends the call")
		require.LessOrEqual(t, sends, bound+min(resyncs, 2)+min(fixes, 2))
	})
}

// What was paid is given back when it is not sent after all, and once only when
// it succeeds.
func TestBudgetOfOneCall(t *testing.T) {
	for _, tt := range []struct {
		name string
		op   func(r *retry.Retrier, s *script) func(context.Context) error
		want int
	}{
		{"a resend that fails, then a fix that succeeds", func(_ *retry.Retrier, s *script) func(context.Context) error {
			s.steps = []error{code(500, "-32603"), code(400, "30010")}
			return s.op
		}, 91},
		{"locked during the wait", func(r *retry.Retrier, s *script) func(context.Context) error {
			s.steps = []error{code(500, "-32603")}
			time.AfterFunc(time.Millisecond, func() { r.Lockout().Lock("", breaker.LockCause{Code: "100"}) })
			return s.op
		}, 100},
		{"a resend that succeeds", func(_ *retry.Retrier, s *script) func(context.Context) error {
			s.steps = []error{code(500, "-32603")}
			return s.op
		}, 100},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRetrier(t, retry.Config{Policies: steady(t, policy.Table{})})
				_ = retry.Do(t.Context(), r, tt.op(r, play()), retry.Fix(func(context.Context, *classify.Error) (bool, error) { return true, nil }))
				require.Equal(t, tt.want, r.Budget().Tokens())
			})
		})
	}
}

// Tokens that were taken for a resend that is not sent after all come back, whatever
// stood in its way: also where another process has gone on with a payment.
func TestTokensOfAResendThatIsNotSent(t *testing.T) {
	for name, tt := range map[string]struct {
		first error
		stop  func(cancel func(), r *retry.Retrier, j *retry.MemoryJournal)
		keyed bool
	}{
		"canceled":              {errRefused, func(cancel func(), _ *retry.Retrier, _ *retry.MemoryJournal) { cancel() }, false},
		"canceled in doubt":     {errTimeout, func(cancel func(), _ *retry.Retrier, _ *retry.MemoryJournal) { cancel() }, false},
		"canceled, a replay":    {errTimeout, func(cancel func(), _ *retry.Retrier, _ *retry.MemoryJournal) { cancel() }, true},
		"locked":                {errRefused, func(_ func(), r *retry.Retrier, _ *retry.MemoryJournal) { lockKey(r) }, false},
		"locked, a replay":      {errTimeout, func(_ func(), r *retry.Retrier, _ *retry.MemoryJournal) { lockKey(r) }, true},
		"overtaken":             {errRefused, func(_ func(), _ *retry.Retrier, j *retry.MemoryJournal) { overtake(j) }, false},
		"overtaken, a replay":   {errTimeout, func(_ func(), _ *retry.Retrier, j *retry.MemoryJournal) { overtake(j) }, true},
		"overtaken, canceled":   {errRefused, func(cancel func(), _ *retry.Retrier, j *retry.MemoryJournal) { overtake(j); cancel() }, false},
		"both, and in a replay": {errTimeout, func(cancel func(), _ *retry.Retrier, j *retry.MemoryJournal) { overtake(j); cancel() }, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				journal := new(retry.MemoryJournal)
				r := newRetrier(t, retry.Config{Journal: journal, Key: "lane", Policies: steady(t, policy.Table{})})
				p := &payment{sends: []error{tt.first}, looks: []found{undecided}}
				p.onSend = func(ctx context.Context) {
					if tt.first == errRefused {
						asked(ctx)
					}
					time.AfterFunc(10*time.Millisecond, func() { tt.stop(cancel, r, journal) })
				}
				if tt.keyed {
					p.changes = keyed
				}
				_, err := retry.DoOnce(ctx, r, p.operation())
				require.Error(t, err)
				require.Len(t, p.sent, 1)
				require.Equal(t, 100, r.Budget().Tokens(), "%v", err)
			})
		})
	}
}

func lockKey(r *retry.Retrier) { r.Lockout().Lock("lane", breaker.LockCause{Code: "100"}) }

// overtake has another process begin what j holds.
func overtake(j *retry.MemoryJournal) {
	e, _ := j.Begin(context.Background(), retry.Entry{ID: "inv-7", Generation: retry.ReadGeneration})
	e.Owner = "other"
	_, _ = j.Begin(context.Background(), e)
}
