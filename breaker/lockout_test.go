package breaker_test

import (
	"log/slog"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
)

func TestLockout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var heard []breaker.LockoutChange
		l := new(breaker.Lockout)
		l.Watch(func(c breaker.LockoutChange) { heard = append(heard, c) })
		first := breaker.LockCause{Code: "100", TraceID: "t-1", Reason: "API key locked"}
		second := breaker.LockCause{Code: "90", TraceID: "t-2"}
		start := time.Now()
		heardFirst, heardSecond := first, second
		heardFirst.At, heardSecond.At = start, start.Add(time.Second)
		heardFirst.Sent, heardSecond.Sent = heardFirst.At, heardSecond.At

		require.NoError(t, l.Check("a"))
		require.Empty(t, l.Locked())
		require.False(t, l.Unlock("a"))
		require.True(t, l.Lock("b", first))
		require.False(t, l.Lock("b", second), "the first cause stays")
		time.Sleep(time.Second)
		require.True(t, l.Lock("", second))

		require.NoError(t, l.Check("a"))
		want := &breaker.LockedError{Key: "b", Code: "100", TraceID: "t-1", Reason: "API key locked", At: start, Sent: start}
		wantEmpty := &breaker.LockedError{Code: "90", TraceID: "t-2", At: start.Add(time.Second), Sent: start.Add(time.Second)}
		require.Equal(t, want, l.Check("b"))
		require.ErrorIs(t, l.Check("b"), breaker.ErrLockedOut)
		require.NotErrorIs(t, l.Check("b"), breaker.ErrOpen)
		require.Equal(t, []*breaker.LockedError{wantEmpty, want}, l.Locked())

		time.Sleep(time.Second)
		require.True(t, l.Unlock("b"))
		require.False(t, l.Unlock("b"))
		require.NoError(t, l.Check("b"))
		require.True(t, l.Unlock(""))
		require.Empty(t, l.Locked())
		require.Equal(t, []breaker.LockoutChange{
			{Key: "b", Locked: true, Cause: heardFirst, At: start},
			{Key: "", Locked: true, Cause: heardSecond, At: start.Add(time.Second)},
			{Key: "b", Cause: heardFirst, At: start.Add(2 * time.Second)},
			{Key: "", Cause: heardSecond, At: start.Add(2 * time.Second)},
		}, heard)
	})
}

// A cause that another process has found out is passed on whole: to every watcher, and in
// the error.
func TestLockoutPassesTheCauseOn(t *testing.T) {
	var l breaker.Lockout
	var one, other []breaker.LockoutChange
	stop := l.Watch(func(c breaker.LockoutChange) { one = append(one, c) })
	l.Watch(func(c breaker.LockoutChange) { other = append(other, c) })
	cause := breaker.LockCause{
		Code: "100", TraceID: "t-1", Reason: "API key locked", Advice: "Call them.", By: "payout-3",
		Sent: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC), At: time.Date(2026, 3, 4, 5, 6, 8, 0, time.UTC),
	}
	require.True(t, l.Lock("main", cause))
	require.ErrorContains(t, l.Check("main"), "since 2026-03-04T05:06:08Z, reported by payout-3")
	stop()
	require.True(t, l.Unlock("main"))
	require.Len(t, one, 1)
	require.Equal(t, cause, one[0].Cause)
	require.Len(t, other, 2)
	require.Equal(t, cause, other[1].Cause)
	require.False(t, other[1].Locked)
}

// What Check and Locked hand out is the caller's.
func TestLockoutHandsOutCopies(t *testing.T) {
	var l breaker.Lockout
	l.Lock("a", breaker.LockCause{Code: "100"})
	l.Check("a").(*breaker.LockedError).Code = "1"
	l.Locked()[0].Code = "2"
	require.Equal(t, "100", l.Check("a").(*breaker.LockedError).Code)
}

func TestLockedErrorText(t *testing.T) {
	at := time.Date(2026, 3, 4, 5, 6, 7, 8, time.FixedZone("", 3600))
	for _, tt := range []struct {
		err  breaker.LockedError
		want string
	}{
		{breaker.LockedError{Key: "main", Code: "100", TraceID: "abc", Reason: "API key locked", At: at},
			`API key "main" is locked out by code 100 (API key locked) since 2026-03-04T04:06:07Z, trace abc; ` +
				`action: a person has to fix it, then end it with Lockout.Unlock`},
		{breaker.LockedError{At: at, Advice: "Ask the vendor."},
			"API key is locked out since 2026-03-04T04:06:07Z; action: Ask the vendor, then end it with Lockout.Unlock"},
	} {
		require.Equal(t, tt.want, tt.err.Error())
		require.Equal(t, tt.want, tt.err.SafeError())
	}
}

// A key may be unlocked and locked from its own hook, which may panic or exit: the changes come in order, one at a time.
func TestLockoutHook(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func()
	}{
		{"returns", func() {}},
		{"panics", func() { panic("hook") }},
		{"exits", runtime.Goexit},
	} {
		t.Run(tt.name, func(t *testing.T) {
			setDefault(t, slog.DiscardHandler)
			var l breaker.Lockout
			var heard []bool
			l.Watch(func(c breaker.LockoutChange) {
				heard = append(heard, c.Locked)
				if len(heard) < 4 {
					require.Equal(t, c.Locked, l.Check("a") != nil)
					require.Len(t, l.Locked(), map[bool]int{true: 1}[c.Locked])
					require.True(t, l.Unlock("a") || l.Lock("a", breaker.LockCause{}))
				}
				tt.end()
			})
			done := make(chan struct{})
			go func() {
				defer close(done)
				l.Lock("a", breaker.LockCause{})
			}()
			<-done
			require.Equal(t, []bool{true, false, true, false}, heard)
		})
	}
}

func TestLockoutConcurrently(t *testing.T) {
	var locks, heard atomic.Int64
	l := new(breaker.Lockout)
	l.Watch(func(c breaker.LockoutChange) {
		if c.Locked {
			heard.Add(1)
		}
	})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for n := range 500 {
				key := string(rune('a' + n%3))
				if l.Lock(key, breaker.LockCause{Code: strconv.Itoa(n)}) {
					locks.Add(1)
				}
				_, _ = l.Check(key), l.Locked()
				l.Unlock(key)
			}
		})
	}
	wg.Wait()
	require.Empty(t, l.Locked())
	require.Equal(t, locks.Load(), heard.Load())
}

// What a server sent ends up in these texts.
func FuzzTextsFromOutside(f *testing.F) {
	f.Add("API key locked", "abc")
	f.Add("two\nlines\r\x1b[2J\u202e", "\x00\xff\xfe")
	f.Add(strings.Repeat("ä", 200), strings.Repeat("\n", 5000)+"end")
	f.Add(strings.Repeat("x", 1<<20), "")
	f.Fuzz(func(t *testing.T, reason, traceID string) {
		var l breaker.Lockout
		l.Lock("k", breaker.LockCause{Code: traceID, Reason: reason, TraceID: traceID, Advice: reason, By: traceID})
		e := l.Check("k").(*breaker.LockedError)
		b := newBreaker(t, breaker.Config{})
		b.Isolate(reason)
		for _, s := range []string{e.Code, e.Reason, e.TraceID, e.Advice, e.By} {
			require.LessOrEqual(t, len(s), 256)
			require.True(t, utf8.ValidString(s))
			require.False(t, strings.ContainsFunc(s, unicode.IsControl))
		}
		for _, s := range []string{e.Error(), b.Check().Error()} {
			require.LessOrEqual(t, len(s), 1500)
			require.True(t, utf8.ValidString(s))
			require.NotContains(t, s, "\n")
			require.NotContains(t, s, "\x1b")
		}
		if len(reason) <= 256 && strings.Trim(reason, "abcdefghijklmnopqrstuvwxyz ") == "" {
			require.Equal(t, reason, e.Reason, "plain text stays")
		}
	})
}
