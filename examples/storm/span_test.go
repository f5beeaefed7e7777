package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestSpan(t *testing.T) {
	s := span{2 * time.Second, 2 * time.Second}
	s.take(7 * time.Second)
	s.take(0)
	require.Equal(t, "0 to 7 s", s.String())
	s.take(never)
	s.take(8 * time.Second)
	require.Equal(t, "never", s.String())
	require.False(t, within("back", s.most, time.Hour).reached)
}

// A fleet that sends nothing again is back the moment an outage is over, however
// long it was; after a brown-out not before the queue is short again.
func TestSpanOfAllLengths(t *testing.T) {
	var results []result
	for _, s := range ofOtherLengths() {
		s.least = 20
		results = append(results, result{s, noRetry, s.run(t, ways[0], 1, 20)})
	}
	require.LessOrEqual(t, spanOf(results, outage.name+otherLengths, noRetry).half.most, time.Second)
	brown := spanOf(results, brownout.name+otherLengths, noRetry)
	require.GreaterOrEqual(t, brown.half.least, 15*time.Second)
	require.LessOrEqual(t, brown.most.most, 20*time.Second)
	require.Zero(t, spanOf(results, outage.name+otherLengths, oursAll), "nothing was measured")
}
