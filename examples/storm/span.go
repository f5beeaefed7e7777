package main

import (
	"fmt"
	"time"
)

// A span is how long something takes at best and at worst.
type span struct{ least, most time.Duration }

// spans are how long it takes until half, and nine tenths, of the usual success
// are back.
type spans struct{ half, most span }

// spanOf are those of a way in all scenarios of a name.
func spanOf(results []result, scenario, way string) spans {
	var all spans
	first := true
	for _, r := range results {
		if r.scenario.name != scenario || r.way != way {
			continue
		}
		f := r.figures()
		if first {
			all, first = spans{span{f.half, f.half}, span{f.most, f.most}}, false
		}
		all.half.take(f.half)
		all.most.take(f.most)
	}
	return all
}

// take makes room for d in the span. Once never, it takes for ever at worst.
func (s *span) take(d time.Duration) {
	switch {
	case d == never || s.most == never:
		s.most = never
	default:
		s.least, s.most = min(s.least, d), max(s.most, d)
	}
}

// String has the span in seconds.
func (s span) String() string {
	if s.most == never {
		return "never"
	}
	return fmt.Sprintf("%.0f to %.0f s", s.least.Seconds(), s.most.Seconds())
}
