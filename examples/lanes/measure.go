package main

import (
	"context"
	"slices"
	"sync"
	"time"
)

// A result is what came of a case.
type result struct {
	Name      string
	PerSecond float64 // operations that succeeded
	Sends     float64 // per operation
	Refused   float64 // share of sends that got code 50
	Failed    int
	All       int
	P50, P99  time.Duration // of an operation, waiting for its turn included
}

// warmUp is not measured: an adaptive lane has yet to find its number.
const warmUp = 10 * time.Second

func measure(k kase, o options) (result, error) {
	n := newNetwork(o.Seed)
	op, err := k.start(n)
	if err != nil {
		return result{}, err
	}
	measured := time.Now().Add(warmUp)
	end := measured.Add(o.Time)
	var mu sync.Mutex // guards took and failed
	var took []time.Duration
	failed := 0
	var group sync.WaitGroup
	for i := range callers {
		group.Go(func() {
			time.Sleep(time.Duration(i) * time.Millisecond) // people do not begin all at once
			for time.Now().Before(end) {
				began := time.Now()
				err := op(context.Background())
				if began.Before(measured) {
					continue
				}
				mu.Lock()
				if took = append(took, time.Since(began)); err != nil {
					failed++
				}
				mu.Unlock()
			}
		})
	}
	time.Sleep(warmUp)
	n.mu.Lock()
	n.sends, n.refused = 0, 0
	n.mu.Unlock()
	group.Wait()
	slices.Sort(took)
	at := func(share float64) time.Duration { return took[int(share*float64(len(took)-1))] }
	return result{
		Name: k.name, Failed: failed, All: len(took),
		PerSecond: float64(len(took)-failed) / o.Time.Seconds(),
		Sends:     float64(n.sends) / float64(len(took)), Refused: float64(n.refused) / float64(n.sends),
		P50: at(0.5), P99: at(0.99),
	}, nil
}
