package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/jedib0t/go-pretty/v6/progress"
	"github.com/jedib0t/go-pretty/v6/table"
	"golang.org/x/term"
)

// A report says what came of it all.
type report struct {
	out   io.Writer
	o     options
	s     *site
	f     *fleet
	open  int
	total time.Duration
}

func (r report) print() error {
	paidBy := map[string]int{}
	for _, worker := range r.s.queue.paid {
		paidBy[worker]++
	}
	t := table.NewWriter()
	t.SetOutputMirror(r.out)
	t.SetStyle(table.StyleLight)
	t.AppendHeader(table.Row{"process", "invoices", "what happened to it"})
	for _, p := range r.f.all {
		t.AppendRow(table.Row{p.name, paidBy[p.name], p.fate})
	}
	t.Render()
	once, twice, never := 0, 0, 0
	for id := range r.s.queue.paid {
		switch r.s.bank.Executed(id) {
		case 0:
			never++
		case 1:
			once++
		default:
			twice++
		}
	}
	requests := len(r.s.bank.Requests())
	t = table.NewWriter()
	t.SetOutputMirror(r.out)
	t.SetStyle(table.StyleLight)
	t.AppendHeader(table.Row{"what the bank says", ""})
	t.AppendRows([]table.Row{
		{"invoices paid once", fmt.Sprintf("%d of %d", once, r.o.invoices)},
		{"paid twice", twice},
		{"said to be paid, and not", never},
		{"requests", requests},
		{"of these with a nonce that came too late (code 50)", r.s.late()},
		{"operations left open in the journal", r.open},
		{"handed back to the queue for later", r.s.queue.later},
		{"took", r.total.Round(100 * time.Millisecond)},
	})
	t.Render()
	if once != r.o.invoices || twice+never+r.open > 0 {
		return errUnpaid
	}
	return nil
}

// A progressing tells how far the work has come.
type progressing interface {
	done()                          // one invoice
	say(format string, args ...any) // what happens meanwhile
	stop()                          // when there is no more to come
}

// newProgress returns a bar on a terminal, and otherwise a line for each tenth.
func newProgress(out io.Writer, n int) progressing {
	if f, ok := out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return newBar(f, n)
	}
	return &lines{out: out, all: n}
}

type lines struct {
	mu        sync.Mutex
	out       io.Writer
	all, paid int
}

func (l *lines) done() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.paid++; l.paid*10/l.all > (l.paid-1)*10/l.all {
		fmt.Fprintf(l.out, "%d of %d paid\n", l.paid, l.all)
	}
}

func (l *lines) say(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(l.out, format+"\n", args...)
}

func (*lines) stop() {}

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

func (b *bar) done()                          { b.tracker.Increment(1) }
func (b *bar) say(format string, args ...any) { b.writer.Log(format, args...) }

func (b *bar) stop() {
	b.writer.Stop()
	<-b.over
}
