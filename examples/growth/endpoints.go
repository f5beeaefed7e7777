package main

import (
	"fmt"
	"runtime"
	"time"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
)

// group is one with so many endpoints, which is full.
func group(n int) (*breaker.Group, []string, error) {
	g, err := breaker.NewGroup(breaker.Config{OpenFor: 24 * time.Hour}, n)
	if err != nil {
		return nil, nil, err
	}
	for _, name := range named(n, host) {
		g.Get(name)
	}
	return g, shuffled(n, host), nil
}

func groupGet(used int) subject {
	return func(n int) (func(int), func(), error) {
		g, names, err := group(n)
		return round(names[:min(used, n)], func(name string) { g.Get(name) }), nothing, err
	}
}

// groupNew has each Get forget another endpoint: twice as many take turns as there is
// room for.
func groupNew(n int) (func(int), func(), error) {
	g, _, err := group(n)
	return round(shuffled(2*n, host), func(name string) { g.Get(name) }), nothing, err
}

func lockout(n int) (*breaker.Lockout, []string) {
	l := new(breaker.Lockout)
	for _, name := range named(n, merchant) {
		l.Lock(name, breaker.LockCause{Code: "100"})
	}
	return l, shuffled(n, merchant)
}

func lockoutFree(n int) (func(int), func(), error) {
	l, _ := lockout(n)
	return round([]string{"main"}, func(name string) { sink = l.Check(name) }), func() { runtime.KeepAlive(sink) }, nil
}

func lockoutLocked(used int) subject {
	return func(n int) (func(int), func(), error) {
		l, names := lockout(n)
		return round(names[:min(used, n)], func(name string) { sink = l.Check(name) }), func() { runtime.KeepAlive(sink) }, nil
	}
}

func lockoutChange(used int) subject {
	return func(n int) (func(int), func(), error) {
		l, names := lockout(n)
		return round(names[:min(used, n)], func(name string) {
			l.Unlock(name)
			l.Lock(name, breaker.LockCause{Code: "100"})
		}), nothing, nil
	}
}

// sink is where results go, as a caller's do.
var sink any

// rules are a catalog of n, and codes that so many of them speak for.
func rules(rule, code string, used int) subject {
	return func(n int) (func(int), func(), error) {
		known := make([]classify.Rule, n)
		for i := range known {
			known[i] = classify.Rule{Name: "refused", Codes: fmt.Sprintf(rule, i+1), Class: classify.Fatal}
		}
		c, err := classify.NewCatalog("bank", known...)
		return round(shuffled(n, code)[:min(used, n)], func(code string) {
			if _, ok := c.Lookup(classify.Code(code)); !ok {
				panic(code)
			}
		}), nothing, err
	}
}

// policies are a set with n codes that have one of their own, so many of them in use.
func policies(used int) subject {
	return func(n int) (func(int), func(), error) {
		table := policy.Table{Codes: map[classify.Code]policy.Policy{}}
		for _, name := range named(n, word) {
			table.Codes[classify.Code(name)] = policy.Policy{Cost: 1}
		}
		s, err := policy.New(table)
		return round(shuffled(n, word)[:min(used, n)], func(code string) {
			s.For(classify.Verdict{Class: classify.Retryable, Code: classify.Code(code)})
		}), nothing, err
	}
}
