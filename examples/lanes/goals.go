package main

import "fmt"

// goals returns what was not reached.
func goals(results []result) (missed []error) {
	by := map[string]result{}
	for _, r := range results {
		by[r.Name] = r
	}
	goal := func(reached bool, format string, args ...any) {
		if !reached {
			missed = append(missed, fmt.Errorf("not reached: "+format, args...))
		}
	}
	one, adaptive, sixteen := by["InFlight 1"], by["adaptive"], by["16 keys"]
	ideal := 1 / roundTrip.Seconds()
	goal(one.Refused == 0 && one.Failed == 0, "InFlight 1 has %v code 50 and %d failures, not none", percent(one.Refused), one.Failed)
	goal(one.PerSecond >= 0.97*ideal, "InFlight 1 makes %.1f operations a second, not 97 %% of %.1f", one.PerSecond, ideal)
	goal(adaptive.PerSecond >= 1.5*one.PerSecond, "adaptive makes %.1f operations a second, not 1.5 times %.1f", adaptive.PerSecond, one.PerSecond)
	goal(adaptive.Refused < 0.05 && adaptive.Failed == 0, "adaptive has %v code 50 and %d failures", percent(adaptive.Refused), adaptive.Failed)
	goal(sixteen.PerSecond >= 15.5*one.PerSecond, "16 keys make %.1f operations a second, not 15.5 times %.1f", sixteen.PerSecond, one.PerSecond)
	return missed
}
