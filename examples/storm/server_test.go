package main

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// The queue behaves like a simple model: requests are processed one after the other,
// each as fast as the capacity allows.
func TestServerAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := &server{phases: []phase{{capacity: 100}, {from: time.Second, capacity: 10}, {from: 3 * time.Second, capacity: 200}},
			queue: 20, dice: rand.New(rand.NewPCG(1, 1))}
		capacity := func(ms int) float64 { return s.at(time.Duration(ms)*time.Millisecond).capacity / 1000 }
		var now, finished int // ms; finished is when the last accepted request is done
		waiting := []int{}
		for range rapid.IntRange(1, 100).Draw(t, "requests") {
			now += rapid.IntRange(0, 100).Draw(t, "pause")
			for len(waiting) > 0 && waiting[0] <= now {
				waiting = waiting[1:]
			}
			takes, failed := s.answer(time.Duration(now) * time.Millisecond)
			if failed {
				require.GreaterOrEqual(t, len(waiting), 19, "full")
				continue
			}
			require.LessOrEqual(t, len(waiting), 21, "not full")
			at := max(now, finished)
			for work := 1.0; work > 1e-9; at++ {
				work -= capacity(at)
			}
			finished = at
			waiting = append(waiting, finished)
			require.InDelta(t, float64(finished-now), float64((takes-latency)/time.Millisecond), float64(len(waiting)+1)*2)
		}
	})
}

func TestServerThatIsDown(t *testing.T) {
	s := &server{phases: []phase{{capacity: 10}, {from: time.Second, down: true, capacity: 10}}, queue: 5}
	takes, failed := s.answer(0)
	require.False(t, failed)
	require.Equal(t, 100*time.Millisecond+latency, takes)
	_, failed = s.answer(2 * time.Second)
	require.True(t, failed)
}
