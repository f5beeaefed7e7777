package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A scenario is one kind of trouble for a fleet.
type scenario struct {
	name     string
	story    string
	from, to time.Duration // of the fault
	length   time.Duration // for how long calls are made
	every    time.Duration // time between two calls of a client, on average
	together bool          // each client makes one call, all at the same instant
	clients  float64       // share of the fleet that takes part: sometimes fewer show the same
	least    int           // minimum number of clients
	servers  func(perSecond float64) []*server
}

const fiveASecond = 200 * time.Millisecond

// The usual server has a quarter more capacity than the fleet needs. Its queue holds
// what it can process in five seconds, which is more than twice as long as clients wait.
const spare, queued = 1.25, 5.0

var (
	outage   = outageOf(60 * time.Second)
	brownout = brownoutOf(30 * time.Second)
	warming  = warmingUp()
	random   = scenario{
		name: "random failures", story: "ten minutes in which one answer in five is HTTP 503",
		to: 10 * time.Minute, length: 10 * time.Minute, every: fiveASecond, clients: 0.1, least: 100,
		servers: func(load float64) []*server {
			return []*server{usual(load*2, phase{failing: 0.2})}
		},
	}
	herd = scenario{
		name: "herd", story: "every client makes one call at the same instant, of a server that does a quarter of them in a second",
		from: time.Second, to: time.Second, length: 40 * time.Second, every: time.Second, together: true, clients: 1,
		servers: func(load float64) []*server {
			return []*server{{phases: []phase{{capacity: load / 4}}, queue: load / 4}}
		},
	}
	oneOfFour = scenario{
		name: "one of four", story: "one endpoint of four answers HTTP 503 for 30 s; of the others one answer in a hundred is that, always",
		from: 10 * time.Second, to: 40 * time.Second, length: 65 * time.Second, every: fiveASecond, clients: 1,
		servers: func(load float64) []*server {
			return []*server{
				usual(load/4, phase{from: 10 * time.Second, down: true}, phase{from: 40 * time.Second}),
				usual(load/4, hundredth), usual(load/4, hundredth), usual(load/4, hundredth),
			}
		},
	}
	scenarios = []scenario{outage, brownout, warming, random, herd, oneOfFour}
)

// hundredth is the failure rate of a healthy server.
var hundredth = phase{failing: 0.01}

// usual returns the usual server for load calls a second. The capacity of a phase is a
// share of the server's capacity; zero means all of it.
func usual(load float64, phases ...phase) *server {
	s := &server{phases: append([]phase{{}}, phases...), queue: load * spare * queued}
	for i := range s.phases {
		p := &s.phases[i]
		if p.capacity == 0 {
			p.capacity = 1
		}
		p.capacity *= load * spare
	}
	if len(phases) == 1 && phases[0].from == 0 {
		s.phases = s.phases[1:]
	}
	return s
}

// A result is what was counted when one way of retrying was used in a scenario.
type result struct {
	scenario scenario
	way      string
	*tally
}

// A trial is a way of retrying to be used in a scenario.
type trial struct {
	scenario scenario
	way      way
}

// trials combines every way with every scenario, and those with breakers also with
// faults of every length.
func trials(step time.Duration) (all []trial) {
	for _, s := range slices.Concat(scenarios, everyLength(step)) {
		for _, w := range ways {
			if !s.isOneOfMany() || w.breaks {
				all = append(all, trial{s, w})
			}
		}
	}
	return all
}

// runAll runs trials, several at a time.
func runAll(t *testing.T, trials []trial, seed uint64, clients int) []result {
	results := make([]result, len(trials))
	next := make(chan int, len(results))
	for i := range results {
		next <- i
	}
	close(next)
	var workers sync.WaitGroup
	for range atOnce {
		workers.Go(func() {
			for i := range next {
				s, w := trials[i].scenario, trials[i].way
				results[i] = result{s, w.name, s.run(t, w, seed, clients)}
			}
		})
	}
	workers.Wait()
	return results
}

// atOnce is the number of scenarios that run at the same time.
const atOnce = 2

// run runs one scenario with one way.
func (s scenario) run(t *testing.T, w way, seed uint64, clients int) *tally {
	clients = max(1, s.least, int(float64(clients)*s.clients))
	load := float64(clients) / s.every.Seconds()
	sum := newTally(s, load)
	synctest.Test(t, func(t *testing.T) {
		f := &fleet{scenario: s, servers: s.servers(load), tally: sum, began: time.Now()}
		for i, srv := range f.servers {
			srv.dice = rand.New(rand.NewPCG(seed, uint64(i)))
		}
		for i := range clients {
			call, err := w.new()
			if err != nil {
				t.Fatal(fmt.Errorf("%s: %w", w.name, err))
			}
			dice := rand.New(rand.NewPCG(seed, uint64(1000+i)))
			f.running.Go(func() { f.client(dice, call) })
		}
		f.running.Wait()
		f.workers.dismiss()
	})
	return sum
}
