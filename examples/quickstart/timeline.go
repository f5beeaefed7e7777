package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/retry"
)

// A timeline prints what happens, a line each: when, in which send, what the
// API answered, what that asks for, and what was done about it.
type timeline struct {
	mu    sync.Mutex
	out   io.Writer
	begin time.Time
	told  []string // what the library told since the scene began, in short
}

// tell notes an event or a change of state, to compare with the story.
func (t *timeline) tell(what string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.told = append(t.told, what)
}

const row = "%9s  %-4s  %-42s  %-15s  %s\n"

func (t *timeline) scene(n int, title string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprintf(t.out, "\n%d. %s\n", n, title)
	if n == 1 {
		fmt.Fprintf(t.out, row, "time", "send", "answer", "asks for", "done")
	}
	t.begin = time.Now()
	t.told = nil
}

func (t *timeline) line(send int, answer, asks, done string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := ""
	if send > 0 {
		n = fmt.Sprint(send)
	}
	line := fmt.Sprintf(row, ms(time.Since(t.begin)), n, answer, asks, done)
	io.WriteString(t.out, strings.TrimRight(line, " \n")+"\n")
}

func ms(d time.Duration) string { return fmt.Sprintf("%d ms", d.Milliseconds()) }

// onEvent is a Config.OnEvent.
func (t *timeline) onEvent(_ context.Context, e retry.Event) {
	t.tell(e.Kind.String())
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
			done = fmt.Sprintf("wait %s, send again", ms(e.Wait))
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
				done += ", come back in " + ms(open.RetryIn)
			}
			t.line(0, "(nothing sent)", "", done)
			return
		}
		if e.Verdict.Lockout { // its line is there already
			return
		}
		t.line(e.Attempts, answer(e.Verdict), asks, "stop: "+e.Err.Reason.Error())
	}
}

// onStateChange is a breaker.Config.OnStateChange.
func (t *timeline) onStateChange(c breaker.StateChange) {
	t.tell(c.To.String())
	done := fmt.Sprintf("breaker %v → %v", c.From, c.To)
	if c.RetryIn > 0 {
		done += " for " + ms(c.RetryIn)
	}
	if c.Reason != "" {
		done += " (" + c.Reason + ")"
	}
	t.line(0, "", "", done)
}

// answer is what the API said, in a few words.
func answer(v classify.Verdict) string {
	switch {
	case v.Code != "":
		return fmt.Sprintf("%d: %s %s", v.Status, v.Code, v.Rule)
	case v.Status != 0:
		return fmt.Sprintf("%d without a code", v.Status)
	}
	return v.Rule
}
