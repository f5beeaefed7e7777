package retry_test

import (
	"context"
	"testing"
	"time"

	"github.com/sony/gobreaker/v2"
	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// full returns a Retrier with everything that a call can pass through without
// an attempt timeout and a lane: breaker, budget, policies per code. The
// breaker counts as by default, but does not trip by its ratio: half of what flaky sends
// fails.
func full(t testing.TB) *retry.Retrier {
	b, err := breaker.New(breaker.Config{Name: "bench", FailureRatio: 1})
	require.NoError(t, err)
	policies, err := policy.Nexpay().With(policy.Table{
		AttemptTimeout: policy.None,
		Codes: map[classify.Code]policy.Policy{
			"-32603": {MaxAttempts: 5, Backoff: policy.Backoff{Initial: policy.None}},
		},
	})
	require.NoError(t, err)
	r, err := retry.New(retry.Config{Breaker: b, Policies: policies})
	require.NoError(t, err)
	return r
}

//go:noinline
func answer(context.Context) (int, error) { return 42, nil }

// Compare with BenchmarkBareGobreaker of the same run: at most 1.2 times that,
// and no allocation.
func BenchmarkDoValue(b *testing.B) {
	r, ctx := full(b), context.Background()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := retry.DoValue(ctx, r, answer); err != nil {
			b.Fatal(err)
		}
	}
}

// The same with OnCall and OnAttempt that do nothing: two looks at the clock, and the telling.
func BenchmarkDoValueObserved(b *testing.B) {
	p, err := policy.Nexpay().With(policy.Table{AttemptTimeout: policy.None})
	require.NoError(b, err)
	r := newRetrier(b, retry.Config{
		Policies: p, Breaker: newBreaker(b, breaker.Config{Name: "bench", FailureRatio: 1}),
		OnCall:    func(context.Context, retry.Call) {},
		OnAttempt: func(context.Context, retry.Call) {},
	})
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := retry.DoValue(ctx, r, answer); err != nil {
			b.Fatal(err)
		}
	}
}

// The same as a payment, without a journal.
func BenchmarkDoOnce(b *testing.B) {
	r, ctx := full(b), context.Background()
	op := retry.Operation[int]{ID: "inv-7", Send: answer}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := retry.DoOnce(ctx, r, op); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBareGobreaker(b *testing.B) {
	cb, ctx := gobreaker.NewCircuitBreaker[int](gobreaker.Settings{}), context.Background()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := cb.Execute(func() (int, error) { return answer(ctx) }); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDoValueParallel(b *testing.B) {
	r, ctx := full(b), context.Background()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			_, _ = retry.DoValue(ctx, r, answer)
		}
	})
}

func BenchmarkBareGobreakerParallel(b *testing.B) {
	cb, ctx := gobreaker.NewCircuitBreaker[int](gobreaker.Settings{}), context.Background()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			_, _ = cb.Execute(func() (int, error) { return answer(ctx) })
		}
	})
}

var errInternal = &classify.Error{Status: 500, TraceID: "5f2c", Details: []classify.Detail{{Code: "-32603", Message: "Internal error"}}}

// flaky fails at first, in every call anew.
func flaky() func(context.Context) (int, error) {
	failed := false
	return func(context.Context) (int, error) {
		if failed = !failed; failed {
			return 0, errInternal
		}
		return 42, nil
	}
}

// One failure, then success, without a wait: at most 1 µs and 6 allocations.
func BenchmarkDoValueOneResend(b *testing.B) {
	r, ctx, op := full(b), context.Background(), flaky()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := retry.DoValue(ctx, r, op); err != nil {
			b.Fatal(err)
		}
	}
}

// While the breaker is open: nothing is sent, the full error is made.
func BenchmarkDoValueOpen(b *testing.B) {
	br, err := breaker.New(breaker.Config{Name: "bench"})
	require.NoError(b, err)
	br.Isolate("benchmark")
	r, err := retry.New(retry.Config{Breaker: br})
	require.NoError(b, err)
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := retry.DoValue(ctx, r, answer); err == nil {
			b.Fatal("open, and yet it sent")
		}
	}
}

// What an attempt timeout and a lane add is the context that carries them.
func BenchmarkDoValueTimeoutAndLane(b *testing.B) {
	lane, err := nonce.NewLane(nonce.LaneConfig{Key: "bench"})
	require.NoError(b, err)
	r, err := retry.New(retry.Config{Nonces: lane})
	require.NoError(b, err)
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := retry.DoValue(ctx, r, answer); err != nil {
			b.Fatal(err)
		}
	}
}

func TestSuccessAllocatesNothing(t *testing.T) {
	r, ctx := full(t), context.Background()
	require.Zero(t, testing.AllocsPerRun(1000, func() {
		if v, err := retry.DoValue(ctx, r, answer); v != 42 || err != nil {
			t.Fatal(v, err)
		}
	}), "DoValue")
	require.Zero(t, testing.AllocsPerRun(1000, func() {
		_, _ = retry.DoValue(ctx, r, answer, retry.Named("named"))
	}), "with an option")
	require.Zero(t, testing.AllocsPerRun(1000, func() {
		_ = retry.Do(ctx, r, func(ctx context.Context) error { _, err := answer(ctx); return err })
	}), "Do")
}

// What a call that fails allocates, beyond the operation's own: an attempt that follows
// another carries a context, and the error is one object, with its history.
func TestFailuresAllocateLittle(t *testing.T) {
	if raceEnabled {
		t.Skip("with the race detector a sync.Pool loses things, to see whether anybody minds")
	}
	fails := func(err error) func(context.Context) (int, error) {
		return func(context.Context) (int, error) { return 0, err }
	}
	r := full(t)
	thrice, err := policy.Nexpay().With(policy.Table{
		AttemptTimeout: policy.None,
		Codes:          map[classify.Code]policy.Policy{"-32603": {MaxAttempts: 3, Backoff: policy.Backoff{Initial: time.Nanosecond}}},
	})
	require.NoError(t, err)
	b, err := breaker.New(breaker.Config{ConsecutiveFailures: -1, FailureRatio: -1})
	require.NoError(t, err)
	gives := newRetrier(t, retry.Config{Policies: thrice, Breaker: b, Budget: retry.NoBudget()})
	ending, cancel := context.WithCancel(t.Context())
	defer cancel()
	for _, tt := range []struct {
		name string
		most float64
		ctx  context.Context
		r    *retry.Retrier
		op   func(context.Context) (int, error)
	}{
		{"one failure, then success", 1, ending, r, flaky()},
		{"fatal", 1, ending, r, fails(&classify.Error{Status: 401, TraceID: "5f2c", Details: []classify.Detail{{Code: "20"}}})},
		{"no code", 1, ending, r, fails(&classify.Error{Status: 401})},
		{"three failures", 3, ending, gives, fails(errInternal)},
		{"the breaker is open", 1, ending, newRetrier(t, retry.Config{Breaker: isolated(t)}), answer},
	} {
		t.Run(tt.name, func(t *testing.T) {
			require.LessOrEqual(t, testing.AllocsPerRun(1000, func() { _, _ = retry.DoValue(tt.ctx, tt.r, tt.op) }), tt.most)
		})
	}
}

// A wait takes a timer and its channel where the context can end, and nothing where it
// cannot: a goroutine has a timer of its own.
func TestWaitsAllocateATimer(t *testing.T) {
	policies, err := policy.Nexpay().With(policy.Table{
		AttemptTimeout: policy.None,
		Codes: map[classify.Code]policy.Policy{"-32603": {
			MaxAttempts: 5, Backoff: policy.Backoff{Initial: 10 * time.Microsecond, Jitter: policy.JitterNone}, Cost: policy.None,
		}},
	})
	require.NoError(t, err)
	r := newRetrier(t, retry.Config{Policies: policies})
	ending, cancel := context.WithCancel(t.Context())
	defer cancel()
	for ctx, most := range map[context.Context]float64{context.Background(): 1, ending: 4} {
		op := flaky()
		require.LessOrEqual(t, testing.AllocsPerRun(100, func() { _, _ = retry.DoValue(ctx, r, op) }), most)
	}
}

// The defaults, and a breaker: the context that ends an attempt.
func TestDefaultsAllocateAContext(t *testing.T) {
	b, err := breaker.New(breaker.Config{})
	require.NoError(t, err)
	r := newRetrier(t, retry.Config{Breaker: b})
	require.LessOrEqual(t, testing.AllocsPerRun(1000, func() { _, _ = retry.DoValue(t.Context(), r, answer) }), 1.0)
}

func TestTimeoutAndLaneAllocateTheirContexts(t *testing.T) {
	lane, err := nonce.NewLane(nonce.LaneConfig{Key: "test"})
	require.NoError(t, err)
	r, err := retry.New(retry.Config{Nonces: lane})
	require.NoError(t, err)
	ctx := context.Background()
	bare := testing.AllocsPerRun(1000, func() {
		ticket, _ := lane.Enter(ctx)
		ctx, cancel := context.WithTimeoutCause(nonce.NewContext(ctx, ticket), time.Second, nil)
		_, _ = answer(ctx)
		cancel()
		ticket.Leave()
	})
	require.LessOrEqual(t, testing.AllocsPerRun(1000, func() {
		_, _ = retry.DoValue(ctx, r, answer)
	}), bare)
}

// While the breaker is open, on every core at once.
func BenchmarkDoValueOpenParallel(b *testing.B) {
	br, err := breaker.New(breaker.Config{Name: "bench"})
	require.NoError(b, err)
	br.Isolate("benchmark")
	r, err := retry.New(retry.Config{Breaker: br})
	require.NoError(b, err)
	ctx := context.Background()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			_, _ = retry.DoValue(ctx, r, answer)
		}
	})
}

// A call inside a call, on a turn of the outer one.
func BenchmarkNested(b *testing.B) {
	lane, err := nonce.NewLane(nonce.LaneConfig{Key: "lane"})
	if err != nil {
		b.Fatal(err)
	}
	r, err := retry.New(retry.Config{Nonces: lane})
	if err != nil {
		b.Fatal(err)
	}
	inner := func(context.Context) (int, error) { return 1, nil }
	outer := func(ctx context.Context) (int, error) { return retry.DoValue(ctx, r, inner) }
	b.ReportAllocs()
	for b.Loop() {
		if _, err := retry.DoValue(b.Context(), r, outer); err != nil {
			b.Fatal(err)
		}
	}
}

// worded is the error of a client of the caller's own, with a code that is a word.
type worded string

func (w worded) Error() string     { return "secret" }
func (w worded) ErrorCode() string { return string(w) }

// A refusal that the caller's own client has read is proof: no lookup, no wait.
func BenchmarkDoOnceDeclined(b *testing.B) {
	catalog, err := classify.NewCatalog("cards", classify.Rule{Codes: "card_declined", Name: "Declined", Class: classify.Fatal, Effect: classify.NotApplied})
	if err != nil {
		b.Fatal(err)
	}
	r, err := retry.New(retry.Config{Classifier: catalog})
	if err != nil {
		b.Fatal(err)
	}
	op := retry.Operation[int]{
		ID:     "inv-7",
		Send:   func(context.Context) (int, error) { return 0, worded("card_declined") },
		Verify: func(context.Context) (int, retry.Outcome, error) { panic("looked up") },
	}
	b.ReportAllocs()
	for b.Loop() {
		_, _ = retry.DoOnce(context.Background(), r, op)
	}
}
