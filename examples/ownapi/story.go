package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/retry"
)

// A scene is one call, its failures, and the expected result.
type scene struct {
	title    string
	call     func(*client, context.Context) (string, error)
	failures []failure
	requests int
	gets     string
	err      error
}

func balance(c *client, ctx context.Context) (string, error) { return c.balance(ctx) }
func unlocked(c *client, ctx context.Context) (string, error) {
	c.retrier.Lockout().Unlock(token)
	return c.balance(ctx)
}
func transfer(c *client, ctx context.Context) (string, error) { return c.transfer(ctx, "t-7") }

var scenes = []scene{
	{"The ledger is busy twice, and then it is not.",
		balance, []failure{busy, busy}, 3, "42.00", nil},
	{"A transfer is executed and its answer lost: it is looked up, not made again.",
		transfer, []failure{lost}, 2, "executed", nil},
	{"The end of the day comes as a 200, and opens the breaker …",
		balance, []failure{endOfDay}, 1, "", retry.ErrAttempts},
	{"… so that nobody asks any more.",
		balance, nil, 0, "", retry.ErrOpen},
	{"The next morning the token was revoked …",
		balance, []failure{revoked}, 1, "", retry.ErrFatal},
	{"… and nobody asks with it any more, until a person has acted.",
		balance, nil, 0, "", retry.ErrLockedOut},
	{"A person has asked for a new one in the console, and says so: Lockout().Unlock.",
		unlocked, nil, 1, "42.00", nil},
}

// play plays scenes.
func play(ctx context.Context, out io.Writer, scenes []scene) error {
	line := newTimeline(out)
	server := newPapaya(line)
	defer server.Close()
	b, err := breaker.New(breaker.Config{Name: "papaya", OnStateChange: line.onStateChange})
	if err != nil {
		return err
	}
	c, err := newClient(server.URL, b, line.onEvent)
	if err != nil {
		return err
	}
	defer c.http.CloseIdleConnections()
	fmt.Fprintln(out, "What papaya.yaml says of two codes:")
	for _, code := range []classify.Code{"ledger_busy", "token_revoked"} {
		fmt.Fprintf(out, "\n%v", c.policies.Explain(code))
	}
	for i, s := range scenes {
		line.Scene(i+1, s.title)
		if s.failures != nil {
			b.Reset() // a new day
		}
		if err := s.play(ctx, c, server); err != nil {
			return fmt.Errorf("scene %d did not go as described: %w", i+1, err)
		}
	}
	fmt.Fprintln(out, "\nEverything went as described.")
	return nil
}

// play makes the call and compares the result with the story.
func (s *scene) play(ctx context.Context, c *client, server *papaya) error {
	server.fail(s.failures...)
	got, err := s.call(c, ctx)
	text := got
	if e, ok := errors.AsType[*retry.Error](err); ok { // without the *url.Error around it, whose text has the query
		text = e.Error()
	}
	server.line.Finish("success")
	server.line.Caller(text)
	var wrong []error
	if !errors.Is(err, s.err) || got != s.gets {
		wrong = append(wrong, fmt.Errorf("it ended with %q and %v, not with %q and %v", got, err, s.gets, s.err))
	}
	if requests, transfers := server.seen(); requests != s.requests || transfers > 1 {
		wrong = append(wrong, fmt.Errorf("%d requests and %d transfers, not %d and at most 1", requests, transfers, s.requests))
	}
	return errors.Join(wrong...)
}
