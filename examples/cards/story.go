package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/retry"
)

// A count is the number of requests that reached the API, and of charges.
type count struct{ posts, lookups, charges int }

func (c count) String() string {
	return fmt.Sprintf("%d POST, %d lookups, %d charges", c.posts, c.lookups, c.charges)
}

// A scene is one charge, what goes wrong with it, and the expected result.
type scene struct {
	title    string
	key      string
	pay      func(*program, context.Context, string) (string, error)
	troubles []trouble
	ago      time.Duration // how long ago an earlier process sent it and died; 0: it is new
	want     count
	gets     string // part of the caller's result
	err      error
}

var scenes = []scene{
	{"The card is declined. That is an answer: it is sent once, nobody looks anything up, and the customer hears why.",
		"invoice-17", (*program).once, []trouble{decline}, 0, count{1, 0, 0}, "", retry.ErrFatal},
	{"The card is charged and the answer lost. The same key again brings the answer, not a second charge.",
		"invoice-18", (*program).once, []trouble{lose}, 0, count{2, 0, 1}, "ch-18", nil},
	{"The answer is lost while the API is still at work: its 409 is waited out.",
		"invoice-19", (*program).once, []trouble{lose, inProgress, inProgress}, 0, count{4, 0, 1}, "ch-19", nil},
	{"A 500 after the charge, and another. The key is all that it takes: this is an ordinary POST of an ordinary http.Client.",
		"invoice-20", (*program).post, []trouble{crash, crash}, 0, count{3, 0, 1}, "ch-20", nil},
	{"The process died before the answer came, an hour ago. The API keeps keys for 24: sent again, and not charged again.",
		"invoice-21", (*program).blind, nil, time.Hour, count{1, 0, 1}, "ch-21", nil},
	{"It died 25 hours ago: the API has forgotten the key. Sent again it would be charged again, so it is not.",
		"invoice-22", (*program).blind, nil, 25 * time.Hour, count{0, 0, 1}, "", retry.ErrOutcomeUnknown},
	{"Another of 25 hours ago, and a program that can look a charge up: nobody has to be woken.",
		"invoice-23", (*program).once, nil, 25 * time.Hour, count{0, 1, 1}, "ch-23", nil},
	{"And one more, sent again by a plain http.Client: this is what the library keeps from happening.",
		"invoice-24", (*program).bare, nil, 25 * time.Hour, count{1, 0, 2}, "ch-24", nil},
}

// play plays scenes.
func play(ctx context.Context, out io.Writer, scenes []scene) error {
	line := newTimeline(out)
	api := newCardAPI(line)
	defer api.Close()
	p, err := newProgram(api.URL, line)
	if err != nil {
		return err
	}
	defer p.client.CloseIdleConnections()
	for i, s := range scenes {
		line.Scene(i+1, s.title)
		if err := s.play(ctx, api, p); err != nil {
			return fmt.Errorf("scene %d did not go as described: %w", i+1, err)
		}
	}
	fmt.Fprintln(out, "\nEverything went as described: through the library, no card was charged twice.")
	return nil
}

// play makes the charge and compares the result with the story.
func (s *scene) play(ctx context.Context, api *cardAPI, p *program) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	api.begin(s.troubles)
	if s.ago > 0 {
		api.charged(s.key, s.ago)
		if err := p.sent(ctx, s.key, s.ago); err != nil {
			return err
		}
	}
	got, err := s.pay(p, ctx, s.key)
	p.line.Caller(outcome(got, err)...)
	var wrong []error
	if !errors.Is(err, s.err) {
		wrong = append(wrong, fmt.Errorf("it should have ended with %v", s.err), err)
	}
	if !strings.Contains(got, s.gets) {
		wrong = append(wrong, fmt.Errorf("the caller got %q, not %q", got, s.gets))
	}
	if seen := api.seen(s.key); seen != s.want {
		wrong = append(wrong, fmt.Errorf("the API has seen %v, not %v", seen, s.want))
	}
	return errors.Join(wrong...)
}

// outcome is what a program could log or show about the result.
func outcome(got string, err error) []string {
	e, ok := errors.AsType[*retry.Error](err)
	switch {
	case err == nil:
		return []string{got}
	case ok && e.Doubt != nil:
		return append([]string{e.Reason.Error()}, doubt(e.Doubt)...)
	case ok:
		text := e.Reason.Error()
		if answer, ok := errors.AsType[*classify.Error](err); ok && len(answer.Details) > 0 {
			text = fmt.Sprintf("%q (%s, trace %s)", answer.Details[0].Message, e.Verdict.Code, e.TraceID)
		}
		return []string{text, e.Advice}
	}
	return []string{err.Error()}
}

// doubt is what a person needs, a line for each part. What to do comes last.
func doubt(d *retry.Doubt) []string {
	facts, action, _ := strings.Cut(d.String(), "; action: ")
	lines := strings.Split(facts, "; ")
	for i, step := range strings.Split(action, "; ") {
		lines = append(lines, []string{"action: ", "        "}[min(i, 1)]+step)
	}
	return lines
}
