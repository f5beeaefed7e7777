package main

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/nexpay-go/resilience/examples/internal/lab/bar"
	"github.com/nexpay-go/resilience/examples/internal/program"
)

// A report prints the result of a run.
type report struct {
	out   io.Writer
	o     options
	s     *site
	f     *fleet
	open  int
	total time.Duration
}

// print prints the report. It returns program.ErrResult if not every invoice was paid once.
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
		return program.ErrResult
	}
	return nil
}

// A progress shows how many invoices are paid. Its methods are safe for concurrent use.
type progress interface {
	Step()                             // one invoice is paid
	Printf(format string, args ...any) // an event
	Stop()                             // after the last invoice
}

// newProgress returns a bar on a terminal, and otherwise a line for each tenth.
func newProgress(out io.Writer, n int) progress {
	if b := bar.New(out, "paying invoices", n); b != nil {
		return b
	}
	return &lines{out: out, all: n}
}

// lines prints a line for each tenth of the invoices.
type lines struct {
	mu        sync.Mutex
	out       io.Writer
	all, paid int
}

func (l *lines) Step() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.paid++; l.paid*10/l.all > (l.paid-1)*10/l.all {
		fmt.Fprintf(l.out, "%d of %d paid\n", l.paid, l.all)
	}
}

func (l *lines) Printf(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(l.out, format+"\n", args...)
}

func (*lines) Stop() {}
