package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/nexpay-go/resilience/examples/internal/lab"
)

// A report prints the results and the goals.
type report struct{ lab.Report }

// A column of a table shows one figure.
type column struct {
	name  string
	value func(figures) string
}

var (
	sendsPerCall = column{"sends/call", func(f figures) string { return fmt.Sprintf("%.2f", f.sends) }}
	peak         = column{"peak of 1 s", func(f figures) string { return fmt.Sprintf("%.1f ×", f.peak) }}
	peakOf5      = column{"of 5 s", func(f figures) string { return fmt.Sprintf("%.1f ×", f.peakOf5) }}
	notSent      = column{"not sent", func(f figures) string { return lab.Percent(f.refused) }}
	succeeded    = column{"succeed", func(f figures) string { return lab.Percent(f.succeeded) }}
	after        = column{"succeed after it", func(f figures) string { return lab.Percent(f.after) }}
	halfBack     = column{"half back", func(f figures) string { return back(f.half) }}
	mostBack     = column{"90 % back", func(f figures) string { return back(f.most) }}
	others       = column{"other three succeed", func(f figures) string { return lab.Percent(f.others) }}
	lastSuccess  = column{"last success", func(f figures) string { return fmt.Sprintf("%.1f s", f.last.Seconds()) }}
)

// columns are the figures that matter in each scenario.
var columns = map[string][]column{
	outage.name:    {sendsPerCall, peak, peakOf5, notSent, after, halfBack, mostBack},
	brownout.name:  {sendsPerCall, peak, peakOf5, notSent, after, halfBack, mostBack},
	warming.name:   {sendsPerCall, peak, peakOf5, notSent, after, halfBack, mostBack},
	random.name:    {sendsPerCall, peak, peakOf5, succeeded},
	herd.name:      {sendsPerCall, succeeded, lastSuccess},
	oneOfFour.name: {sendsPerCall, peak, notSent, others, after, mostBack},
}

func (r report) print(results []result, goals []lab.Goal) {
	for _, s := range scenarios {
		header := table.Row{s.name}
		for _, c := range columns[s.name] {
			header = append(header, c.name)
		}
		var rows []table.Row
		for _, x := range results {
			if x.scenario.name != s.name {
				continue
			}
			row, f := table.Row{x.way}, x.figures()
			for _, c := range columns[s.name] {
				row = append(row, c.value(f))
			}
			rows = append(rows, row)
		}
		fmt.Fprintf(r.Out, "%s: %s.\n\n", s.name, s.story)
		r.Figures(header, rows)
	}
	r.lengths(results)
	r.Goals(goals)
}

// lengths shows how soon a fleet recovers from faults of every length: the shortest and
// the longest time.
func (r report) lengths(results []result) {
	var rows []table.Row
	for _, w := range ways {
		if !w.breaks || !slices.ContainsFunc(results, func(x result) bool { return x.way == w.name }) {
			continue
		}
		out, brown := spanOf(results, outage.name+ofEveryLength, w.name), spanOf(results, brownout.name+ofEveryLength, w.name)
		rows = append(rows, table.Row{w.name, out.half, out.most, brown.half, brown.most})
	}
	fmt.Fprintf(r.Out, "faults of every length: %v to %v.\n\n", shortest, longestFault)
	r.Figures(table.Row{"every length", "outage: half back", "outage: 90 % back", "brown-out: half back", "brown-out: 90 % back"}, rows)
}

// back formats how long after the fault something was back.
func back(d time.Duration) string {
	if d == never {
		return "never"
	}
	return fmt.Sprintf("%.0f s", d.Seconds())
}
