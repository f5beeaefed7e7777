package nonce

import (
	"math"
	"time"
)

// growth is how much the limit of an adaptive lane rises in a round, which is as many
// clean turns as fit into it. The share of refused requests at the limit where it settles
// follows from it: about 1.5 × growth / limit².
const growth = 1.0 / 8

// A limit is how many turns there may be at once. An adaptive one moves between 1 and
// most: up while turns end without a refusal, and down by half when a request was
// overtaken.
type limit struct {
	adaptive bool
	most     float64
	now      float64
	halved   uint64 // nonces up to this one were in flight when it was last halved: their refusals do not count again
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

// turns is the limit rounded up. The distance between draws makes up for the difference.
func (l *limit) turns() int { return int(math.Ceil(l.now)) }

// atBest is what turns becomes after n more turns, if none of them is refused.
func (l *limit) atBest(n int) int {
	if !l.adaptive {
		return l.turns()
	}
	return int(math.Ceil(min(math.Sqrt(l.now*l.now+2*growth*float64(n)), l.most)))
}

// distance is the time between two draws if turns take length.
func (l *limit) distance(length time.Duration) time.Duration {
	return time.Duration(float64(length) / l.now)
}

// clean is called after a turn without a refusal while others waited: a limit that is not
// reached says nothing.
func (l *limit) clean() {
	if l.adaptive {
		l.now = min(l.now+growth/l.now, l.most)
	}
}

// overtaken is called for a refused nonce that was overtaken by a later one of the same
// lane. last is the highest nonce drawn.
func (l *limit) overtaken(nonce, last uint64) {
	if l.adaptive && nonce > l.halved {
		l.now = max(l.now/2, 1)
		l.halved = last
	}
}
