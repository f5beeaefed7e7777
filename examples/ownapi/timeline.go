package main

import (
	"context"
	"fmt"
	"io"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/examples/internal/story"
	"github.com/nexpay-go/resilience/retry"
)

// A timeline prints a line for each request: the time, what was sent, the answer, and
// what the library does about it.
type timeline struct{ *story.Timeline }

func newTimeline(out io.Writer) *timeline {
	return &timeline{story.NewTimeline(out, "%9s  %-18s  %-29s  %s", "time", "sent", "came back", "the library")}
}

// onEvent is a Config.OnEvent.
func (l *timeline) onEvent(_ context.Context, e retry.Event) {
	switch e.Kind {
	case retry.EventResend:
		l.Done(fmt.Sprintf("%s: wait %s, send again", e.Verdict.Rule, story.Milliseconds(e.Wait)))
	case retry.EventDoubt:
		l.Done(e.Verdict.Rule + ": it may have happened, so it is looked up")
	case retry.EventLookup:
		l.Done(fmt.Sprintf("looked up: %v", e.Outcome))
	case retry.EventLockedOut:
		l.Done(fmt.Sprintf("%s: nobody sends with %q any more", e.Verdict.Rule, e.Key))
	case retry.EventGaveUp:
		if e.Attempts == 0 {
			l.Request("(nothing)", "")
			l.Done("refused: " + e.Err.Reason.Error())
			return
		}
		l.Finish("stop: " + e.Err.Reason.Error())
	}
}

// onStateChange is a breaker.Config.OnStateChange.
func (l *timeline) onStateChange(c breaker.StateChange) {
	if c.To == breaker.Open {
		l.Done("the breaker opens: " + c.Reason)
	}
}
