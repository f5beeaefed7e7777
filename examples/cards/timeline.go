package main

import (
	"context"
	"fmt"
	"io"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/examples/internal/story"
	"github.com/nexpay-go/resilience/retry"
)

// A timeline prints a line for each request: the time, what was sent, what the API did,
// its answer, and what the library does about it and why.
type timeline struct{ *story.Timeline }

func newTimeline(out io.Writer) *timeline {
	return &timeline{story.NewTimeline(out, "%9s  %-15s  %-30s  %-19s  %s", "time", "sent", "the API", "came back", "the library")}
}

// onEvent is a Config.OnEvent.
func (l *timeline) onEvent(_ context.Context, e retry.Event) {
	switch e.Kind {
	case retry.EventResend:
		if e.Attempts == 0 {
			l.Done("the same key again: an earlier process sent it, and the API still knows the key")
			return
		}
		why := e.Verdict.Rule
		if e.Effect == classify.Unknown {
			why += ", it may have been charged"
		}
		l.Done(fmt.Sprintf("the same key again in %s: %s", story.Milliseconds(e.Wait), why))
	case retry.EventLookup:
		l.Done(fmt.Sprintf("looked up: %v", e.Outcome))
	case retry.EventGaveUp:
		switch {
		case e.Effect == classify.NotApplied:
			l.Done("stop: " + e.Verdict.Rule + ", nothing was charged")
		case e.Attempts == 0:
			l.Done("sends nothing, and says what to do:")
		default:
			l.Done("stop: " + e.Err.Reason.Error())
		}
	case retry.EventSettled, retry.EventRecovered: // a payment has both
		l.Finish("success, the answer to the first request")
	case retry.EventDoubt:
		// EventGaveUp has its line
	default:
		l.Done(e.Kind.String())
	}
}
