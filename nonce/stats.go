package nonce

import "time"

// Stats is what a lane has seen and how it stands. Fields may be added.
type Stats struct {
	Key      string        // name of the API key
	Turns    uint64        // that are over
	Waiting  int           // callers who wait for a turn
	InFlight int           // turns under way
	Limit    int           // how many turns there may be at once; an adaptive lane moves it
	Refusals uint64        // nonces refused by the API, as far as Resync was called for them
	Jumps    uint64        // times that the lane went ahead of the clock because of a foreign writer
	Foreign  uint64        // times that a foreign writer showed itself; see ForeignError
	Last     uint64        // the highest nonce handed out, or LaneConfig.After
	Ahead    time.Duration // by how much Last is ahead of the clock now
}

type counts struct{ turns, refusals, jumps, foreign uint64 }

// Stats returns how the lane stands.
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

// Stats returns how each lane stands, in the order in which NewPool got them.
func (p *Pool) Stats() []Stats {
	all := make([]Stats, len(p.lanes))
	for i, l := range p.lanes {
		all[i] = l.Stats()
	}
	return all
}
