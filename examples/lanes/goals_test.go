package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/examples/internal/lab"
)

// good returns measurements that just reach every goal.
func good() (map[string]figures, []*process) {
	return map[string]figures{
		"InFlight 1": {perSecond: 9.75, onTheWire: 100 * time.Millisecond},
		"Adaptive":   {perSecond: 14.7, code50: 0.0499},
		"16 keys":    {perSecond: 151.2},
	}, []*process{{name: "p", refused: 7, resync: 9, ahead: time.Minute}}
}

func TestGoals(t *testing.T) {
	measured, processes := good()
	for _, g := range judge(measured, processes) {
		require.True(t, g.Reached, g.Name)
	}
	for name, spoil := range map[string]func(map[string]figures, *process){
		"a code 50 one at a time": func(m map[string]figures, _ *process) { change(m, "InFlight 1", func(f *figures) { f.refused = 1 }) },
		"a failure one at a time": func(m map[string]figures, _ *process) { change(m, "InFlight 1", func(f *figures) { f.failed = 1 }) },
		"one at a time is slow": func(m map[string]figures, _ *process) {
			change(m, "InFlight 1", func(f *figures) { f.perSecond = 9.69 })
		},
		"adaptive is slow": func(m map[string]figures, _ *process) {
			change(m, "Adaptive", func(f *figures) { f.perSecond = 14.6 })
		},
		"adaptive is refused": func(m map[string]figures, _ *process) { change(m, "Adaptive", func(f *figures) { f.code50 = 0.05 }) },
		"adaptive fails":      func(m map[string]figures, _ *process) { change(m, "Adaptive", func(f *figures) { f.failed = 1 }) },
		"keys do not add up": func(m map[string]figures, _ *process) {
			change(m, "16 keys", func(f *figures) { f.perSecond = 151 })
		},
		"detected late": func(_ map[string]figures, p *process) { p.resync = 10 },
		"not detected":  func(_ map[string]figures, p *process) { p.resync = 0 },
		"never refused": func(_ map[string]figures, p *process) { p.refused = 0 },
		"far ahead":     func(_ map[string]figures, p *process) { p.ahead++ },
	} {
		measured, processes := good()
		spoil(measured, processes[0])
		missed := 0
		goals := judge(measured, processes)
		for _, g := range goals {
			if !g.Reached {
				missed++
			}
		}
		require.Equal(t, 1, missed, name)
		var out bytes.Buffer
		lab.Report{Out: &out}.Goals(goals)
		require.Contains(t, out.String(), "MISSED", name)
	}
	for _, g := range judge(nil, []*process{{}})[1:] { // nothing was measured: goals with a minimum are missed
		require.Equal(t, g.Name == "Adaptive: under 5 % code 50, no operation fails" || g.Got == "0s", g.Reached, g.Name)
	}
}

func change(m map[string]figures, name string, f func(*figures)) {
	of := m[name]
	f(&of)
	m[name] = of
}

func TestFigures(t *testing.T) {
	const ms = time.Millisecond
	f := sum([]*caller{
		{operations: 3, failed: 1, sends: 6, refused: 4, onTheWire: 80 * ms, latencies: []time.Duration{3 * ms, 1 * ms, 2 * ms}},
		{operations: 1, sends: 2, refused: 0, onTheWire: 120 * ms, latencies: []time.Duration{9 * ms}},
	}, 2*time.Second)
	require.Equal(t, figures{
		perSecond: 1.5, sends: 2, code50: 0.5, operations: 4, failed: 1, p50: 2 * ms, p99: 9 * ms, onTheWire: 50 * ms, refused: 4,
	}, f)
	require.Equal(t, figures{}, sum([]*caller{{}}, time.Second))

	var hundred []time.Duration
	for i := range 100 {
		hundred = append(hundred, time.Duration(i+1))
	}
	require.EqualValues(t, 50, quantile(hundred, 50))
	require.EqualValues(t, 99, quantile(hundred, 99))
	require.EqualValues(t, 1, quantile(hundred[:1], 99))
}

func TestNetworkWantsRisingNonces(t *testing.T) {
	n := newNetwork()
	for _, step := range []struct {
		key   string
		nonce uint64
		want  bool
	}{{"a", 1, true}, {"a", 1, false}, {"a", 3, true}, {"a", 2, false}, {"b", 2, true}, {"a", 4, true}} {
		require.Equal(t, step.want, n.accepts(step.key, step.nonce), "%v", step)
	}
}
