// Package bar has the progress bar of the programs among the examples that pay invoices.
package bar

import (
	"io"
	"os"

	"github.com/jedib0t/go-pretty/v6/progress"
	"golang.org/x/term"
)

// A Bar is a progress bar. It is safe for concurrent use.
type Bar struct {
	writer  progress.Writer
	tracker *progress.Tracker
	ended   chan struct{}
}

// New returns a Bar for so many steps, with a message before it. It returns nil if out
// is not a terminal.
func New(out io.Writer, message string, steps int) *Bar {
	f, ok := out.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return nil
	}
	b := &Bar{progress.NewWriter(), &progress.Tracker{Message: message, Total: int64(steps)}, make(chan struct{})}
	b.writer.SetOutputWriter(out)
	b.writer.SetAutoStop(false)
	b.writer.SetStyle(progress.StyleBlocks)
	b.writer.AppendTracker(b.tracker)
	go func() {
		defer close(b.ended)
		b.writer.Render()
	}()
	return b
}

// Step is one step.
func (b *Bar) Step() { b.tracker.Increment(1) }

// Printf prints a line above the bar.
func (b *Bar) Printf(format string, args ...any) { b.writer.Log(format, args...) }

// Stop ends the bar and returns when its last state is printed.
func (b *Bar) Stop() {
	b.writer.Stop()
	<-b.ended
}
