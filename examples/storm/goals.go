package main

import (
	"fmt"
	"time"
)

// A goal is what has to be reached.
type goal struct {
	what, got string
	reached   bool
}

// judge holds the results to the goals.
func judge(results []result) []goal {
	of := func(s scenario, way string) figures {
		for _, r := range results {
			if r.scenario.name == s.name && r.way == way {
				return r.figures()
			}
		}
		return figures{}
	}
	outages, browns := spanOf(results, outage.name+otherLengths, oursQuick), spanOf(results, brownout.name+otherLengths, oursQuick)
	out, all, quick := of(outage, oursBudget), of(outage, oursAll), of(outage, oursQuick)
	brown, hand, five := of(brownout, oursAll), of(brownout, plain), of(random, oursAll)
	six := of(random, oursQuick)
	return []goal{
		atMost("total outage, no breaker: 1.05 sends per call", out.sends, 1.05),
		atMost("total outage, breaker: 0.3 sends per call", all.sends, 0.3),
		atMost("total outage, breaker: 1.3 × the usual load in any five seconds", all.peakOf5, 1.3),
		atMost("total outage, the quicker breaker: 1.3 × in any second", quick.peak, 1.3),
		within("total outage: half of the usual success back within 13 s", all.half, 13*time.Second),
		within("total outage: nine tenths back within 26 s", all.most, 26*time.Second),
		{"total outage: no second collapse", yesNo(all.collapse), !all.collapse},
		atLeast("random failures: 99 % of calls succeed", 100*five.succeeded, 99, " %"),
		atLeast("random failures, the quicker breaker: 99 % of calls succeed", 100*six.succeeded, 99, " %"),
		atMost("random failures: 1.3 sends per call", five.sends, 1.3),
		within("brown-out: back within one open time and 2 s", brown.most, 22*time.Second),
		within("total outage of other lengths, the quicker breaker: half back within 13 s", outages.half.most, 13*time.Second),
		within("total outage of other lengths, the quicker breaker: nine tenths within 26 s", outages.most.most, 26*time.Second),
		within("brown-out of other lengths, the quicker breaker: back within one open time and 2 s", browns.most.most, quicker.MaxOpenFor+2*time.Second),
		{"brown-out: plain exponential backoff never comes back", back(hand.most), hand.most == never},
		atLeast("one of four: the other three lose nothing", 100*of(oneOfFour, oursAll).others, 100, " %"),
	}
}

func atMost(what string, got, most float64) goal {
	return goal{what, fmt.Sprintf("%.2f", got), got <= most}
}

func atLeast(what string, got, least float64, unit string) goal {
	return goal{what, fmt.Sprintf("%.1f%s", got, unit), got >= least}
}

func within(what string, got, most time.Duration) goal {
	return goal{what, back(got), got != never && got <= most}
}

func yesNo(is bool) string {
	if is {
		return "it came"
	}
	return "none"
}
