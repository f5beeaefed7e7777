package main

import (
	"math/rand/v2"
	"sync"
	"time"
)

// A phase is how a server behaves from some time on.
type phase struct {
	from     time.Duration
	capacity float64 // requests a second
	down     bool    // it answers HTTP 503 at once
	failing  float64 // share of answers that are HTTP 503 at random, at the usual time
}

// A server processes a queue, first come, first served, at the rate of its capacity. It
// also processes the requests of clients that have given up waiting, as it cannot know
// that. If the queue is full, it answers HTTP 503 at once.
type server struct {
	phases []phase
	queue  float64 // requests that fit in it

	mu      sync.Mutex
	dice    *rand.Rand
	backlog float64       // requests waiting
	seen    time.Duration // the time at which backlog was right
}

// latency is how long an answer takes besides the queue.
const latency = 20 * time.Millisecond

// answer returns how long the answer to a request takes that arrives now, and whether it
// is a failure.
func (s *server) answer(now time.Duration) (takes time.Duration, failed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drain(now)
	at := s.at(now)
	if at.down || s.backlog >= s.queue {
		return 0, true
	}
	s.backlog++
	failed = at.failing > 0 && s.dice.Float64() < at.failing
	return s.until(now, s.backlog) + latency, failed
}

func (s *server) at(now time.Duration) phase {
	current := s.phases[0]
	for _, p := range s.phases[1:] {
		if p.from <= now {
			current = p
		}
	}
	return current
}

// drain removes from the queue what was processed since the last request.
func (s *server) drain(now time.Duration) {
	for s.seen < now && s.backlog > 0 {
		end := min(now, s.next(s.seen))
		s.backlog -= s.at(s.seen).capacity * (end - s.seen).Seconds()
		s.seen = end
	}
	s.backlog, s.seen = max(s.backlog, 0), now
}

// until returns how long it takes to process that many requests from now on.
func (s *server) until(now time.Duration, requests float64) time.Duration {
	t := now
	for {
		end, capacity := s.next(t), s.at(t).capacity
		if fits := capacity * (end - t).Seconds(); requests > fits {
			requests, t = requests-fits, end
			continue
		}
		return t - now + time.Duration(requests/capacity*float64(time.Second))
	}
}

// next returns when the phase of t ends.
func (s *server) next(t time.Duration) time.Duration {
	for _, p := range s.phases {
		if p.from > t {
			return p.from
		}
	}
	return t + 24*time.Hour
}
