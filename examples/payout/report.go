package main

import (
	"fmt"
	"io"
	"sync"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/nexpay-go/resilience/examples/internal/lab/bar"
)

// A progress shows how many invoices are done.
type progress interface {
	done(result) // safe for concurrent use
	stop()       // after the last one
}

// newProgress returns a bar on a terminal, and otherwise plain lines, one per invoice.
func newProgress(out io.Writer, n int) progress {
	if b := bar.New(out, "paying invoices", n); b != nil {
		return onTerminal{b}
	}
	return &lines{out: out}
}

// onTerminal is a bar, with a line for each invoice that is not paid.
type onTerminal struct{ *bar.Bar }

func (t onTerminal) done(r result) {
	t.Step()
	if r.state() != paid {
		t.Printf("%v", r)
	}
}

func (t onTerminal) stop() { t.Stop() }

// lines print each result at once, in one write, so that the log of a process that was
// killed has no cut lines.
type lines struct {
	mu  sync.Mutex // guards out
	out io.Writer
}

func (l *lines) done(r result) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = io.WriteString(l.out, r.String()+"\n")
}

func (l *lines) stop() {}

// summarize prints the totals, and the reason for each invoice that is not paid.
func summarize(out io.Writer, results []result, check func(id string) string) {
	counts := map[state]int{}
	for _, r := range results {
		counts[r.state()]++
	}
	summary := table.NewWriter()
	summary.SetOutputMirror(out)
	summary.SetStyle(table.StyleLight)
	summary.AppendHeader(table.Row{"", "invoices"})
	for _, s := range []state{paid, notPaid, unknown} {
		summary.AppendRow(table.Row{s, counts[s]})
	}
	summary.AppendFooter(table.Row{"all", len(results)})
	fmt.Fprintln(out)
	summary.Render()
	for _, s := range []state{notPaid, unknown} {
		list(out, s, results, check)
	}
}

func list(out io.Writer, s state, results []result, check func(id string) string) {
	first := true
	for _, r := range results {
		if r.state() != s {
			continue
		}
		if first {
			fmt.Fprintf(out, "\n%s, and why:\n", s)
			first = false
		}
		fmt.Fprintf(out, "  %s: %v\n", r.id, r.err)
		if truth := check(r.id); truth != "" {
			fmt.Fprintf(out, "      (the bank's ledger, which you would not see: %s)\n", truth)
		}
	}
}
