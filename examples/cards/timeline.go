package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/retry"
)

// A timeline prints a line for each request: when, what was sent, what the API did,
// what came back, and what the library does about it, and why.
type timeline struct {
	mu    sync.Mutex
	out   io.Writer
	begin time.Time // of the scene
	next  [4]string // time, sent, did, came back; of a request that nothing was done about yet
}

const row = "%9s  %-15s  %-30s  %-19s  %s\n"

func (l *timeline) scene(n int, title string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(l.out, "\n%d. %s\n", n, title)
	if n == 1 {
		fmt.Fprintf(l.out, row, "time", "sent", "the API", "came back", "the library")
	}
	l.begin = time.Now()
}

// request notes what the API was sent and did; what becomes of it is not known yet.
func (l *timeline) request(sent, did, back string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.flush("")
	l.next = [4]string{ms(time.Since(l.begin)), sent, did, back}
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

// success tells of the last request, if nothing was told of it yet.
func (l *timeline) success() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.flush("success, the answer to the first request")
}

func (l *timeline) flush(done string) {
	if n := l.next; n[0] != "" {
		io.WriteString(l.out, strings.TrimRight(fmt.Sprintf(row, n[0], n[1], n[2], n[3], done), " \n")+"\n")
	}
	l.next = [4]string{}
}

// caller tells what the program gets, a line for each part.
func (l *timeline) caller(parts ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.flush("")
	for i, part := range parts {
		who := "caller:"
		if i > 0 {
			who = ""
		}
		fmt.Fprintf(l.out, "%9s  %s\n", who, part)
	}
}

func ms(d time.Duration) string { return fmt.Sprintf("%d ms", d.Milliseconds()) }

// onEvent is a Config.OnEvent.
func (l *timeline) onEvent(_ context.Context, e retry.Event) {
	switch e.Kind {
	case retry.EventResend:
		if e.Attempts == 0 {
			l.done("the same key again: an earlier process sent it, and the API still knows the key")
			return
		}
		why := e.Verdict.Rule
		if e.Effect == classify.Unknown {
			why += ", it may have been charged"
		}
		l.done(fmt.Sprintf("the same key again in %s: %s", ms(e.Wait), why))
	case retry.EventLookup:
		l.done(fmt.Sprintf("looked up: %v", e.Outcome))
	case retry.EventGaveUp:
		switch {
		case e.Effect == classify.NotApplied:
			l.done("stop: " + e.Verdict.Rule + ", nothing was charged")
		case e.Attempts == 0:
			l.done("sends nothing, and says what to do:")
		default:
			l.done("stop: " + e.Err.Reason.Error())
		}
	case retry.EventSettled, retry.EventRecovered: // a payment has both
		l.success()
	case retry.EventDoubt:
		// the line beside it tells
	default:
		l.done(e.Kind.String())
	}
}
