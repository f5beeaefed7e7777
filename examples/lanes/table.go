package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
)

// printTable prints the results, as docs/nonces.md has them.
func printTable(out io.Writer, results []result) {
	t := table.NewWriter()
	t.AppendHeader(table.Row{fmt.Sprintf("%d callers", callers), "operations/s", "sends/operation", "code 50", "failed", "p50", "p99"})
	for _, r := range results {
		t.AppendRow(table.Row{
			r.Name, fmt.Sprintf("%.1f", r.PerSecond), fmt.Sprintf("%.2f", r.Sends), percent(r.Refused),
			percent(float64(r.Failed) / float64(r.All)), r.P50.Round(time.Millisecond), r.P99.Round(time.Millisecond),
		})
	}
	fmt.Fprintln(out, strings.TrimSpace(t.RenderMarkdown()))
}

func percent(share float64) string { return fmt.Sprintf("%.1f %%", 100*share) }
