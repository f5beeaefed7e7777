package switchboard

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
)

// A change that this Board has made is no news where the Lockout tells of it late, as some
// other goroutine was telling: put again it would undo what was said since.
func TestALateEchoIsNoNews(t *testing.T) {
	b, err := New(t.Context(), Config{Store: new(MemoryStore), Lockout: new(breaker.Lockout)})
	require.NoError(t, err)
	b.Close()
	for _, on := range []bool{true, false} {
		b.apply(Entry{Kind: Key, Name: "main", On: on})
		b.observe(breaker.LockoutChange{Key: "main", Locked: on})
		require.Empty(t, b.allUnwritten())
	}
	for _, on := range []bool{true, false, true} {
		b.observe(breaker.LockoutChange{Key: "main", Locked: on})
		require.Equal(t, on, b.unwritten(name{Key, "main"}).On)
	}
	b.observe(breaker.LockoutChange{Key: "locked before"})
	require.Len(t, b.allUnwritten(), 2)
}

// A person unlocks the key while the Board applies what it has read before that, and both
// are reported after it: what the person said counts.
func TestAnEchoUndoesNoUnlock(t *testing.T) {
	lockout := new(breaker.Lockout)
	b, err := New(t.Context(), Config{Store: new(MemoryStore), Lockout: lockout})
	require.NoError(t, err)
	b.Close()
	b.apply(Entry{Kind: Key, Name: "main", On: true})
	b.observe(breaker.LockoutChange{Key: "main", Locked: true})
	require.True(t, lockout.Unlock("main"))
	b.apply(Entry{Kind: Key, Name: "main", On: true})
	b.observe(breaker.LockoutChange{Key: "main"})
	b.observe(breaker.LockoutChange{Key: "main", Locked: true})
	require.False(t, b.unwritten(name{Key, "main"}).On)
	require.NoError(t, lockout.Check("main"))
	b.observe(breaker.LockoutChange{Key: "main"}) // of the Board's own unlock
	require.Empty(t, b.echoes)

	// What is applied without a change leaves nothing behind that hides a later one.
	require.True(t, lockout.Lock("main", breaker.LockCause{}))
	b.apply(Entry{Kind: Key, Name: "main", On: true})
	b.observe(breaker.LockoutChange{Key: "main", Locked: true})
	require.True(t, b.unwritten(name{Key, "main"}).On)
	require.Empty(t, b.echoes)
}

// hung is a store that says that a change is kept when its time is over, as lib/pq does of
// a commit that still waits for its standby.
type hung struct{ Store }

func (h hung) Put(ctx context.Context, e Entry, age time.Duration) error {
	<-ctx.Done()
	return h.Store.Put(context.WithoutCancel(ctx), e, age)
}

// A change stays pending until the store has kept it in time: after a failover it may be lost.
func TestASuccessThatCameTooLateIsNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var events []Event
		b, err := New(t.Context(), Config{Store: hung{new(MemoryStore)}, Lockout: new(breaker.Lockout), OnEvent: func(e Event) { events = append(events, e) }})
		require.NoError(t, err)
		b.Isolate("bank", "maintenance")
		time.Sleep(time.Minute)
		unwritten := b.allUnwritten()
		b.Close()
		synctest.Wait()
		require.Len(t, unwritten, 1)
		require.Len(t, events, 1, "although it can be read")
		require.ErrorIs(t, events[0].Err, context.DeadlineExceeded)
	})
}

// Where the Board applies what it has read, and the opposite was found or said meanwhile,
// that counts at once, whether the store answers from now on or not.
func TestWhatIsAppliedLateUndoesNothing(t *testing.T) {
	lockout, of := new(breaker.Lockout), new(breaker.Group)
	b, err := New(t.Context(), Config{Store: new(MemoryStore), Lockout: lockout, Breakers: of.Get})
	require.NoError(t, err)
	b.Close()
	defer lockout.Watch(b.observe)()

	require.True(t, lockout.Lock("main", breaker.LockCause{Code: "100", Sent: time.Now()}))
	b.apply(Entry{Kind: Key, Name: "main", Age: time.Hour})
	require.ErrorContains(t, lockout.Check("main"), "by code 100")
	require.NotContains(t, lockout.Check("main").Error(), "reported by")
	require.True(t, b.unwritten(name{Key, "main"}).On)

	require.True(t, lockout.Unlock("main"))
	b.apply(Entry{Kind: Key, Name: "main", On: true, Age: time.Hour})
	require.NoError(t, lockout.Check("main"))
	require.False(t, b.unwritten(name{Key, "main"}).On)
	require.Empty(t, b.echoes)

	b.Isolate("payments", "maintenance")
	b.apply(Entry{Kind: Breaker, Name: "payments", Age: time.Hour})
	require.Equal(t, breaker.Open, of.Get("payments").State())
	b.Reset("payments")
	b.apply(Entry{Kind: Breaker, Name: "payments", On: true, Age: time.Hour})
	require.Equal(t, breaker.Closed, of.Get("payments").State())
}

func TestEventsInLogs(t *testing.T) {
	for want, e := range map[string]Event{
		"level=INFO msg=x board.gone=true board.error=hung\n": {Gone: true, Err: errors.New("hung")},
		"level=INFO msg=x board.gone=false board.for=2s\n":    {For: 2 * time.Second},
	} {
		var log strings.Builder
		slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}})).Info("x", "board", e)
		require.Equal(t, want, log.String())
	}
}
