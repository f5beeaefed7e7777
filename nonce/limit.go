package nonce

import (
	"math"
	"time"
)

// growth is by how much the limit of an adaptive lane rises in a round, which is as many clean turns as fit into it.
// From it follows what share of requests is refused where the limit comes to rest: about 1.5 × growth / limit².
const growth = 1.0 / 8

// A limit is how many turns there may be at once. An adaptive one moves between 1 and most: up while turns end without a
// refusal, and to a half where a request was overtaken.
type limit struct {
	adaptive bool
	most     float64
	now      float64
	halved   uint64 // nonces up to this one were on the way when it was last halved: their refusals say the same
}

func (c LaneConfig) limit() limit {
	most := float64(max(c.InFlight, 1))
	if !c.Adaptive {
		return limit{most: most, now: most}
	}
	if c.InFlight == 0 {
		most = defaultMost
	}
	return limit{adaptive: true, most: most, now: 1}
}

// turns is the limit as a whole number. What is missing to it the distance makes up for.
func (l *limit) turns() int { return int(math.Ceil(l.now)) }

// atBest is what turns comes to by the time that n turns have ended, if none of them is refused.
func (l *limit) atBest(n int) int {
	if !l.adaptive {
		return l.turns()
	}
	return int(math.Ceil(min(math.Sqrt(l.now*l.now+2*growth*float64(n)), l.most)))
}

// distance is that of the draws, where turns take that long.
func (l *limit) distance(length time.Duration) time.Duration {
	return time.Duration(float64(length) / l.now)
}

// clean is told of a turn without a refusal, while others waited: a limit that nobody reaches says nothing.
func (l *limit) clean() {
	if l.adaptive {
		l.now = min(l.now+growth/l.now, l.most)
	}
}

// overtaken is told that the nonce was refused because one of ours that was drawn later, up to last, came before it.
func (l *limit) overtaken(nonce, last uint64) {
	if l.adaptive && nonce > l.halved {
		l.now = max(l.now/2, 1)
		l.halved = last
	}
}
