package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/nexpay-go/resilience/retry"
)

// A timeline prints what happens, on the side where it happens: what the API does, and
// what the library makes of it.
type timeline struct {
	out   io.Writer
	mu    sync.Mutex
	begin time.Time // of the scene
}

func (l *timeline) scene(n int, title string) {
	fmt.Fprintf(l.out, "\n%d. %s\n\n", n, title)
	l.begin = time.Now()
}

func (l *timeline) print(who, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(l.out, "  %4d ms  %-7s  %s\n", time.Since(l.begin).Milliseconds(), who, text)
}

func (l *timeline) api(key, text string) { l.print("API", fmt.Sprintf("%s: %s", key, text)) }

// event is the observer of the calls.
func (l *timeline) event(_ context.Context, e retry.Event) {
	switch e.Kind {
	case retry.EventResend:
		l.print("library", fmt.Sprintf("%v: the charge may have been made, so the same key again, in %v", e.Verdict.Rule, e.Wait.Round(time.Millisecond)))
	case retry.EventRecovered:
		l.print("library", fmt.Sprintf("through after %d requests", e.Attempts))
	case retry.EventGaveUp:
		l.print("library", "stops: "+e.Verdict.Rule)
	}
}
