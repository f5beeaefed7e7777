package story

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// A Timeline prints a line for each request: when it was sent, what is known about it,
// and in the last column what the library did. It is safe for concurrent use.
type Timeline struct {
	out    io.Writer
	row    string
	header []string

	mu      sync.Mutex // guards out too
	begin   time.Time  // of the scene
	pending []string   // the columns of a line that waits for its last one; nil if none does
}

// NewTimeline returns a Timeline with these columns. The first is the time since the
// scene began. The format has a verb for each of them.
func NewTimeline(out io.Writer, format string, header ...string) *Timeline {
	return &Timeline{out: out, row: format, header: header, begin: time.Now()}
}

// Scene begins scene n; the first prints the header.
func (t *Timeline) Scene(n int, title string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprintf(t.out, "\n%d. %s\n", n, title)
	if n == 1 {
		t.print(t.header)
	}
	t.begin = time.Now()
}

// Line prints a line at once: all columns but the time.
func (t *Timeline) Line(columns ...string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.finish("")
	t.print(append(t.now(), columns...))
}

// Request begins a line: all columns but the time and the last. What the library does
// about the request is not known yet.
func (t *Timeline) Request(columns ...string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.finish("")
	t.pending = append(t.now(), columns...)
}

// Done ends the line of the last request with what the library did. If that has its
// line already, Done prints another one.
func (t *Timeline) Done(what string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.pending == nil {
		t.pending = append(t.now(), make([]string, len(t.header)-2)...)
	}
	t.finish(what)
}

// Finish is Done, but prints nothing if the last request has its line already.
func (t *Timeline) Finish(what string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.finish(what)
}

// Caller prints what the caller gets, a line for each part.
func (t *Timeline) Caller(parts ...string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.finish("")
	who := "caller:"
	for _, part := range parts {
		fmt.Fprintf(t.out, "%9s  %s\n", who, part)
		who = ""
	}
}

func (t *Timeline) finish(what string) {
	if t.pending != nil {
		t.print(append(t.pending, what))
	}
	t.pending = nil
}

func (t *Timeline) now() []string { return []string{Milliseconds(time.Since(t.begin))} }

func (t *Timeline) print(columns []string) {
	all := make([]any, len(columns))
	for i, column := range columns {
		all[i] = column
	}
	fmt.Fprintln(t.out, strings.TrimRight(fmt.Sprintf(t.row, all...), " "))
}

// Milliseconds formats d without decimals.
func Milliseconds(d time.Duration) string { return fmt.Sprintf("%d ms", d.Milliseconds()) }
