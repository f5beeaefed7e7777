package journaltest

import (
	"errors"
	"fmt"
	"sync"

	"github.com/nexpay-go/resilience/retry"
)

const (
	rounds = 60 // detects a journal that fails one race in ten in all but one of 500 tests
	racers = 8
)

var raceRules = []rule{
	{"of several concurrent Begins, one wins", func(c *check) { c.race(c.store.Journal) }},
	{"of a concurrent End and Begin, one wins", raceEnd},
	{"concurrent operations do not disturb each other", raceApart},
}

// race lets several racers, each with a handle, begin one operation over and over.
func (c *check) race(handles ...retry.Journal) {
	var held retry.Entry
	for round := range rounds {
		e := sample("p-1")
		e.Generation = held.Generation
		answers := make([]retry.Entry, racers)
		c.together(racers, func(i int) {
			mine := e
			mine.Owner = fmt.Sprintf("racer %d of round %d", i, round)
			answers[i] = c.begin(handles[i%len(handles)], mine)
		})
		held = c.read(handles[0], "p-1")
		c.oneWinner(answers, e.Generation+1, round)
		for _, answer := range answers {
			c.same(answer, held, "a Begin that raced returns")
		}
	}
}

func (c *check) oneWinner(answers []retry.Entry, generation int64, round int) {
	winners := 0
	for i, answer := range answers {
		if answer.Generation != generation {
			c.fatal("after a race for generation %d, Begin returns generation %d", generation, answer.Generation)
		}
		if answer.Owner == fmt.Sprintf("racer %d of round %d", i, round) {
			winners++
		}
	}
	if winners != 1 {
		c.fatal("of %d concurrent Begins of generation %d, %d won", len(answers), generation, winners)
	}
}

func raceEnd(c *check) {
	for round := range rounds {
		e := c.start(c.store.Journal, sample(fmt.Sprint("p-", round)))
		next := e
		next.Owner = "second"
		var began retry.Entry
		var ended error
		c.together(2, func(i int) {
			if i == round%2 {
				began = c.begin(c.store.Journal, next)
				return
			}
			applied := e
			applied.State = retry.EntryApplied
			ended = c.store.Journal.End(c, applied)
		})
		won := e
		won.State = retry.EntryApplied
		if ended != nil {
			won = next
			won.Generation++
		}
		if ended != nil && !errors.Is(ended, retry.ErrBusy) {
			c.fatal("End: %w", ended)
		}
		c.same(began, won, "Begin concurrent with an End returns")
		c.holds(c.store.Journal, won, "after a concurrent Begin and End")
	}
}

func raceApart(c *check) {
	c.together(racers, func(i int) {
		for n := range rounds / racers {
			e := sample(fmt.Sprintf("p-%d-%d", i, n))
			e.Owner = e.ID
			e = c.again(c.store.Journal, c.start(c.store.Journal, e), e.ID)
			c.holds(c.store.Journal, c.end(c.store.Journal, e, retry.EntryApplied, e.ID), "on its own")
		}
	})
}

// together makes n concurrent calls of f and waits for all.
func (c *check) together(n int, f func(i int)) {
	var ready, done sync.WaitGroup
	ready.Add(n)
	for i := range n {
		done.Go(func() {
			defer c.survive()
			ready.Done()
			ready.Wait()
			f(i)
		})
	}
	done.Wait()
}
