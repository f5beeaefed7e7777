package retry_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"runtime"
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

// An audience takes in all that a Retrier tells. It is safe for concurrent use.
type audience struct {
	mu       sync.Mutex
	calls    []retry.Call
	attempts []retry.Call
	events   []retry.Event
}

func (a *audience) of(cfg retry.Config) retry.Config {
	cfg.OnCall = func(_ context.Context, c retry.Call) { a.mu.Lock(); a.calls = append(a.calls, c); a.mu.Unlock() }
	cfg.OnAttempt = func(_ context.Context, c retry.Call) { a.mu.Lock(); a.attempts = append(a.attempts, c); a.mu.Unlock() }
	cfg.OnEvent = func(_ context.Context, e retry.Event) { a.mu.Lock(); a.events = append(a.events, e); a.mu.Unlock() }
	return cfg
}

// taking is an operation each of whose sends takes a tenth of a second.
func taking(op func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		time.Sleep(100 * time.Millisecond)
		return op(ctx)
	}
}

// Every call is told of once, at its end, and so is every attempt.
func TestOnCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var a audience
		r := newRetrier(t, a.of(retry.Config{Key: "main", Policies: steady(t, policy.Table{}), Breakers: new(breaker.Group)}))

		require.NoError(t, retry.Do(t.Context(), r, taking(play().op), retry.Named("a"), retry.Endpoint("pay\nments")))
		require.Equal(t, []retry.Call{{
			Name: "a", Endpoint: "payments", Key: "main", Reason: "success", Attempts: 1,
			Took: 100 * time.Millisecond, Effect: classify.NotApplied,
		}}, a.calls)
		require.Equal(t, []retry.Call{{Name: "a", Endpoint: "payments", Key: "main", Attempts: 1, Took: 100 * time.Millisecond}}, a.attempts)
		require.Empty(t, a.events, "a call that succeeds at once raises none")

		a.calls, a.attempts = nil, nil
		require.NoError(t, retry.Do(t.Context(), r, taking(play(code(500, "-32603"), code(500, "-32603")).op)))
		require.Equal(t, []retry.Call{{
			Key: "main", TraceID: "5f2c", Reason: "success", Class: classify.Retryable, Rule: "Internal error", Attempts: 3,
			Took: 3300 * time.Millisecond, Waited: 3 * time.Second, Cost: 20, Effect: classify.NotApplied,
		}}, a.calls)
		require.Len(t, a.attempts, 3)
		require.Equal(t, retry.Call{
			Key: "main", TraceID: "5f2c", Failed: true, Class: classify.Retryable, Rule: "Internal error", Attempts: 2, Took: 100 * time.Millisecond,
		}, a.attempts[1])
		require.Equal(t, retry.Call{Key: "main", Attempts: 3, Took: 100 * time.Millisecond}, a.attempts[2])
		require.Equal(t, 100*time.Millisecond, a.events[0].Took)

		a.calls, a.attempts, a.events = nil, nil, nil
		require.Error(t, retry.Do(t.Context(), r, taking(always(code(403, "100"))), retry.Endpoint("cards")))
		require.Error(t, retry.Do(t.Context(), r, taking(play().op)))
		require.Len(t, a.attempts, 1)
		require.Equal(t, []retry.Call{
			{
				Endpoint: "cards", Key: "main", TraceID: "5f2c", Reason: "fatal", Failed: true, Class: classify.Fatal, Rule: "API key locked",
				Effect: classify.NotApplied, Attempts: 1, Took: 100 * time.Millisecond,
			},
			{Key: "main", TraceID: "5f2c", Reason: "locked_out", Failed: true, Effect: classify.NotApplied},
		}, a.calls)
		last := a.events[len(a.events)-1]
		require.Equal(t, "locked_out", last.Reason)
		require.Equal(t, "cards", a.events[0].Endpoint)

		require.Equal(t, retry.Stats{
			Calls: 4, Successes: 2, Sends: 5, Resends: 2, Tokens: 92, Capacity: 100,
			Ended: map[string]int64{"success": 2, "fatal": 1, "locked_out": 1},
		}, r.Stats())
	})
}

// A panic and an exit are ends too, wherever they come from.
func TestOnCallPanics(t *testing.T) {
	fixing := func(do func()) retry.Option {
		return retry.Fix(func(context.Context, *classify.Error) (bool, error) { do(); return true, nil })
	}
	panics, exits := func() { panic("4711-SECRET") }, func() { runtime.Goexit() }
	for name, do := range map[string]func(){"panic": panics, "exit": exits} {
		for where, call := range map[string]func(r *retry.Retrier) error{
			"Do": func(r *retry.Retrier) error {
				return retry.Do(context.Background(), r, func(context.Context) error { do(); return nil })
			},
			"again": func(r *retry.Retrier) error {
				return retry.Do(context.Background(), r, func(ctx context.Context) error {
					if _, again := retry.AttemptFrom(ctx); again {
						do()
					}
					return code(403, "50")
				})
			},
			"Fix": func(r *retry.Retrier) error {
				return retry.Do(context.Background(), r, always(code(400, "30010")), fixing(do))
			},
			"Hedge": func(r *retry.Retrier) error {
				_, err := retry.Hedge(context.Background(), r, time.Hour, func(context.Context) (int, error) { do(); return 0, nil })
				return err
			},
			"second": func(r *retry.Retrier) error {
				_, err := retry.Hedge(context.Background(), r, time.Millisecond, func(ctx context.Context) (int, error) {
					if a, _ := retry.AttemptFrom(ctx); a.Number == 2 {
						do()
					}
					<-ctx.Done()
					return 0, ctx.Err()
				})
				return err
			},
			"Send": func(r *retry.Retrier) error {
				_, err := retry.DoOnce(context.Background(), r, retry.Operation[int]{ID: "inv-7", Send: func(context.Context) (int, error) { do(); return 0, nil }})
				return err
			},
			"Classify": func(r *retry.Retrier) error {
				_, err := retry.DoOnce(context.Background(), r, retry.Operation[int]{ID: "inv-7", Send: func(context.Context) (int, error) { return 0, errTimeout }})
				return err
			},
		} {
			t.Run(where+", "+name, func(t *testing.T) {
				var a audience
				cfg := a.of(retry.Config{Policies: policy.Nexpay(), Classifier: classify.Func(func(err error) classify.Verdict {
					if err == errTimeout {
						do()
					}
					return classify.Nexpay().Classify(err)
				})})
				said := ""
				cfg.OnEvent = func(_ context.Context, e retry.Event) {
					if e.Kind == retry.EventDoubt {
						said = e.Error
					}
				}
				r := newRetrier(t, cfg)
				returned := make(chan struct{})
				go func() {
					defer close(returned)
					defer func() { _ = recover() }()
					_ = call(r)
				}()
				<-returned
				require.Len(t, a.calls, 1)
				require.Equal(t, "panic", a.calls[0].Reason)
				require.True(t, a.calls[0].Failed)
				require.Equal(t, where == "Send", a.calls[0].InDoubt)
				require.Equal(t, where == "Send", said == "Send panicked or ended its goroutine")
				require.Equal(t, where == "Send" || where == "Classify", a.calls[0].Unsettled)
				require.Equal(t, where == "Fix", a.calls[0].Effect == classify.NotApplied, "the last send was refused")
				require.Equal(t, retry.Undecided, a.calls[0].Outcome)
				require.EqualValues(t, 1, r.Stats().Calls)
				require.Equal(t, map[string]int64{"panic": 1}, r.Stats().Ended)
			})
		}
	}
}

// A queue is a nonce source in which the first caller waits for ever.
type queue struct{ callers atomic.Int32 }

func (q *queue) Enter(ctx context.Context) (*nonce.Ticket, error) {
	if q.callers.Add(1) == 1 {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return nonce.NewTicket("main", 7, nil, nil), nil
}

// The second send of a hedged attempt counts, also where the first one was not sent.
func TestOnCallOfASecondSendThatPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var a audience
		r := newRetrier(t, a.of(retry.Config{Nonces: new(queue)}))
		require.Panics(t, func() {
			_, _ = retry.Hedge(t.Context(), r, time.Second, func(context.Context) (int, error) { panic("x") })
		})
		require.Len(t, a.calls, 1)
		require.Equal(t, 1, a.calls[0].Attempts)
		require.Equal(t, classify.Unknown, a.calls[0].Effect)
	})
}

// A call inside an attempt is part of it; one that another Retrier makes is a call of its
// own, and so is one that is refused where none can be made.
func TestOnCallNested(t *testing.T) {
	var outer, inner audience
	o := newRetrier(t, outer.of(retry.Config{Nonces: newLane(t)}))
	i := newRetrier(t, inner.of(retry.Config{}))
	require.NoError(t, retry.Do(t.Context(), o, func(ctx context.Context) error {
		return errors.Join(retry.Do(ctx, o, play().op), retry.Do(ctx, i, play().op))
	}))
	require.Error(t, retry.Do(t.Context(), o, func(ctx context.Context) error { return retry.Do(ctx, i, always(code(403, "80"))) }))
	require.Equal(t, []string{"success", "inner"}, words(outer.calls))
	require.Equal(t, []string{"success", "fatal"}, words(inner.calls))
	require.Len(t, outer.attempts, 2)

	outer = audience{}
	require.Error(t, retry.Do(t.Context(), o, func(ctx context.Context) error {
		_, err := retry.DoOnce(ctx, o, retry.Operation[int]{ID: "x", Send: func(context.Context) (int, error) { return 0, nil }})
		return err
	}))
	require.Equal(t, []string{"nested", "nested"}, words(outer.calls), "the one refused, and the one around it")
}

func words(calls []retry.Call) (w []string) {
	for _, c := range calls {
		w = append(w, c.Reason)
	}
	return w
}

// What a payment came to, and whether it was left in doubt.
func TestOnCallOfAPayment(t *testing.T) {
	lost := errors.New("lost")
	applied := func(context.Context) (int, retry.Outcome, error) { return 1, retry.Applied, nil }
	for _, c := range []struct {
		name    string
		send    error
		verify  func(context.Context) (int, retry.Outcome, error)
		reason  string
		outcome retry.Outcome
		doubt   bool
	}{
		{"paid", nil, applied, "success", retry.Applied, false},
		{"refused", code(400, "30010"), applied, "fix_and_resend", retry.Absent, false},
		{"lost, and found", lost, applied, "success", retry.Applied, false},
		{"lost", lost, nil, "outcome_unknown", retry.Undecided, true},
		{"found, its value lost", lost, func(context.Context) (int, retry.Outcome, error) { return 0, retry.Applied, lost }, "applied", retry.Applied, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var a audience
				r := newRetrier(t, a.of(retry.Config{Key: "main"}))
				verify := c.verify
				if verify != nil {
					verify = func(ctx context.Context) (int, retry.Outcome, error) {
						time.Sleep(200 * time.Millisecond)
						return c.verify(ctx)
					}
				}
				_, _ = retry.DoOnce(t.Context(), r, retry.Operation[int]{
					ID: "inv-7", Verify: verify,
					Send: func(context.Context) (int, error) { time.Sleep(time.Second); return 1, c.send },
				}, retry.Named("payout"))
				require.Len(t, a.calls, 1)
				got := a.calls[0]
				require.Equal(t, []any{"payout", "inv-7", c.reason, c.outcome, c.doubt, 1},
					[]any{got.Name, got.ID, got.Reason, got.Outcome, got.InDoubt, got.Attempts})
				require.Equal(t, got.Took-time.Second, got.Waited, "looking is no sending")
				require.Len(t, a.attempts, 1, "a lookup is no attempt")
				looked := false
				for _, e := range a.events {
					if e.Kind == retry.EventLookup {
						require.Equal(t, 200*time.Millisecond, e.Took)
						looked = true
					}
				}
				require.Equal(t, c.send == lost && c.verify != nil, looked)
			})
		})
	}
}

// Doubts that events tell of, and the calls that end in one, cancel out: a gauge of
// payments in doubt can be kept.
func TestDoubtsBalance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rapid.Check(noDeadline{t}, func(t *rapid.T) {
			answers := rapid.SliceOfN(rapid.SampledFrom([]retry.Outcome{retry.Applied, retry.Absent, retry.Undecided}), 1, 6).Draw(t, "answers")
			sends := rapid.SliceOfN(rapid.SampledFrom([]error{nil, errors.New("lost"), code(403, "50"), code(500, "-32603"), code(400, "30010")}), 1, 4).Draw(t, "sends")
			panics := rapid.Bool().Draw(t, "panics")
			var a audience
			r, err := retry.New(a.of(retry.Config{Journal: new(retry.MemoryJournal)}))
			require.NoError(t, err)
			sent, asked := 0, 0
			for range 2 { // the second one finds what the first one left
				func() {
					defer func() { _ = recover() }()
					_, _ = retry.DoOnce(context.Background(), r, retry.Operation[int]{
						ID: "inv-7",
						Send: func(context.Context) (int, error) {
							sent++
							if panics {
								panic("x")
							}
							return 1, sends[min(sent, len(sends))-1]
						},
						Verify: func(context.Context) (int, retry.Outcome, error) {
							asked++
							return 1, answers[min(asked, len(answers))-1], nil
						},
					})
				}()
			}
			doubts := 0
			for _, e := range a.events {
				switch e.Kind {
				case retry.EventDoubt:
					doubts++
				case retry.EventSettled:
					doubts--
				}
			}
			for _, c := range a.calls {
				if c.InDoubt {
					doubts--
				}
			}
			require.Zero(t, doubts)
			require.Len(t, a.calls, 2)
		})
	})
}

// All observers are called, and nil is none. One that panics keeps nobody from hearing.
func TestObservers(t *testing.T) {
	defer slog.SetDefault(slog.Default())
	var log bytes.Buffer
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	require.Nil(t, retry.Observers[retry.Call]())
	require.Nil(t, retry.Observers[retry.Event](nil, nil))
	var heard []string
	hear := func(who string) func(context.Context, retry.Call) {
		return func(_ context.Context, c retry.Call) { heard = append(heard, who+" "+c.Name) }
	}
	retry.Observers(nil, hear("only"))(t.Context(), retry.Call{Name: "x"})
	all := retry.Observers(hear("first"), nil, func(context.Context, retry.Call) { panic("4711-SECRET") }, hear("last"))
	all(t.Context(), retry.Call{Name: "x"})
	require.Equal(t, []string{"only x", "first x", "last x"}, heard)
	require.Contains(t, log.String(), "retry: Observers")
	require.NotContains(t, log.String(), "SECRET")
}

// Whatever an observer does, the call ends as it would have, and is counted once.
func TestOnCallHarmsNobody(t *testing.T) {
	defer slog.SetDefault(slog.Default())
	slog.SetDefault(slog.New(slog.DiscardHandler))
	calls := 0
	r := newRetrier(t, retry.Config{
		OnCall:    func(context.Context, retry.Call) { calls++; panic("x") },
		OnAttempt: func(context.Context, retry.Call) { panic("x") },
	})
	require.NoError(t, retry.Do(t.Context(), r, play().op))
	require.ErrorIs(t, retry.Do(t.Context(), r, always(code(403, "80"))), retry.ErrFatal)
	require.Equal(t, 2, calls)

	exits := newRetrier(t, retry.Config{OnCall: func(context.Context, retry.Call) { runtime.Goexit() }})
	done := make(chan struct{})
	go func() { defer close(done); _ = retry.Do(context.Background(), exits, play().op) }()
	<-done
	require.EqualValues(t, 1, exits.Stats().Calls)
}

// Neither counting nor telling allocates.
func TestOnCallAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	var calls, attempts int
	r := newRetrier(t, retry.Config{
		Breaker:   newBreaker(t, breaker.Config{}),
		Policies:  steady(t, policy.Table{AttemptTimeout: policy.None}),
		OnCall:    func(_ context.Context, c retry.Call) { calls += c.Attempts },
		OnAttempt: func(_ context.Context, c retry.Call) { attempts += c.Attempts },
	})
	op := func(context.Context) error { return nil }
	require.Zero(t, testing.AllocsPerRun(1000, func() { _ = retry.Do(context.Background(), r, op) }))
	require.NotZero(t, calls)
	require.Equal(t, calls, attempts)
}

// A server that makes up statuses and codes brings no more than a hundred rules about, and every
// reason has a word of its own that the documentation names.
func TestLabelsAreFew(t *testing.T) {
	rules := map[string]bool{}
	r := newRetrier(t, retry.Config{
		Budget: retry.NoBudget(),
		OnCall: func(_ context.Context, c retry.Call) { rules[c.Rule] = true },
	})
	for i := range 1000 {
		for _, c := range []classify.Code{"", "-32603", classify.Code(fmt.Sprint(20000 + i)), classify.Code(fmt.Sprintf("made-up-%d", i))} {
			e := code(i, c)
			if c == "" {
				e = code(i)
			}
			_ = retry.Do(t.Context(), r, always(e), retry.Resend(retry.ResendNever))
		}
	}
	require.LessOrEqual(t, len(rules), 100)
	require.Contains(t, rules, "HTTP 503")
	require.Contains(t, rules, "HTTP 5xx")

	source, err := os.ReadFile("ending.go")
	require.NoError(t, err)
	doc, err := os.ReadFile("observe.go")
	require.NoError(t, err)
	words := regexp.MustCompile(`: +\{"([a-z_]+)"`).FindAllSubmatch(source, -1)
	require.Len(t, words, 21)
	for _, w := range words {
		require.Contains(t, string(doc), fmt.Sprintf("%q", w[1]))
	}
}
