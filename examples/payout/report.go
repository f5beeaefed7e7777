package main

import (
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/jedib0t/go-pretty/v6/progress"
	"github.com/jedib0t/go-pretty/v6/table"
	"golang.org/x/term"
)

// A progressing tells how far the work has come.
type progressing interface {
	done(result) // safe for concurrent use
	stop()       // when there is no more to come
}

// newProgress returns a bar on a terminal, and otherwise plain lines, one per invoice.
func newProgress(out io.Writer, n int) progressing {
	if f, ok := out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return newBar(f, n)
	}
	return &lines{out: out}
}

// lines print each result as it comes, in one write: what stands in the log of a
// process that was killed is whole.
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

// A bar is a progress bar.
type bar struct {
	writer  progress.Writer
	tracker *progress.Tracker
	over    chan struct{}
}

func newBar(out io.Writer, n int) *bar {
	b := &bar{writer: progress.NewWriter(), tracker: &progress.Tracker{Message: "paying invoices", Total: int64(n)}, over: make(chan struct{})}
	b.writer.SetOutputWriter(out)
	b.writer.SetAutoStop(false)
	b.writer.SetStyle(progress.StyleBlocks)
	b.writer.AppendTracker(b.tracker)
	go func() {
		defer close(b.over)
		b.writer.Render()
	}()
	return b
}

func (b *bar) done(r result) {
	b.tracker.Increment(1)
	if r.state() != paid {
		b.writer.Log("%v", r)
	}
}

func (b *bar) stop() {
	b.tracker.MarkAsDone()
	b.writer.Stop()
	<-b.over
}

// summarize prints what came of it all, and of each invoice that is not paid why.
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
