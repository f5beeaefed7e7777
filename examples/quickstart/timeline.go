package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/examples/internal/story"
	"github.com/nexpay-go/resilience/retry"
)

// A timeline prints a line for each event: the time, the number of the send, the answer
// of the API, its class, and what the library did about it.
type timeline struct {
	*story.Timeline

	mu     sync.Mutex
	events []string // names of the events since the scene began
}

func newTimeline(out io.Writer) *timeline {
	return &timeline{Timeline: story.NewTimeline(out, "%9s  %-4s  %-42s  %-15s  %s", "time", "send", "answer", "asks for", "done")}
}

// scene begins a scene and drops the events of the last one.
func (t *timeline) scene(n int, title string) {
	t.Scene(n, title)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.events = nil
}

// note records an event or a change of state, to be compared with the story.
func (t *timeline) note(what string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.events = append(t.events, what)
}

// line prints a line about the send of that number; 0 means about no send.
func (t *timeline) line(send int, answer, asks, done string) {
	n := ""
	if send > 0 {
		n = fmt.Sprint(send)
	}
	t.Line(n, answer, asks, done)
}

// onEvent is a Config.OnEvent.
func (t *timeline) onEvent(_ context.Context, e retry.Event) {
	t.note(e.Kind.String())
	asks := e.Verdict.Class.String()
	switch e.Kind {
	case retry.EventResend:
		done := "send again at once"
		switch {
		case e.Verdict.Class == classify.Resync:
			done = "take a newer nonce, send again at once"
		case e.Verdict.Class == classify.FixAndResend:
			done = "corrected, send again at once"
		case e.Wait > 0:
			done = fmt.Sprintf("wait %s, send again", story.Milliseconds(e.Wait))
		}
		t.line(e.Attempts, answer(e.Verdict), asks, done)
	case retry.EventRecovered:
		t.line(e.Attempts, "200", "", "success")
	case retry.EventLockedOut:
		t.line(e.Attempts, answer(e.Verdict), asks, fmt.Sprintf("key %q is locked out: nobody sends with it any more", e.Key))
	case retry.EventGaveUp:
		if e.Attempts == 0 {
			done := "refused: " + e.Err.Reason.Error()
			if open, ok := errors.AsType[*breaker.OpenError](e.Err); ok {
				done += ", come back in " + story.Milliseconds(open.RetryIn)
			}
			t.line(0, "(nothing sent)", "", done)
			return
		}
		if e.Verdict.Lockout { // EventLockedOut has printed it
			return
		}
		t.line(e.Attempts, answer(e.Verdict), asks, "stop: "+e.Err.Reason.Error())
	}
}

// onStateChange is a breaker.Config.OnStateChange.
func (t *timeline) onStateChange(c breaker.StateChange) {
	t.note(c.To.String())
	done := fmt.Sprintf("breaker %v → %v", c.From, c.To)
	if c.RetryIn > 0 {
		done += " for " + story.Milliseconds(c.RetryIn)
	}
	if c.Reason != "" {
		done += " (" + c.Reason + ")"
	}
	t.line(0, "", "", done)
}

// answer formats the answer of the API in a few words.
func answer(v classify.Verdict) string {
	switch {
	case v.Code != "":
		return fmt.Sprintf("%d: %s %s", v.Status, v.Code, v.Rule)
	case v.Status != 0:
		return fmt.Sprintf("%d without a code", v.Status)
	}
	return v.Rule
}
