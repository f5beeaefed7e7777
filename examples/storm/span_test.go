package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/examples/internal/lab"
)

func TestSpan(t *testing.T) {
	s := span{2 * time.Second, 2 * time.Second}
	s.take(7 * time.Second)
	s.take(0)
	require.Equal(t, "0 to 7 s", s.String())
	s.take(never)
	s.take(8 * time.Second)
	require.Equal(t, "never", s.String())
	require.False(t, within("back", s.most, time.Hour).Reached)
}

// A fleet that never resends recovers as soon as an outage of any length is over. After a
// brown-out it recovers when the queue is short again.
func TestSpanOfEveryLength(t *testing.T) {
	var results []result
	lengths := map[string]int{}
	for _, s := range everyLength(fineStep) {
		s.least = 20
		lengths[s.name]++
		results = append(results, result{s, noRetry, s.run(t, ways[0], 1, 20)})
	}
	require.Equal(t, map[string]int{outage.name + ofEveryLength: 13, brownout.name + ofEveryLength: 13}, lengths)
	require.LessOrEqual(t, spanOf(results, outage.name+ofEveryLength, noRetry).half.most, time.Second)
	brown := spanOf(results, brownout.name+ofEveryLength, noRetry)
	require.GreaterOrEqual(t, brown.half.least, 15*time.Second)
	require.LessOrEqual(t, brown.most.most, 20*time.Second)
	require.Zero(t, spanOf(results, outage.name+ofEveryLength, oursAll), "nothing was measured")
}

// If success is back to normal and is then lost again, that is a second collapse. If it
// only varies, it is not.
func TestCollapse(t *testing.T) {
	s := outageOf(2 * time.Second)
	for name, tt := range map[string]struct {
		done []int64 // successes in each second after the fault, of ten calls
		want string
	}{
		"it came back and stayed":    {[]int64{0, 3, 6, 9, 10}, "none"},
		"it wavered":                 {[]int64{0, 9, 6, 9, 10}, "none"},
		"what was queued came first": {[]int64{6, 2, 6, 9, 10}, "none"},
		"it went":                    {[]int64{0, 9, 4, 9, 10}, "total outage (2s)"},
		"it never came":              {[]int64{4, 4, 4, 4, 4}, "none"},
		"it went and never returned": {[]int64{10, 10, 0, 0, 0}, "total outage (2s)"},
	} {
		tally := newTally(s, 10)
		for i := range tally.perSec {
			after := min(max(i-int(s.to/time.Second), 0), len(tt.done)-1)
			tally.perSec[i].done.Store(tt.done[after])
		}
		require.Equal(t, tt.want, collapses([]result{{s, oursAll, tally}}, oursAll), name)
	}
}

// A slow start ends when the server can process the usual load.
func TestSlowStart(t *testing.T) {
	srv := warming.servers(100)[0]
	for after, want := range map[time.Duration]float64{0: 12.5, 3 * time.Second: 25, warmIn: 100, 27 * time.Second: 125} {
		require.InDelta(t, want, srv.at(warming.to+after).capacity, 1e-9, after)
	}
	require.True(t, srv.at(warming.to-1).down)
}

// Every setting that was tried has a row.
func TestSettings(t *testing.T) {
	var all []trial
	for _, one := range ofSettings(fineStep) {
		if one.way.name == "the defaults" && one.scenario.name != random.name {
			all = append(all, one)
		}
	}
	require.Len(t, all, 27)
	results := runAll(t, all[:2], 1, 10)
	var out bytes.Buffer
	report{lab.Report{Out: &out, Markdown: true}}.settings(results)
	require.Equal(t, 2+len(settings), strings.Count("\n"+out.String(), "\n|"), out.String())
	require.Contains(t, out.String(), "| the defaults |")
}
