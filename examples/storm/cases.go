package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A scenario is what happens to a fleet.
type scenario struct {
	name     string
	story    string
	from, to time.Duration // of the fault
	length   time.Duration // of the whole, in which calls are made
	every    time.Duration // a call of each client
	together bool          // one call of each client, all at one instant
	clients  float64       // of the fleet's, where fewer show the same
	least    int           // clients that there are in any case
	servers  func(perSecond float64) []*server
}

const fiveASecond = 200 * time.Millisecond

// The usual server does a quarter more than the fleet asks of it, and lets as
// much wait as it does in five seconds: more than twice the patience of its
// clients.
const spare, queued = 1.25, 5.0

var (
	outage   = outageOf(60 * time.Second)
	brownout = brownoutOf(30 * time.Second)
	random   = scenario{
		name: "random failures", story: "ten minutes in which one answer in five is HTTP 503",
		to: 10 * time.Minute, length: 10 * time.Minute, every: fiveASecond, clients: 0.1, least: 50,
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
	scenarios = []scenario{outage, brownout, random, herd, oneOfFour}
)

// hundredth is what also happens to a server that is well.
var hundredth = phase{failing: 0.01}

// outageOf is a total outage of some length.
func outageOf(length time.Duration) scenario {
	const from = 10 * time.Second
	to := from + length
	return scenario{
		name: "total outage", story: fmt.Sprintf("%.0f s of HTTP 503 at once", length.Seconds()),
		from: from, to: to, length: to + 30*time.Second, every: fiveASecond, clients: 1,
		servers: func(load float64) []*server {
			return []*server{usual(load, phase{from: from, down: true}, phase{from: to})}
		},
	}
}

// brownoutOf is a brown-out of some length.
func brownoutOf(length time.Duration) scenario {
	const from = 10 * time.Second
	to := from + length
	return scenario{
		name:  "brown-out",
		story: fmt.Sprintf("%.0f s at a tenth of the capacity, before a queue that holds more than anybody waits for", length.Seconds()),
		from:  from, to: to, length: to + 90*time.Second, every: fiveASecond, clients: 1,
		servers: func(load float64) []*server {
			return []*server{usual(load, phase{from: from, capacity: 0.1}, phase{from: to})}
		},
	}
}

// ofOtherLengths are faults that end at other times: how soon a fleet is back
// depends on how far its breakers are in their open times by then. They go
// through a whole open time in steps of four seconds.
func ofOtherLengths() (all []scenario) {
	for more := 4 * time.Second; more <= 20*time.Second; more += 4 * time.Second {
		for _, s := range []scenario{outageOf(60*time.Second + more), brownoutOf(30*time.Second + more)} {
			s.name += otherLengths
			s.length = s.to + 30*time.Second
			s.clients, s.least = 0.1, 100
			all = append(all, s)
		}
	}
	return all
}

const otherLengths = ", other lengths"

// usual is the usual server for so many calls a second, with phases of which a
// capacity is a share of that, zero all of it.
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

// A result is what a way made of a scenario.
type result struct {
	scenario scenario
	way      string
	*tally
}

// runAll puts every way through every scenario, and those with breakers through
// those of other lengths, several at a time.
func runAll(t *testing.T, seed uint64, clients int) []result {
	var results []result
	var by []way
	for _, s := range slices.Concat(scenarios, ofOtherLengths()) {
		for _, w := range ways {
			if strings.HasSuffix(s.name, otherLengths) && !w.breaks {
				continue
			}
			results, by = append(results, result{scenario: s, way: w.name}), append(by, w)
		}
	}
	next := make(chan int, len(results))
	for i := range results {
		next <- i
	}
	close(next)
	var workers sync.WaitGroup
	for range atOnce {
		workers.Go(func() {
			for i := range next {
				results[i].tally = results[i].scenario.run(t, by[i], seed, clients)
			}
		})
	}
	workers.Wait()
	return results
}

// atOnce is how many scenarios run at the same time.
const atOnce = 2

// run is one scenario with one way.
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
