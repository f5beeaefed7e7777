package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// A report is printed as text or as Markdown.
type report struct {
	out      io.Writer
	markdown bool
}

func (r report) print(measured map[string]figures, processes []*process, goals []goal) {
	r.cases(measured)
	r.processes(processes)
	r.goals(goals)
}

func (r report) cases(measured map[string]figures) {
	header := table.Row{fmt.Sprintf("%d callers", callers), "operations/s", "sends/operation", "code 50", "failed", "p50 ms", "p99 ms"}
	var rows []table.Row
	for _, c := range cases {
		f := measured[c.name]
		rows = append(rows, table.Row{
			c.name, fmt.Sprintf("%.1f", f.perSecond), fmt.Sprintf("%.2f", f.sends), percent(f.code50),
			fmt.Sprintf("%d of %d", f.failed, f.operations), f.p50.Milliseconds(), f.p99.Milliseconds(),
		})
	}
	r.table(header, rows, true)
}

func (r report) processes(all []*process) {
	header := table.Row{
		fmt.Sprintf("two processes on one key, %v", together), "calls", "failed", "first code 50 in call", "ErrResync in call", "jumps",
		"most ahead of its clock",
	}
	var rows []table.Row
	for _, p := range all {
		rows = append(rows, table.Row{p.name, p.calls, p.failed, p.refused, p.told, p.jumps, p.ahead.Round(time.Millisecond)})
	}
	r.table(header, rows, true)
	for _, p := range all {
		if p.behind > 0 && p.text != "" {
			fmt.Fprintf(r.out, "The first of these errors:\n\n%s\n\n", r.quoted(p.text))
		}
	}
}

func (r report) goals(all []goal) {
	var rows []table.Row
	for _, g := range all {
		verdict := "reached"
		if !g.reached {
			verdict = "MISSED"
		}
		rows = append(rows, table.Row{g.what, g.got, verdict})
	}
	r.table(table.Row{"goal", "measured", ""}, rows, false)
}

// table prints a table, and an empty line after it. numbers says that all but the
// first column are numbers.
func (r report) table(header table.Row, rows []table.Row, numbers bool) {
	w := table.NewWriter()
	w.SetStyle(table.StyleLight)
	w.Style().Format.Header = text.FormatDefault
	w.AppendHeader(header)
	w.AppendRows(rows)
	if numbers {
		var columns []table.ColumnConfig
		for i := range header[1:] {
			columns = append(columns, table.ColumnConfig{Number: i + 2, Align: text.AlignRight, AlignHeader: text.AlignRight})
		}
		w.SetColumnConfigs(columns)
	}
	render := w.Render
	if r.markdown {
		render = w.RenderMarkdown
	}
	fmt.Fprintf(r.out, "%s\n\n", render())
}

// quoted sets off what the library says.
func (r report) quoted(s string) string {
	if r.markdown {
		return "> " + s
	}
	lines := strings.Split(text.WrapSoft(s, 110), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " ")
	}
	return strings.Join(lines, "\n")
}

func percent(share float64) string { return fmt.Sprintf("%.1f %%", 100*share) }
