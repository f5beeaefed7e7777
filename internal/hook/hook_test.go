package hook_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/nexpay-go/resilience/internal/hook"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// logged runs f and returns what it wrote to slog.Default.
func logged(t *testing.T, f func()) string {
	t.Helper()
	var buf bytes.Buffer
	setDefault(t, slog.NewTextHandler(&buf, nil))
	f()
	return buf.String()
}

func setDefault(t *testing.T, h slog.Handler) {
	t.Helper()
	before := slog.Default()
	slog.SetDefault(slog.New(h))
	t.Cleanup(func() { slog.SetDefault(before) })
}

func TestCallReportsTheTypeOfAPanicAndNothingElse(t *testing.T) {
	for _, tt := range []struct {
		name  string
		value any
		typ   string
	}{
		{"text", "secret", "string"},
		{"error", errors.New("secret"), "*errors.errorString"},
		{"nil", nil, "*runtime.PanicNilError"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := logged(t, func() { hook.Call("pkg.Hook", func() { panic(tt.value) }) })
			require.Contains(t, text, "hook=pkg.Hook")
			require.Contains(t, text, "type="+tt.typ)
			require.NotContains(t, text, "secret")
		})
	}
}

func TestCallIsQuietWithoutAPanic(t *testing.T) {
	ran := false
	require.Empty(t, logged(t, func() { hook.Call("pkg.Hook", func() { ran = true }) }))
	require.True(t, ran)
}

// A badHandler panics, as what it reports did.
type badHandler struct{ slog.Handler }

func (badHandler) Enabled(context.Context, slog.Level) bool  { return true }
func (badHandler) Handle(context.Context, slog.Record) error { panic("handler") }

func TestCallSurvivesAPanickingLogHandler(t *testing.T) {
	setDefault(t, badHandler{})
	require.NotPanics(t, func() { hook.Call("pkg.Hook", func() { panic("hook") }) })
}

func TestCallLetsGoexitPass(t *testing.T) {
	passed := true
	inGoroutine(func() {
		hook.Call("pkg.Hook", runtime.Goexit)
		passed = false
	})
	require.True(t, passed)
}

func inGoroutine(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	<-done
}

func TestDrainDeliversInOrder(t *testing.T) {
	var q hook.Queue[int]
	var got []int
	q.Drain("pkg.Hook", func(int) { t.Error("nothing was pushed") })
	for i := range 3 {
		q.Push(i)
	}
	q.Drain("pkg.Hook", func(v int) { got = append(got, v) })
	q.Drain("pkg.Hook", func(v int) { got = append(got, v) })
	require.Equal(t, []int{0, 1, 2}, got)
}

func TestNestedDrainIsLeftToTheOuterOne(t *testing.T) {
	var q hook.Queue[int]
	var got []int
	inside := false
	var f func(int)
	f = func(v int) {
		require.False(t, inside, "one at a time")
		inside = true
		if v < 3 {
			q.Push(v + 1)
			q.Drain("pkg.Hook", f)
		}
		got = append(got, v)
		inside = false
	}
	q.Push(0)
	q.Drain("pkg.Hook", f)
	require.Equal(t, []int{0, 1, 2, 3}, got)
}

func TestPanicAndGoexitDoNotStopDelivery(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func()
	}{
		{"panic", func() { panic("hook") }},
		{"goexit", runtime.Goexit},
	} {
		t.Run(tt.name, func(t *testing.T) {
			setDefault(t, slog.DiscardHandler)
			var q hook.Queue[int]
			var got []int
			f := func(v int) {
				got = append(got, v)
				tt.end()
			}
			for i := range 4 {
				q.Push(i)
			}
			inGoroutine(func() { q.Drain("pkg.Hook", f) })
			require.Equal(t, []int{0, 1, 2, 3}, got, "all were delivered, if only on the way out")

			q.Push(4)
			inGoroutine(func() { q.Drain("pkg.Hook", f) })
			require.Equal(t, []int{0, 1, 2, 3, 4}, got, "nothing is wedged")
		})
	}
}

// Whatever the hook does with each value — return, panic, exit, push another — everything is delivered once, in order.
func TestDeliveryProperty(t *testing.T) {
	setDefault(t, slog.DiscardHandler)
	rapid.Check(t, func(t *rapid.T) {
		ends := rapid.SliceOfN(rapid.IntRange(0, 3), 1, 30).Draw(t, "ends")
		pushed := rapid.IntRange(0, len(ends)).Draw(t, "pushed")
		var q hook.Queue[int]
		var got, want []int
		for i := range pushed {
			q.Push(i)
			want = append(want, i)
		}
		var f func(int)
		f = func(v int) {
			got = append(got, v)
			switch ends[v] {
			case 1:
				panic("hook")
			case 2:
				runtime.Goexit()
			case 3:
				if len(want) < len(ends) {
					want = append(want, len(want))
					q.Push(len(want) - 1)
					q.Drain("pkg.Hook", f)
				}
			}
		}
		inGoroutine(func() { q.Drain("pkg.Hook", f) })
		if !slices.Equal(want, got) {
			t.Fatalf("delivered %v of %v", got, want)
		}
	})
}

func TestConcurrentPushesArriveInTheOrderOfTheirLock(t *testing.T) {
	const goroutines, each = 8, 200
	var (
		q     hook.Queue[int]
		mu    sync.Mutex // the owner's: orders the pushes
		next  int
		gotMu sync.Mutex
		got   []int
		wg    sync.WaitGroup
	)
	for range goroutines {
		wg.Go(func() {
			for range each {
				mu.Lock()
				q.Push(next)
				next++
				mu.Unlock()
				q.Drain("pkg.Hook", func(v int) {
					require.True(t, gotMu.TryLock(), "one at a time")
					got = append(got, v)
					gotMu.Unlock()
				})
			}
		})
	}
	wg.Wait()
	require.Len(t, got, goroutines*each)
	require.True(t, slices.IsSorted(got))
}
