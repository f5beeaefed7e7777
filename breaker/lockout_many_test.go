package breaker_test

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/nexpay-go/resilience/breaker"
)

// Against a map, with many keys: those that are there, those that were, and those
// that never are.
func TestLockoutAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var l breaker.Lockout
		locked := map[string]string{}
		few := rapid.IntRange(1, 300).Draw(t, "keys")
		filling := true
		for n := range rapid.IntRange(1, 1500).Draw(t, "steps") {
			if n%400 == 0 {
				filling = rapid.Bool().Draw(t, "filling")
			}
			key := fmt.Sprint(rapid.IntRange(0, few).Draw(t, "key"))
			_, is := locked[key]
			if filling == (rapid.IntRange(0, 9).Draw(t, "step") > 0) {
				if l.Lock(key, breaker.LockCause{Code: fmt.Sprint(n)}) == is {
					t.Fatalf("Lock %s: it was locked: %v", key, is)
				}
				if !is {
					locked[key] = fmt.Sprint(n)
				}
			} else {
				if l.Unlock(key) != is {
					t.Fatalf("Unlock %s: it was locked: %v", key, is)
				}
				delete(locked, key)
			}
			for _, key := range []string{key, fmt.Sprint(n % (few + 2))} {
				code, is := locked[key]
				err, _ := l.Check(key).(*breaker.LockedError)
				if (err != nil) != is || is && (err.Key != key || err.Code != code) {
					t.Fatalf("Check %s: %v, should be %v %s", key, err, is, code)
				}
			}
		}
		var keys []string
		for _, e := range l.Locked() {
			keys = append(keys, e.Key)
		}
		require.Equal(t, slices.Sorted(maps.Keys(locked)), keys)
	})
}

// A key that stays locked is never found unlocked, nor one that is never locked
// locked, while thousands of others come and go.
func TestLockoutGrowsUnderReaders(t *testing.T) {
	var l breaker.Lockout
	l.Lock("stays", breaker.LockCause{})
	var readers, writers sync.WaitGroup
	done := make(chan struct{})
	for range 2 {
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if l.Check("stays") == nil || l.Check("never") != nil {
					t.Error("found wrong")
					return
				}
			}
		})
	}
	for i := range 2 {
		writers.Go(func() {
			for range 3 {
				for n := range 1000 {
					l.Lock(fmt.Sprint(i, n), breaker.LockCause{})
				}
				for n := range 1000 {
					if !l.Unlock(fmt.Sprint(i, n)) {
						t.Error("was not locked")
					}
				}
			}
		})
	}
	writers.Wait()
	close(done)
	readers.Wait()
	require.Len(t, l.Locked(), 1)
}

// That a key was unlocked is remembered for a day, and dropped some time after.
func TestLockoutRemembersForADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l breaker.Lockout
		sent := time.Now()
		unlock := func(name string) {
			for i := range 100 {
				l.Lock(fmt.Sprint(name, i), breaker.LockCause{})
				time.Sleep(time.Millisecond)
				l.Unlock(fmt.Sprint(name, i))
			}
		}
		late := breaker.LockCause{Sent: sent}
		unlock("a")
		time.Sleep(23 * time.Hour)
		unlock("b")
		for i := range 100 {
			require.False(t, l.Lock(fmt.Sprint("a", i), late), "answered before it was unlocked")
			require.False(t, l.Lock(fmt.Sprint("b", i), late))
		}
		time.Sleep(2 * time.Hour)
		unlock("c")
		unlock("d")
		require.True(t, l.Lock("a7", late))
		require.False(t, l.Lock("b7", late))
		require.False(t, l.Lock("d7", late))
	})
}
