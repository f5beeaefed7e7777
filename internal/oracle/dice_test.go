package oracle_test

import (
	"math/rand/v2"
	"time"
)

// dice are the chances of one actor. Each has its own, so that what one draws
// does not depend on the order in which several run.
type dice struct{ *rand.Rand }

func newDice(seed, actor uint64) dice { return dice{rand.New(rand.NewPCG(seed, actor))} }

func (d dice) chance(percent int) bool { return d.IntN(100) < percent }

// between draws to the nanosecond: no two things happen at the same instant, or
// their order would be the scheduler's.
func (d dice) between(least, most time.Duration) time.Duration {
	if most <= least {
		return least
	}
	return least + time.Duration(d.Int64N(int64(most-least)))
}

// weighted draws an index, each as often as its weight says.
func (d dice) weighted(weights []int) int {
	sum := 0
	for _, w := range weights {
		sum += w
	}
	n := d.IntN(sum)
	for i, w := range weights {
		if n -= w; n < 0 {
			return i
		}
	}
	panic("unreachable")
}

func pick[T any](d dice, from ...T) T { return from[d.IntN(len(from))] }
