// Ownapi shows what it takes to use the library with an API of your own: one file,
// papaya.yaml. It starts a made-up API on loopback, whose codes are words and whose
// failures come with HTTP 200, lets it fail, and prints what becomes of the calls.
//
//	go run ./examples/ownapi
//
// It exits with 1 if anything differs from the story it tells.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/retry"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "ownapi:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) error {
	file, err := papayaFile()
	if err != nil {
		return err
	}
	b, err := breaker.New(breaker.Config{Name: "papaya"})
	if err != nil {
		return err
	}
	set := file.Policies
	r, err := retry.New(retry.Config{Policies: set, Breaker: b, Key: "console token"})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "What the table says of two codes:\n\n%v\n%v\n", set.Explain("ledger_busy"), set.Explain("token_revoked"))

	server := newPapaya()
	defer server.Close()
	s := &story{out: out, r: r, b: b, server: server, client: &client{server.URL, &http.Client{}, set.Catalog()}}
	defer s.client.http.CloseIdleConnections()
	for _, scene := range []func(context.Context) error{s.busy, s.lost, s.closed, s.revoked} {
		if err := scene(ctx); err != nil {
			return err
		}
	}
	fmt.Fprintln(out, "\nEverything went as told.")
	return nil
}

// A story is what happens to a few calls.
type story struct {
	out    io.Writer
	r      *retry.Retrier
	b      *breaker.Breaker
	server *papaya
	client *client
}

// expect compares what came of a call with what the story says.
func (s *story) expect(what string, calls int, err, want error) error {
	fmt.Fprintf(s.out, "\n%s: %d requests.\n", what, calls)
	if err != nil {
		fmt.Fprintln(s.out, " ", err)
	}
	if !errors.Is(err, want) {
		return fmt.Errorf("%s: %w, not as told", what, err)
	}
	return nil
}

func (s *story) balance(ctx context.Context) (calls int, err error) {
	before := s.server.count()
	_, err = retry.DoValue(ctx, s.r, func(ctx context.Context) (string, error) {
		return s.client.call(ctx, "/balance", struct{}{})
	}, retry.Named("balance"))
	return s.server.count() - before, err
}

func (s *story) busy(ctx context.Context) error {
	s.server.fail("ledger_busy", "ledger_busy")
	calls, err := s.balance(ctx)
	return s.expect("The ledger is busy twice, and then it is not", calls, err, nil)
}

// lost is a transfer that is executed, and whose answer is lost.
func (s *story) lost(ctx context.Context) error {
	s.server.fail(lost)
	before := s.server.count()
	transfer := map[string]string{"id": "t-7"}
	_, err := retry.DoOnce(ctx, s.r, retry.Operation[string]{
		ID:   "t-7",
		Send: func(ctx context.Context) (string, error) { return s.client.call(ctx, "/transfer", transfer) },
		Verify: func(ctx context.Context) (string, retry.Outcome, error) {
			status, err := s.client.call(ctx, "/transfer/status", transfer)
			answer, said := errors.AsType[*classify.Error](err)
			switch {
			case err == nil:
				return status, retry.Applied, nil
			case said && answer.Complete() && answer.Details[0].Code == "no_such_transfer": // in the API's own words
				return "", retry.Absent, nil
			}
			return "", retry.Undecided, err
		},
	}, retry.Named("transfer"))
	return s.expect("A transfer is executed and its answer lost: it is looked up, not made again", s.server.count()-before, err, nil)
}

func (s *story) closed(ctx context.Context) error {
	s.server.fail("end_of_day")
	_, _ = s.balance(ctx)
	calls, err := s.balance(ctx)
	err = s.expect("After the end of the day nobody asks any more", calls, err, retry.ErrOpen)
	s.b.Reset()
	return err
}

func (s *story) revoked(ctx context.Context) error {
	s.server.fail("token_revoked")
	_, _ = s.balance(ctx)
	calls, err := s.balance(ctx)
	return s.expect("With a token that was revoked nobody asks any more, until a person has acted", calls, err, retry.ErrLockedOut)
}
