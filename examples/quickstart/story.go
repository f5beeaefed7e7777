package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/nexpay"
	"github.com/nexpay-go/resilience/nexpay/nexpaytest"
	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// A stage is what the scenes need: a bank, a client of it, and the timeline.
type stage struct {
	bank    *nexpaytest.Bank
	key     string // the ID of the API key at the bank
	client  *nexpay.Client
	lane    *nonce.Lane
	breaker *breaker.Breaker
	retrier *retry.Retrier
	line    *timeline
}

// play plays all scenes.
func play(ctx context.Context, out io.Writer) error {
	s, err := newStage(out)
	if err != nil {
		return err
	}
	defer s.bank.Close()
	for i, scene := range []struct {
		title  string
		play   func(*stage, context.Context) error
		events []string // of the library, in this order
	}{
		{"The server stumbles twice: -32603 waits and sends again.", (*stage).stumbles,
			[]string{"resend", "resend", "recovered"}},
		{"Another program was faster with our key: 50 takes a newer nonce.", (*stage).nonceTooLow,
			[]string{"resend", "recovered"}},
		{"A wrong parameter: 2xxxx and 3xxxx are corrected and sent again …", (*stage).fixable,
			[]string{"resend", "recovered"}},
		{"… or not, where the program cannot know what was meant.", (*stage).unfixable,
			[]string{"gave up"}},
		{"The API goes down: the breaker leaves it alone until it is back.", (*stage).outage,
			[]string{"resend", "resend", "open", "gave up", "gave up", "gave up", "gave up", "half-open", "closed"}},
		{"The bank locks the key: one answer, and nobody sends with it until a person has acted.", (*stage).locked,
			[]string{"locked out", "gave up", "gave up", "gave up", "gave up"}},
	} {
		s.line.scene(i+1, scene.title)
		if err := scene.play(s, ctx); err != nil {
			return fmt.Errorf("scene %d did not go as described: %w", i+1, err)
		}
		if !slices.Equal(s.line.events, scene.events) {
			return fmt.Errorf("scene %d did not go as described: the events were %q, not %q", i+1, s.line.events, scene.events)
		}
	}
	fmt.Fprintln(out, "\nEverything went as described.")
	return nil
}

func newStage(out io.Writer) (*stage, error) {
	s := &stage{line: newTimeline(out)}
	bank, credentials := nexpaytest.NewKeyed()
	s.bank, s.key = bank, credentials.Key
	url, err := bank.Start()
	if err != nil {
		return nil, err
	}
	signer, err := nexpay.NewSigner(credentials)
	if err != nil {
		return nil, err
	}
	s.client = &nexpay.Client{BaseURL: url, Signer: signer}
	if s.lane, err = nonce.NewLane(nonce.LaneConfig{Key: "main"}); err != nil {
		return nil, err
	}
	// Shorter than the defaults, so that the story takes two seconds.
	s.breaker, err = breaker.New(breaker.Config{
		Name: "nexpay", ConsecutiveFailures: 3, OpenFor: 400 * time.Millisecond, Probes: 1,
		OnStateChange: s.line.onStateChange,
	})
	if err != nil {
		return nil, err
	}
	policies, err := policy.Nexpay().With(policy.Table{
		Codes: map[classify.Code]policy.Policy{
			"-32603": {Backoff: policy.Backoff{Initial: 150 * time.Millisecond, Jitter: policy.JitterEqual}},
		},
		Statuses: map[int]policy.Policy{
			502: {Backoff: policy.Backoff{Initial: 50 * time.Millisecond, Jitter: policy.JitterEqual}},
		},
	})
	if err != nil {
		return nil, err
	}
	s.retrier, err = retry.New(retry.Config{
		Policies: policies, Breaker: s.breaker, Nonces: s.lane, OnEvent: s.line.onEvent,
	})
	return s, err
}

// status requests the status of the account.
func (s *stage) status(ctx context.Context) error {
	err := retry.Do(ctx, s.retrier, func(ctx context.Context) error {
		_, err := s.client.AccountStatus(ctx)
		return err
	})
	return err
}

// ok prints a call that succeeded at the first send: the library emits no event for it.
func (s *stage) ok() { s.line.line(1, "200", "", "success") }

// expect checks how a call ended, and how many requests reached the bank since it had
// seen before of them.
func (s *stage) expect(err, want error, before, sends int) error {
	var wrong []error
	if !errors.Is(err, want) || (err == nil) != (want == nil) {
		wrong = append(wrong, fmt.Errorf("the call should have ended with %v", want), err)
	}
	if got := len(s.bank.Requests()) - before; got != sends {
		wrong = append(wrong, fmt.Errorf("%d requests reached the bank, not %d", got, sends))
	}
	return errors.Join(wrong...)
}
