package breaker_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
)

// An answer to what was sent before a person acted locks nothing, on that key;
// any other does.
func TestAnswerFromBeforeTheUnlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l breaker.Lockout
		before := time.Now()
		time.Sleep(time.Second)
		require.True(t, l.Lock("a", breaker.LockCause{Sent: before}), "nobody has unlocked it")
		require.True(t, l.Lock("b", breaker.LockCause{Sent: time.Now()}))
		time.Sleep(time.Second)
		require.True(t, l.Unlock("a"))
		unlocked := time.Now()
		time.Sleep(time.Second)

		for _, sent := range []time.Time{before, unlocked.Add(-1)} {
			require.False(t, l.Lock("a", breaker.LockCause{Sent: sent}))
			require.NoError(t, l.Check("a"))
		}
		require.True(t, l.Lock("c", breaker.LockCause{Sent: before}), "that was another key")
		for _, sent := range []time.Time{unlocked, time.Now(), {}} {
			require.True(t, l.Lock("a", breaker.LockCause{Sent: sent}), sent)
			require.Error(t, l.Check("a"))
			require.False(t, l.Lock("a", breaker.LockCause{Sent: sent}), "it is locked")
			require.True(t, l.Unlock("a"))
			unlocked := time.Now()
			require.False(t, l.Lock("a", breaker.LockCause{Sent: unlocked.Add(-1)}))
		}
	})
}
