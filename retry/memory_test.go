package retry_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// A waiter starts one goroutine that calls waiting when it is about to wait,
// waits until ctx ends, and calls done.
type waiter func(ctx context.Context, waiting, done func())

// waitBytes returns what each of n waiters costs.
func waitBytes(t testing.TB, n int, start waiter) (bytes float64) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	var began atomic.Int64
	waiting := func() { began.Add(1) }
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	goroutines := runtime.NumGoroutine()
	done.Add(n)
	for range n {
		start(ctx, waiting, done.Done)
	}
	for began.Load() < int64(n) {
		runtime.Gosched()
	}
	runtime.GC() // twice: what the first one frees, the second one sweeps
	runtime.GC()
	runtime.ReadMemStats(&after)
	require.Equal(t, goroutines+n, runtime.NumGoroutine(), "one goroutine each, the caller's own")
	cancel()
	done.Wait()
	inUse := func(m *runtime.MemStats) uint64 { return m.HeapAlloc + m.StackInuse }
	return float64(int64(inUse(&after)-inUse(&before))) / float64(n)
}

func bareTimer(testing.TB) waiter {
	return func(ctx context.Context, waiting, done func()) {
		go func() {
			defer done()
			timer := time.NewTimer(time.Hour)
			waiting()
			select {
			case <-timer.C:
			case <-ctx.Done():
				timer.Stop()
			}
		}()
	}
}

func inBackoff(t testing.TB) waiter {
	b, err := breaker.New(breaker.Config{ConsecutiveFailures: -1, FailureRatio: -1})
	require.NoError(t, err)
	policies, err := policy.Standard().With(policy.Table{Catalog: classify.Nexpay(), Default: policy.Policy{
		Backoff:    policy.Backoff{Initial: time.Hour, Jitter: policy.JitterNone},
		MaxElapsed: policy.None,
	}})
	require.NoError(t, err)
	r, err := retry.New(retry.Config{Policies: policies, Budget: retry.NoBudget(), Breaker: b})
	require.NoError(t, err)
	return func(ctx context.Context, waiting, done func()) {
		go func() {
			defer done()
			_, _ = retry.DoValue(ctx, r, func(context.Context) (int, error) {
				waiting()
				return 0, errInternal
			})
		}()
	}
}

// A caller in a backoff costs little more than a goroutine with a timer: its
// stack stays at the 2 KiB it began with. Each is measured in a process of its
// own, because goroutines that ended leave stacks behind for later ones.
func TestWaitingCallsAreSmall(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector has memory of its own for each goroutine")
	}
	const n = 20_000
	bare, ours := inProcess(t, "bare", n), inProcess(t, "DoValue", n)
	// Who has to help the garbage collector when it allocates needs more stack for that, and
	// on a busy machine many have to: so the least of several counts.
	for range 6 {
		if ours >= bare+700 {
			ours = min(ours, inProcess(t, "DoValue", n))
		}
	}
	t.Logf("a bare goroutine with a timer: %.0f B; a call in backoff: %.0f B", bare, ours)
	// 3.05 kB and 3.55 kB on a quiet machine. Where all stacks grow it is 5.5, which
	// this must notice.
	require.Less(t, ours, bare+700)
}

// measured names what TestMeasureWaiting measures, in the process that
// inProcess starts.
const measured = "RETRY_TEST_MEASURE"

var waiters = map[string]func(testing.TB) waiter{"bare": bareTimer, "DoValue": inBackoff}

func TestMeasureWaiting(t *testing.T) {
	var name string
	var n int
	if _, err := fmt.Sscan(os.Getenv(measured), &name, &n); err != nil {
		return // for TestWaitingCallsAreSmall only
	}
	fmt.Printf("bytes=%.0f\n", waitBytes(t, n, waiters[name](t)))
}

func inProcess(t testing.TB, name string, n int) float64 {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestMeasureWaiting$", "-test.count=1")
	// A goroutine that is preempted in the middle of a function needs room for all
	// registers, and its stack grows for that: noise from a busy machine.
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %d", measured, name, n), "GODEBUG=asyncpreemptoff=1")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	found := regexp.MustCompile(`bytes=(\d+)`).FindSubmatch(out)
	require.NotNil(t, found, "%s", out)
	bytes, err := strconv.ParseFloat(string(found[1]), 64)
	require.NoError(t, err)
	return bytes
}

// Reports the bytes of each of 100,000 waiting calls.
func BenchmarkWaitingCall(b *testing.B) {
	for _, name := range []string{"bare", "DoValue"} {
		b.Run(name, func(b *testing.B) {
			var bytes float64
			for b.Loop() {
				bytes = inProcess(b, name, 100_000)
			}
			b.ReportMetric(bytes, "B/call")
		})
	}
}

// 100,000 callers whose wait is over in the same instant: how long it takes until the
// last one is through.
func BenchmarkAllDueAtOnce(b *testing.B) {
	const n = 100_000
	policies, err := policy.Standard().With(policy.Table{Default: policy.Policy{
		Backoff: policy.Backoff{Initial: time.Second, Jitter: policy.JitterNone},
	}})
	require.NoError(b, err)
	br, err := breaker.New(breaker.Config{ConsecutiveFailures: -1, FailureRatio: -1})
	require.NoError(b, err)
	r, err := retry.New(retry.Config{Policies: policies, Budget: retry.NoBudget(), Breaker: br})
	require.NoError(b, err)
	bare := func(ctx context.Context, wait time.Duration) {
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	ours := func(ctx context.Context, wait time.Duration) {
		failed := false
		_, _ = retry.DoValue(ctx, r, func(context.Context) (int, error) {
			if failed = !failed; failed {
				return 0, &classify.Error{Status: 503, RetryAfter: wait}
			}
			return 1, nil
		})
	}
	for _, who := range []struct {
		name string
		wait func(context.Context, time.Duration)
	}{{"bare", bare}, {"ours", ours}} {
		b.Run(who.name, func(b *testing.B) {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			for b.Loop() {
				const lead = 3 * time.Second // to start them all
				due := time.Now().Add(lead)
				var all sync.WaitGroup
				for range n {
					all.Go(func() { who.wait(ctx, time.Until(due)) })
				}
				late := time.Since(due)
				all.Wait()
				b.ReportMetric(max(late, 0).Seconds(), "s-late-to-start")
				b.ReportMetric(float64(time.Since(due).Milliseconds()), "ms-after-due")
			}
		})
	}
}
