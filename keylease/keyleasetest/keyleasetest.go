// Package keyleasetest tests a store of leases against the rules of [keylease.Store]:
//
//	func TestStore(t *testing.T) {
//		keyleasetest.Run(t, func() keylease.Store { return newStore(t) })
//	}
package keyleasetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nexpay-go/resilience/keylease"
)

const (
	long  = time.Hour              // a lease that lasts for the whole test
	short = 100 * time.Millisecond // a lease that expires
)

// Run checks stores made by open, each of which must be empty. It reports the first
// failure to t and stops. It takes a second or so, because leases have to expire by the
// stores' own clocks.
func Run(t testing.TB, open func() keylease.Store) {
	t.Helper()
	for _, rule := range []struct {
		name  string
		check func(*check)
	}{
		{"keys are shared", shared},
		{"a lease is renewed by its owner in its epoch", renewed},
		{"a key is returned with its exact nonce", returned},
		{"an expired lease passes on", passesOn},
		{"an owner that leaves is removed", leaves},
		{"no more keys than Most", most},
		{"a round may run twice, and late", repeated},
		{"a returned key is not taken in the same round", returnedTwice},
		{"concurrent rounds", concurrent},
		{"a context that has ended", over},
		{"random rounds have the results of MemoryStore", model},
	} {
		if rule.check(&check{t, open(), rule.name}); t.Failed() {
			return
		}
	}
}

type check struct {
	testing.TB
	store keylease.Store
	rule  string
}

// round makes a round that must succeed.
func (c *check) round(r keylease.Round) keylease.Standing {
	c.Helper()
	s, err := c.store.Round(context.Background(), r)
	if err != nil {
		c.Fatalf("%s: Round: %v", c.rule, err)
	}
	return s
}

// holds checks the records that a round returns.
func (c *check) holds(s keylease.Standing, alive int, want ...keylease.Record) {
	c.Helper()
	if len(want) == 0 {
		want = nil
	}
	got := slices.SortedFunc(slices.Values(s.Records), func(a, b keylease.Record) int { return compare(a.Key, b.Key) })
	if !slices.Equal(got, want) {
		c.Fatalf("%s: the records are %v, want %v", c.rule, got, want)
	}
	if s.Alive != alive {
		c.Fatalf("%s: %d owners are alive, want %d", c.rule, s.Alive, alive)
	}
}

func compare(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func of(owner string, keys ...string) keylease.Round {
	return keylease.Round{Owner: owner, Keys: keys, TTL: long}
}

func shared(c *check) {
	c.holds(c.round(of("a", "x", "y", "z")), 1, keylease.Record{Key: "x", Epoch: 1}, keylease.Record{Key: "y", Epoch: 1}, keylease.Record{Key: "z", Epoch: 1})
	c.holds(c.round(of("b", "x", "y", "z")), 2)
	// a returns a key above its share, and b takes it.
	r := of("a", "x", "y", "z")
	r.Return = []keylease.Record{{Key: "z", Epoch: 1, High: 7}}
	c.holds(c.round(r), 2, keylease.Record{Key: "x", Epoch: 1}, keylease.Record{Key: "y", Epoch: 1})
	c.holds(c.round(of("b", "x", "y", "z")), 2, keylease.Record{Key: "z", Epoch: 2, High: 7})
	// Other keys have their own shares.
	c.holds(c.round(of("b", "other")), 2, keylease.Record{Key: "other", Epoch: 1})
}

func renewed(c *check) {
	c.round(of("a", "x"))
	r := of("a", "x")
	r.Renew = []keylease.Record{{Key: "x", Epoch: 1, High: 100}}
	c.holds(c.round(r), 1, keylease.Record{Key: "x", Epoch: 1, High: 100})
	r.Renew = []keylease.Record{{Key: "x", Epoch: 1, High: 50}}
	c.holds(c.round(r), 1, keylease.Record{Key: "x", Epoch: 1, High: 100})
	for _, wrong := range []keylease.Record{{Key: "x", Epoch: 2, High: 200}, {Key: "x", Epoch: 0, High: 200}, {Key: "none", Epoch: 1, High: 200}} {
		r.Renew = []keylease.Record{wrong}
		c.holds(c.round(r), 1, keylease.Record{Key: "x", Epoch: 1, High: 100})
	}
	foreign := of("b", "x")
	foreign.Renew = []keylease.Record{{Key: "x", Epoch: 1, High: 200}}
	foreign.Return = []keylease.Record{{Key: "x", Epoch: 1, High: 1}}
	c.holds(c.round(foreign), 2)
	c.holds(c.round(of("a", "x")), 2, keylease.Record{Key: "x", Epoch: 1, High: 100})
	// The highest nonce must fit.
	r.Renew = []keylease.Record{{Key: "x", Epoch: 1, High: 1<<53 - 3}}
	c.holds(c.round(r), 2, keylease.Record{Key: "x", Epoch: 1, High: 1<<53 - 3})
}

func returned(c *check) {
	c.round(of("a", "x"))
	r := of("a", "x")
	r.Renew = []keylease.Record{{Key: "x", Epoch: 1, High: 100}}
	c.round(r)
	r.Renew, r.Leaving = nil, true
	r.Return = []keylease.Record{{Key: "x", Epoch: 1, High: 42}}
	c.holds(c.round(r), 0)
	c.holds(c.round(of("b", "x")), 1, keylease.Record{Key: "x", Epoch: 2, High: 42})
}

func passesOn(c *check) {
	brief := of("a", "x")
	brief.TTL = short
	c.round(brief)
	brief.Renew = []keylease.Record{{Key: "x", Epoch: 1, High: 100}}
	c.round(brief)
	c.holds(c.round(of("b", "x")), 2)
	time.Sleep(2 * short)
	// Its owner may still renew it while nobody has taken it.
	c.holds(c.round(brief), 2, keylease.Record{Key: "x", Epoch: 1, High: 100})
	c.holds(c.round(of("b", "x")), 2)
	time.Sleep(2 * short)
	c.holds(c.round(of("b", "x")), 1, keylease.Record{Key: "x", Epoch: 2, High: 100})
	brief.Renew = []keylease.Record{{Key: "x", Epoch: 1, High: 200}}
	c.holds(c.round(brief), 2)
	c.holds(c.round(of("b", "x")), 2, keylease.Record{Key: "x", Epoch: 2, High: 100})
}

func leaves(c *check) {
	c.holds(c.round(of("a", "x", "y")), 1, keylease.Record{Key: "x", Epoch: 1}, keylease.Record{Key: "y", Epoch: 1})
	r := of("a", "x", "y")
	r.Leaving, r.Return = true, []keylease.Record{{Key: "x", Epoch: 1}}
	c.holds(c.round(r), 0, keylease.Record{Key: "y", Epoch: 1})
	c.holds(c.round(of("b", "x", "y")), 1, keylease.Record{Key: "x", Epoch: 2})
	r.Return = []keylease.Record{{Key: "y", Epoch: 1, High: 5}}
	c.holds(c.round(r), 1)
	c.holds(c.round(of("b", "x", "y")), 1, keylease.Record{Key: "x", Epoch: 2}, keylease.Record{Key: "y", Epoch: 2, High: 5})
}

func most(c *check) {
	r := of("a", "x", "y", "z")
	r.Most = 1
	c.holds(c.round(r), 1, keylease.Record{Key: "x", Epoch: 1})
	c.holds(c.round(r), 1, keylease.Record{Key: "x", Epoch: 1})
	r.Most = 2
	c.holds(c.round(r), 1, keylease.Record{Key: "x", Epoch: 1}, keylease.Record{Key: "y", Epoch: 1})
}

// repeated: the answer to a round was lost, and the database client repeats it, perhaps
// after other rounds.
func repeated(c *check) {
	take := of("a", "x", "y")
	first := c.round(take)
	c.holds(c.round(take), 1, first.Records...)
	renew := of("a", "x", "y")
	renew.Renew = []keylease.Record{{Key: "x", Epoch: 1, High: 10}, {Key: "y", Epoch: 1, High: 20}}
	s := c.round(renew)
	c.holds(c.round(renew), 1, s.Records...)
	back := of("a", "x", "y")
	back.Leaving, back.Return = true, []keylease.Record{{Key: "x", Epoch: 1, High: 4}}
	c.holds(c.round(back), 0, keylease.Record{Key: "y", Epoch: 1, High: 20})
	c.holds(c.round(back), 0, keylease.Record{Key: "y", Epoch: 1, High: 20})
	b := of("b", "x", "y")
	b.Renew = []keylease.Record{{Key: "x", Epoch: 2, High: 30}}
	c.holds(c.round(b), 1, keylease.Record{Key: "x", Epoch: 2, High: 4})
	c.holds(c.round(b), 1, keylease.Record{Key: "x", Epoch: 2, High: 30})
	c.round(back)
	renew.Most = 1
	c.round(renew)
	c.holds(c.round(b), 2, keylease.Record{Key: "x", Epoch: 2, High: 30})
}

// returnedTwice: a round does not take what it returns, nor when it is repeated.
func returnedTwice(c *check) {
	c.round(of("a", "x", "y"))
	r := of("a", "x", "y")
	r.Return = []keylease.Record{{Key: "x", Epoch: 1, High: 4}}
	for range 2 {
		c.holds(c.round(r), 1, keylease.Record{Key: "y", Epoch: 1})
	}
	c.holds(c.round(of("b", "x", "y")), 2, keylease.Record{Key: "x", Epoch: 2, High: 4})
}

// concurrent: no key has two owners in the same epoch.
func concurrent(c *check) {
	const owners, rounds = 8, 25
	keys := []string{"k0", "k1", "k2", "k3", "k4", "k5", "k6", "k7", "k8", "k9"}
	var mu sync.Mutex
	epochs := map[string]string{}
	var all sync.WaitGroup
	for i := range owners {
		all.Go(func() {
			owner := fmt.Sprintf("owner-%d", i)
			r := of(owner, keys...)
			for range rounds {
				s, err := c.store.Round(context.Background(), r)
				if err != nil {
					c.Errorf("%s: Round: %v", c.rule, err)
					return
				}
				r.Renew, r.Return = nil, nil
				mu.Lock()
				for _, got := range s.Records {
					name := fmt.Sprint(got.Key, " in epoch ", got.Epoch)
					if had, ok := epochs[name]; ok && had != owner {
						c.Errorf("%s: %s has two owners, %s and %s", c.rule, name, had, owner)
					}
					epochs[name] = owner
					if got.High++; rand.IntN(3) == 0 {
						r.Return = append(r.Return, got)
					} else {
						r.Renew = append(r.Renew, got)
					}
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
}

func over(c *check) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := c.store.Round(ctx, of("a", "x")); err == nil {
		c.Errorf("%s: Round succeeded", c.rule)
	}
}

// model compares random rounds with those of a MemoryStore.
func model(c *check) {
	for seed := range uint64(8) {
		random := rand.New(rand.NewPCG(seed, 1))
		want := new(keylease.MemoryStore)
		prefix := fmt.Sprintf("m%d-", seed)
		keys := []string{prefix + "0", prefix + "1", prefix + "2", prefix + "3", prefix + "4"}
		owners := []string{prefix + "a", prefix + "b", prefix + "c"}
		held := map[string][]keylease.Record{}
		others := c.round(keylease.Round{Owner: prefix, Keys: []string{prefix}, TTL: long, Leaving: true}).Alive
		for range 40 {
			time.Sleep(2 * time.Millisecond) // so that the clock orders the returns
			owner := owners[random.IntN(len(owners))]
			r := keylease.Round{Owner: owner, Keys: keys, TTL: long, Leaving: random.IntN(8) == 0, Most: 1 + random.IntN(3)}
			for _, had := range held[owner] {
				had.High += uint64(random.IntN(10))
				if random.IntN(6) == 0 {
					had.Epoch--
				}
				switch random.IntN(4) {
				case 0:
				case 1:
					r.Return = append(r.Return, had)
				default:
					r.Renew = append(r.Renew, had)
				}
			}
			wanted, err := want.Round(context.Background(), r)
			if err != nil {
				c.Fatal(err)
			}
			c.holds(c.round(r), wanted.Alive+others, wanted.Records...)
			held[owner] = wanted.Records
		}
		for _, owner := range owners { // the next seed begins without these owners
			r := keylease.Round{Owner: owner, Keys: keys, TTL: long, Leaving: true}
			c.round(r)
		}
	}
}
