package main

import (
	"fmt"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/nexpay-go/resilience/breaker"
)

// A setting was tried as the breaker's default.
type setting struct {
	name string
	cfg  breaker.Config
}

// settings differ from the defaults in what their name says.
var settings = []setting{
	{"the defaults", breaker.Config{}},
	{"5 in a row", breaker.Config{ConsecutiveFailures: 5}},
	{"7 in a row", breaker.Config{ConsecutiveFailures: 7}},
	{"10 in a row", breaker.Config{ConsecutiveFailures: 10}},
	{"open for 2 s, then 4 s", breaker.Config{OpenFor: 2 * time.Second, MaxOpenFor: 4 * time.Second}},
	{"always 4 s", breaker.Config{OpenFor: 4 * time.Second, MaxOpenFor: 4 * time.Second}},
	{"always 6 s", breaker.Config{OpenFor: 6 * time.Second, MaxOpenFor: 6 * time.Second}},
	{"5 s, then 10 s", breaker.Config{OpenFor: 5 * time.Second}},
	{"10 s, then 20 s", breaker.Config{OpenFor: 10 * time.Second}},
	{"2 probes", breaker.Config{Probes: 2}},
	{"10 in a row, 10 s, then 20 s, 2 probes", breaker.Config{ConsecutiveFailures: 10, OpenFor: 10 * time.Second, Probes: 2}},
}

// ofSettings returns the trials by which the defaults were chosen.
func ofSettings(step time.Duration) (all []trial) {
	for _, s := range settings {
		w := way{s.name, true, func() (caller, error) { return withBreakers(s.cfg) }}
		for _, s := range append(everyLength(step), outage, random) {
			all = append(all, trial{s, w})
		}
	}
	return all
}

// settings shows the results of each setting: in outages and brown-outs of every length,
// in the outage of 60 s, and with random failures.
func (r report) settings(results []result) {
	var rows []table.Row
	for _, s := range settings {
		out, brown := spanOf(results, outage.name+ofEveryLength, s.name), spanOf(results, brownout.name+ofEveryLength, s.name)
		sixty, five := figuresOf(results, outage, s.name), figuresOf(results, random, s.name)
		rows = append(rows, table.Row{
			s.name, fmt.Sprintf("%.3f", sixty.sends), peak.value(sixty), out.most, brown.most, fmt.Sprintf("%.2f %%", 100*five.succeeded),
		})
	}
	r.Figures(table.Row{"setting", "sends/call", "peak of 1 s", "outages: 90 % back", "brown-outs: 90 % back", "20 % fail: succeed"}, rows)
}
