package main

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/nexpay-go/resilience/examples/internal/lab"
)

// judge compares the results with the goals.
func judge(results []result) []lab.Goal {
	of := func(s scenario, way string) figures { return figuresOf(results, s, way) }
	outages, browns := spanOf(results, outage.name+ofEveryLength, oursAll), spanOf(results, brownout.name+ofEveryLength, oursAll)
	out, all, slow := of(outage, oursBudget), of(outage, oursAll), of(warming, oursAll)
	hand, five := of(brownout, plain), of(random, oursAll)
	collapsed := collapses(results, oursAll)
	return []lab.Goal{
		atMost("total outage, no breaker: 1.05 sends per call", out.sends, 1.05),
		atMost("total outage, breaker: 0.06 sends per call", all.sends, 0.06),
		atMost("total outage, breaker: 1.3 × the usual load in any second", all.peak, 1.3),
		within("total outages of every length: nine tenths of the usual success back within 5 s", outages.most.most, 5*time.Second),
		within("brown-outs of every length: nine tenths back within 5 s", browns.most.most, 5*time.Second),
		within("slow start: nine tenths back as soon as the server can do them", slow.most, warmIn+time.Second),
		lab.NewGoal("no second collapse, whatever the fault", collapsed, collapsed == "none"),
		atLeast("random failures: 99.5 % of calls succeed", 100*five.succeeded, 99.5, " %"),
		atMost("random failures: 1.3 sends per call", five.sends, 1.3),
		lab.NewGoal("brown-out: plain exponential backoff never comes back", back(hand.most), hand.most == never),
		atLeast("one of four: the other three lose nothing", 100*of(oneOfFour, oursAll).others, 100, " %"),
	}
}

// warmIn is how long a slow start takes until the server can process nine tenths of the
// usual load: then it has eight tenths of its capacity.
const warmIn = 21 * time.Second

// figuresOf returns the figures of a way in a scenario.
func figuresOf(results []result, s scenario, way string) figures {
	for _, r := range results {
		if r.scenario.name == s.name && r.way == way {
			return r.figures()
		}
	}
	return figures{}
}

// collapses lists the faults after which success was back to normal and was then lost again.
func collapses(results []result, way string) string {
	var in []string
	for _, r := range results {
		if r.way == way && r.figures().collapse {
			in = append(in, fmt.Sprintf("%s (%v)", r.scenario.name, r.scenario.to-r.scenario.from))
		}
	}
	return cmp.Or(strings.Join(in, ", "), "none")
}

func atMost(name string, got, most float64) lab.Goal {
	return lab.NewGoal(name, fmt.Sprintf("%.3g", got), got <= most)
}

func atLeast(name string, got, least float64, unit string) lab.Goal {
	return lab.NewGoal(name, fmt.Sprintf("%.1f%s", got, unit), got >= least)
}

func within(name string, got, most time.Duration) lab.Goal {
	return lab.NewGoal(name, back(got), got != never && got <= most)
}
