package lab

import (
	"fmt"
	"io"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// A Report prints tables, as text or as Markdown.
type Report struct {
	Out      io.Writer
	Markdown bool
}

// Figures prints a table in which all columns but the first are numbers.
func (r Report) Figures(header table.Row, rows []table.Row) {
	var right []table.ColumnConfig
	for i := range header[1:] {
		right = append(right, table.ColumnConfig{Number: i + 2, Align: text.AlignRight, AlignHeader: text.AlignRight})
	}
	r.table(header, rows, right)
}

// Goals prints which goals are reached.
func (r Report) Goals(all []Goal) {
	var rows []table.Row
	for _, g := range all {
		verdict := "reached"
		if !g.Reached {
			verdict = "MISSED"
		}
		rows = append(rows, table.Row{g.Name, g.Got, verdict})
	}
	r.table(table.Row{"goal", "measured", ""}, rows, nil)
}

// table prints a table, and an empty line after it.
func (r Report) table(header table.Row, rows []table.Row, columns []table.ColumnConfig) {
	w := table.NewWriter()
	w.SetStyle(table.StyleLight)
	w.Style().Format.Header = text.FormatDefault
	w.AppendHeader(header)
	w.AppendRows(rows)
	w.SetColumnConfigs(columns)
	render := w.Render
	if r.Markdown {
		render = w.RenderMarkdown
	}
	fmt.Fprintf(r.Out, "%s\n\n", render())
}

// Percent formats a share.
func Percent(share float64) string { return fmt.Sprintf("%.1f %%", 100*share) }
