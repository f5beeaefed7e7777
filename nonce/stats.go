package nonce

import "time"

// Stats describes the state and the counts of a lane. Fields may be added.
type Stats struct {
	Key      string        // name of the API key
	Turns    uint64        // turns that have ended
	Waiting  int           // callers that wait for a turn
	InFlight int           // turns under way
	Limit    int           // how many turns may be under way at once; an adaptive lane changes it
	Refusals uint64        // nonces that the API refused and Resync was called for
	Jumps    uint64        // jumps ahead of the clock because of a foreign writer
	Foreign  uint64        // times that a foreign writer was detected; see ForeignError
	Last     uint64        // the highest nonce handed out, or LaneConfig.After
	Ahead    time.Duration // how far Last is ahead of the clock now
}

type counts struct{ turns, refusals, jumps, foreign uint64 }

// Stats returns the current state and counts.
func (l *Lane) Stats() Stats {
	if l.unit == 0 { // the zero Lane
		return Stats{}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return Stats{
		Key: l.key, Turns: l.counts.turns, Waiting: l.waiting.len, InFlight: l.busy, Limit: l.limit.turns(),
		Refusals: l.counts.refusals, Jumps: l.counts.jumps, Foreign: l.counts.foreign,
		Last: l.last, Ahead: l.aheadNow(),
	}
}

// aheadNow is called with mu held.
func (l *Lane) aheadNow() time.Duration {
	now, _ := l.read()
	return l.span(l.last - min(now, l.last))
}

// Stats returns the Stats of each lane, in the order passed to NewPool.
func (p *Pool) Stats() []Stats {
	all := make([]Stats, len(p.lanes))
	for i, l := range p.lanes {
		all[i] = l.Stats()
	}
	return all
}
