package main

import (
	"fmt"
	"time"

	"github.com/nexpay-go/resilience/examples/internal/lab"
)

// judge compares the measurements with the goals.
func judge(measured map[string]figures, processes []*process) []lab.Goal {
	one, adaptive, many := measured["InFlight 1"], measured["Adaptive"], measured["16 keys"]
	var most float64 // requests per second, one after the other without a pause
	if one.onTheWire > 0 {
		most = 1 / one.onTheWire.Seconds()
	}
	goals := []lab.Goal{
		lab.NewGoal("InFlight 1: no code 50, no operation fails", fmt.Sprintf("%d, %d", one.refused, one.failed), one.refused == 0 && one.failed == 0),
		atLeast("InFlight 1: 97 % of what fits on the wire one after the other", 100*one.perSecond, 97*most, 97, " %"),
		atLeast("Adaptive: 1.5 × InFlight 1", adaptive.perSecond, 1.5*one.perSecond, 1.5, " ×"),
		lab.NewGoal("Adaptive: under 5 % code 50, no operation fails", fmt.Sprintf("%s, %d", lab.Percent(adaptive.code50), adaptive.failed),
			adaptive.code50 < 0.05 && adaptive.failed == 0),
		atLeast("16 keys: 15.5 × InFlight 1", many.perSecond, 15.5*one.perSecond, 15.5, " ×"),
	}
	for _, p := range processes {
		after := p.resync - p.refused + 1
		soon := p.refused > 0 && p.resync > 0 && after <= 3
		of := "two processes, " + p.name + ": "
		goals = append(goals,
			lab.NewGoal(of+"reported within three calls of the first code 50", fmt.Sprintf("call %d", after), soon),
			lab.NewGoal(of+"never more than a minute ahead of its clock", p.ahead.Round(time.Millisecond).String(), p.ahead <= time.Minute))
	}
	return goals
}

// atLeast is reached if value is at least least. It shows value as a multiple.
func atLeast(name string, value, least, multiple float64, unit string) lab.Goal {
	got := "nothing"
	if least > 0 {
		got = fmt.Sprintf("%.2f%s", value/least*multiple, unit)
	}
	return lab.NewGoal(name, got, least > 0 && value >= least)
}
