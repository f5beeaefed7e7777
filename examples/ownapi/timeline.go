package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/retry"
)

// A timeline prints a line for each request: when, what was sent, what came back, and
// what the library does about it.
type timeline struct {
	mu    sync.Mutex
	out   io.Writer
	begin time.Time // of the scene
	next  [3]string // time, sent, came back; of a request that nothing was done about yet
}

const row = "%9s  %-18s  %-29s  %s\n"

func (l *timeline) scene(n int, title string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(l.out, "\n%d. %s\n", n, title)
	if n == 1 {
		fmt.Fprintf(l.out, row, "time", "sent", "came back", "the library")
	}
	l.begin = time.Now()
}

// request notes what was asked and answered; what becomes of it is not known yet.
func (l *timeline) request(sent, back string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.flush("")
	l.next = [3]string{ms(time.Since(l.begin)), sent, back}
}

// done tells what is done about the last request, or without one.
func (l *timeline) done(what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.next[0] == "" {
		l.next[0] = ms(time.Since(l.begin))
	}
	l.flush(what)
}

// stopped is done, if nothing was told of the last request yet.
func (l *timeline) stopped(why string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.flush(why)
}

func (l *timeline) flush(done string) {
	if n := l.next; n[0] != "" {
		io.WriteString(l.out, strings.TrimRight(fmt.Sprintf(row, n[0], n[1], n[2], done), " \n")+"\n")
	}
	l.next = [3]string{}
}

// caller tells what the program gets.
func (l *timeline) caller(what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.flush("success")
	fmt.Fprintf(l.out, "%9s  %s\n", "caller:", what)
}

func ms(d time.Duration) string { return fmt.Sprintf("%d ms", d.Milliseconds()) }

// onEvent is a Config.OnEvent.
func (l *timeline) onEvent(_ context.Context, e retry.Event) {
	switch e.Kind {
	case retry.EventResend:
		l.done(fmt.Sprintf("%s: wait %s, send again", e.Verdict.Rule, ms(e.Wait)))
	case retry.EventDoubt:
		l.done(e.Verdict.Rule + ": it may have happened, so it is looked up")
	case retry.EventLookup:
		l.done(fmt.Sprintf("looked up: %v", e.Outcome))
	case retry.EventLockedOut:
		l.done(fmt.Sprintf("%s: nobody sends with %q any more", e.Verdict.Rule, e.Key))
	case retry.EventGaveUp:
		if e.Attempts == 0 {
			l.request("(nothing)", "")
			l.done("refused: " + e.Err.Reason.Error())
			return
		}
		l.stopped("stop: " + e.Err.Reason.Error())
	}
}

// onStateChange is a breaker.Config.OnStateChange.
func (l *timeline) onStateChange(c breaker.StateChange) {
	if c.To == breaker.Open {
		l.done("the breaker opens: " + c.Reason)
	}
}
