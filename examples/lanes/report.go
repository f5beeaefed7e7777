package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/nexpay-go/resilience/examples/internal/lab"
)

// A report prints the measurements and the goals.
type report struct{ lab.Report }

func (r report) print(measured map[string]figures, processes []*process, goals []lab.Goal) {
	r.cases(measured)
	r.processes(processes)
	r.Goals(goals)
}

func (r report) cases(measured map[string]figures) {
	header := table.Row{fmt.Sprintf("%d callers", callers), "operations/s", "sends/operation", "code 50", "failed", "p50 ms", "p99 ms"}
	var rows []table.Row
	for _, c := range cases {
		f := measured[c.name]
		rows = append(rows, table.Row{
			c.name, fmt.Sprintf("%.1f", f.perSecond), fmt.Sprintf("%.2f", f.sends), lab.Percent(f.code50),
			fmt.Sprintf("%d of %d", f.failed, f.operations), f.p50.Milliseconds(), f.p99.Milliseconds(),
		})
	}
	r.Figures(header, rows)
}

func (r report) processes(all []*process) {
	header := table.Row{
		fmt.Sprintf("two processes on one key, %v", together), "calls", "failed", "first code 50 in call", "ErrResync in call", "jumps",
		"most ahead of its clock",
	}
	var rows []table.Row
	for _, p := range all {
		rows = append(rows, table.Row{p.name, p.calls, p.failed, p.refused, p.resync, p.jumps, p.ahead.Round(time.Millisecond)})
	}
	r.Figures(header, rows)
	for _, p := range all {
		if p.behind > 0 && p.text != "" {
			fmt.Fprintf(r.Out, "The first of these errors:\n\n%s\n\n", r.quoted(p.text))
		}
	}
}

// quoted formats an error text of the library.
func (r report) quoted(s string) string {
	if r.Markdown {
		return "> " + s
	}
	lines := strings.Split(text.WrapSoft(s, 110), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " ")
	}
	return strings.Join(lines, "\n")
}
