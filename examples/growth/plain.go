package main

import (
	"container/list"
	"math/rand/v2"
	"runtime"
	"sync"

	"github.com/nexpay-go/resilience/retry"
)

// copied is where plainMap puts what it finds, as Lookup returns a copy.
var copied [128]byte

// plainMap is a map of pointers to something of the size of a rule, of which so many
// are in use.
func plainMap(format string, used int) subject {
	return func(n int) (func(int), func(), error) {
		m := make(map[string]*[128]byte, n)
		for _, name := range named(n, format) {
			m[name] = new([128]byte)
		}
		return round(shuffled(n, format)[:min(used, n)], func(name string) { copied = *m[name] }), func() { runtime.KeepAlive(copied) }, nil
	}
}

func plainMapChange(used int) subject {
	return func(n int) (func(int), func(), error) {
		m := make(map[string]*[128]byte, n)
		var mu sync.Mutex
		for _, name := range named(n, merchant) {
			m[name] = new([128]byte)
		}
		return round(shuffled(n, merchant)[:min(used, n)], func(name string) {
			mu.Lock()
			delete(m, name)
			m[name] = new([128]byte)
			mu.Unlock()
		}), nothing, nil
	}
}

// plainSearch is a binary search among n numbers, so many of them in use.
func plainSearch(used int) subject {
	return func(n int) (func(int), func(), error) {
		firsts := make([]int64, n)
		for i := range firsts {
			firsts[i] = int64(10 * i)
		}
		wants := rand.New(rand.NewPCG(1, uint64(n))).Perm(n)[:min(used, n)]
		at, found := 0, 0
		return func(times int) {
			for range times {
				base, want := 0, int64(10*wants[at]+5)
				for left := n; left > 1; {
					half := left / 2
					if firsts[base+half] <= want {
						base += half
					}
					left -= half
				}
				found += base
				if at++; at == len(wants) {
					at = 0
				}
			}
		}, nothing, nil
	}
}

// plainRotation takes and gives back the mutex of one of n things after the other, of
// about the size of a lane, and makes something of the size of a ticket.
func plainRotation(n int) (func(int), func(), error) {
	type thing struct {
		sync.Mutex
		_ [500]byte
	}
	things := make([]*thing, n)
	for i := range things {
		things[i] = new(thing)
	}
	at := 0
	return func(times int) {
		for range times {
			t := things[at]
			t.Lock()
			sink = new([64]byte)
			t.Unlock()
			if at++; at == n {
				at = 0
			}
		}
	}, nothing, nil
}

// An lru is the textbook's: a map and a list.
type lru struct {
	sync.Mutex // guards all of it
	most       int
	values     map[string]*list.Element
	used       list.List
}

type value struct {
	name string
	_    [1024]byte // about what a breaker takes
}

func (l *lru) get(name string) *value {
	l.Lock()
	defer l.Unlock()
	if e := l.values[name]; e != nil {
		l.used.MoveToFront(e)
		return e.Value.(*value)
	}
	v := &value{name: name}
	l.values[name] = l.used.PushFront(v)
	if l.used.Len() > l.most {
		delete(l.values, l.used.Remove(l.used.Back()).(*value).name)
	}
	return v
}

func newLRU(n int) (*lru, []string) {
	l := &lru{most: n, values: map[string]*list.Element{}}
	for _, name := range named(n, host) {
		l.get(name)
	}
	return l, shuffled(n, host)
}

func plainLRU(used int) subject {
	return func(n int) (func(int), func(), error) {
		l, names := newLRU(n)
		return round(names[:min(used, n)], func(name string) { l.get(name) }), nothing, nil
	}
}

func plainLRUNew(n int) (func(int), func(), error) {
	l, _ := newLRU(n)
	return round(shuffled(2*n, host), func(name string) { l.get(name) }), nothing, nil
}

// plainEntries writes the entries of a map anew, twice as Begin and End do.
func plainEntries(used int) subject {
	return func(n int) (func(int), func(), error) {
		entries := map[string]retry.Entry{}
		var mu sync.Mutex
		for _, name := range named(n, invoice) {
			entries[name] = sample(name)
		}
		return round(shuffled(n, invoice)[:min(used, n)], func(name string) {
			for range 2 {
				mu.Lock()
				e := entries[name]
				e.Generation++
				entries[name] = e
				mu.Unlock()
			}
		}), nothing, nil
	}
}
