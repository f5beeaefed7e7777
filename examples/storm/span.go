package main

import (
	"fmt"
	"time"
)

// A span is the shortest and the longest time that something takes.
type span struct{ least, most time.Duration }

// spans are the times until half, and until nine tenths, of the usual success are back.
type spans struct{ half, most span }

// spanOf returns the spans of a way in all scenarios of that name.
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

// take extends the span by d. If any d is never, so is the longest time.
func (s *span) take(d time.Duration) {
	switch {
	case d == never || s.most == never:
		s.most = never
	default:
		s.least, s.most = min(s.least, d), max(s.most, d)
	}
}

// String formats the span in seconds.
func (s span) String() string {
	if s.most == never {
		return "never"
	}
	return fmt.Sprintf("%.0f to %.0f s", s.least.Seconds(), s.most.Seconds())
}
