package main

import (
	"fmt"
	"strings"
	"time"
)

// outageOf returns a total outage of this length.
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

// brownoutOf returns a brown-out of this length.
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

// warmingUp returns an outage after which the server recovers slowly: with empty caches
// it starts at a tenth of its capacity, and reaches all of it after 27 s.
func warmingUp() scenario {
	s := outageOf(60 * time.Second)
	s.name, s.story = "slow start", "60 s of HTTP 503 at once, after which the capacity is a tenth, and a tenth more every three seconds"
	s.length = s.to + 60*time.Second
	s.servers = func(load float64) []*server {
		phases := []phase{{from: s.from, down: true}}
		for tenths := range 10 {
			phases = append(phases, phase{from: s.to + time.Duration(3*tenths)*time.Second, capacity: float64(tenths+1) / 10})
		}
		return []*server{usual(load, phases...)}
	}
	return s
}

// everyLength returns faults of 30 s to 90 s in steps. How soon a fleet recovers depends
// on how much of their open time the breakers have left when the fault ends.
func everyLength(step time.Duration) (all []scenario) {
	for length := shortest; length <= longestFault; length += step {
		for _, s := range []scenario{outageOf(length), brownoutOf(length)} {
			s.name += ofEveryLength
			s.length = s.to + 40*time.Second
			s.least = 50
			all = append(all, s)
		}
	}
	return all
}

const (
	shortest, longestFault = 30 * time.Second, 90 * time.Second
	fineStep, coarseStep   = 5 * time.Second, 15 * time.Second // coarse is for quick runs

	ofEveryLength = " of every length"
)

// stepOf returns the step of everyLength for a fleet of this size.
func stepOf(clients int) time.Duration {
	if clients < 100 {
		return coarseStep
	}
	return fineStep
}

// isOneOfMany reports whether s is one of everyLength.
func (s scenario) isOneOfMany() bool { return strings.HasSuffix(s.name, ofEveryLength) }
