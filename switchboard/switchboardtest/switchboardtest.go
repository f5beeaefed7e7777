// Package switchboardtest tests a store against the rules of [switchboard.Store]:
//
//	func TestStore(t *testing.T) {
//		switchboardtest.Run(t, func() switchboard.Store { return newStore(t) })
//	}
package switchboardtest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/switchboard"
)

// step is a time that any store's clock can measure.
const step = 50 * time.Millisecond

// Run checks stores made by open, each of which must be empty. It reports the first
// failure to t and stops. It takes a second or so, by the stores' own clocks.
func Run(t testing.TB, open func() switchboard.Store) {
	t.Helper()
	for _, rule := range []struct {
		name  string
		check func(*check)
	}{
		{"entries are kept", kept},
		{"the first cause stays", first},
		{"a late answer locks nothing", late},
		{"the last change wins", last},
		{"Put may run twice", twice},
		{"concurrent Puts", many},
		{"a context that has ended", over},
	} {
		if rule.check(&check{t, open(), rule.name}); t.Failed() {
			return
		}
	}
}

type check struct {
	testing.TB
	store switchboard.Store
	rule  string
}

func (c *check) put(e switchboard.Entry, age time.Duration) {
	c.Helper()
	if err := c.store.Put(context.Background(), e, age); err != nil {
		c.Fatalf("%s: Put: %v", c.rule, err)
	}
}

// holds checks all entries except for their ages, and returns them.
func (c *check) holds(want ...switchboard.Entry) []switchboard.Entry {
	c.Helper()
	all, err := c.store.All(context.Background())
	if err != nil {
		c.Fatalf("%s: All: %v", c.rule, err)
	}
	slices.SortFunc(all, func(a, b switchboard.Entry) int {
		return strings.Compare(string(a.Kind)+a.Name, string(b.Kind)+b.Name)
	})
	plain := slices.Clone(all)
	for i := range plain {
		plain[i].Age = 0
	}
	if !slices.Equal(plain, want) {
		c.Fatalf("%s: the entries are %+v, want %+v", c.rule, plain, want)
	}
	return all
}

func locked(key, code string) switchboard.Entry {
	return switchboard.Entry{Kind: switchboard.Key, Name: key, On: true, Cause: breaker.LockCause{
		Code: code, TraceID: "5f2c", Reason: "It's \"locked\", Söhne", Advice: "Call them.", By: "payout-3",
	}}
}

func unlocked(key string) switchboard.Entry {
	return switchboard.Entry{Kind: switchboard.Key, Name: key, Cause: breaker.LockCause{By: "ops"}}
}

func kept(c *check) {
	c.holds()
	isolated := switchboard.Entry{Kind: switchboard.Breaker, Name: "main", On: true, Cause: breaker.LockCause{Reason: "maintenance", By: "ops"}}
	c.put(locked("main", "100"), 0)
	c.put(isolated, 0)
	c.put(locked("", "90"), 0)
	c.holds(isolated, locked("", "90"), locked("main", "100"))
	time.Sleep(step)
	c.put(unlocked("main"), 0)
	all := c.holds(isolated, locked("", "90"), unlocked("main"))
	if age := all[0].Age; age < step || age > 100*step {
		c.Errorf("%s: the entry set %v ago is %v old", c.rule, step, age)
	}
	isolated.On, isolated.Cause.Reason = false, ""
	c.put(isolated, 0)
	c.holds(isolated, locked("", "90"), unlocked("main"))
}

func first(c *check) {
	c.put(locked("main", "100"), 0)
	c.put(locked("main", "90"), 0)
	c.holds(locked("main", "100"))
}

// late: ages decide whether a request was sent before the key was unlocked.
func late(c *check) {
	c.put(locked("main", "100"), 0)
	c.put(unlocked("main"), 0)
	c.put(locked("main", "90"), time.Hour)
	c.holds(unlocked("main"))
	time.Sleep(4 * step)
	c.put(locked("main", "90"), 10*step)
	c.holds(unlocked("main"))
	c.put(locked("main", "90"), step)
	c.holds(locked("main", "90"))
	// A key without an entry is locked by an answer of any age.
	c.put(locked("other", "90"), 24*time.Hour)
	c.holds(locked("main", "90"), locked("other", "90"))
	// An unlock from before the request that found the key locked has no effect.
	c.put(unlocked("main"), time.Hour)
	c.holds(locked("main", "90"), locked("other", "90"))
	c.put(unlocked("main"), 0)
	c.holds(unlocked("main"), locked("other", "90"))
}

// last: a process that was cut off writes old changes, in any order.
func last(c *check) {
	isolated := switchboard.Entry{Kind: switchboard.Breaker, Name: "main", On: true, Cause: breaker.LockCause{Reason: "maintenance", By: "ops"}}
	reset := switchboard.Entry{Kind: switchboard.Breaker, Name: "main", Cause: breaker.LockCause{By: "payout-3"}}
	c.put(isolated, 20*step)
	c.put(reset, time.Hour)
	c.holds(isolated)
	c.put(reset, 10*step)
	c.holds(reset)
	c.put(isolated, 15*step)
	c.holds(reset)
	// Set again, the entry is as young as that, and keeps its first cause.
	c.put(isolated, 8*step)
	again := isolated
	again.Cause.Reason = "more of it"
	c.put(again, 4*step)
	c.put(isolated, 20*step)
	c.put(reset, 6*step)
	if age := c.holds(isolated)[0].Age; age < 4*step || age > 8*step {
		c.Errorf("%s: the entry last set %v ago is %v old", c.rule, 4*step, age)
	}
	c.put(reset, 0)
	c.holds(reset)
}

func twice(c *check) {
	for range 2 {
		c.put(locked("main", "100"), 0)
	}
	c.holds(locked("main", "100"))
	for range 2 {
		c.put(unlocked("main"), 0)
	}
	c.holds(unlocked("main"))
}

func many(c *check) {
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for n := range 10 {
				e := locked(fmt.Sprint("key-", n), fmt.Sprint(i))
				if err := c.store.Put(context.Background(), e, 0); err != nil {
					c.Errorf("%s: Put: %v", c.rule, err)
				}
			}
		})
	}
	all.Wait()
	held, err := c.store.All(context.Background())
	if err != nil || len(held) != 10 {
		c.Errorf("%s: %d entries, %v", c.rule, len(held), err)
	}
	for _, e := range held {
		if !e.On || len(e.Cause.Code) != 1 {
			c.Errorf("%s: unexpected entry %+v", c.rule, e)
		}
	}
}

func over(c *check) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if c.store.Put(ctx, locked("main", "100"), 0) == nil {
		c.Errorf("%s: Put succeeded", c.rule)
	}
	if _, err := c.store.All(ctx); err == nil {
		c.Errorf("%s: All succeeded", c.rule)
	}
}
