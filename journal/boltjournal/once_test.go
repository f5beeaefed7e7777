package boltjournal_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/journal/boltjournal"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// A bomb is a journal that ends the process at one point of a payment, without a
// word to anybody.
type bomb struct {
	retry.Journal
	point string
}

func (j bomb) at(point string) {
	if j.point == point {
		os.Exit(exploded)
	}
}

const exploded = 3

func (j bomb) Begin(ctx context.Context, e retry.Entry) (retry.Entry, error) {
	call := "begin"
	if e.Generation == retry.ReadGeneration {
		call = "read"
	}
	j.at("before " + call)
	held, err := j.Journal.Begin(ctx, e)
	j.at("after " + call)
	return held, err
}

func (j bomb) End(ctx context.Context, e retry.Entry) error {
	j.at("before end")
	err := j.Journal.End(ctx, e)
	j.at("after end")
	return err
}

// An answer whose code is asked for while the engine judges it.
type answer struct{ bomb }

func (answer) Error() string    { return "refused" }
func (a answer) ErrorCode() int { a.at("judging"); return 0 }

// payment is one of a bank that is a file with a line for each that was made.
func payment(path string, send func() error) retry.Operation[string] {
	ledger := path + ".bank"
	return retry.Operation[string]{
		ID: "p-1", Settle: 100 * time.Millisecond, GiveUp: time.Minute,
		Send: func(context.Context) (string, error) {
			file, err := os.OpenFile(ledger, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
			if err != nil {
				return "", err
			}
			_, err = file.WriteString("paid\n")
			return "paid", errors.Join(err, file.Close(), send())
		},
		Verify: func(context.Context) (string, retry.Outcome, error) {
			if _, err := os.Stat(ledger); err == nil {
				return "found", retry.Applied, nil
			}
			return "", retry.Absent, nil
		},
	}
}

func pay(path, point string) error {
	j, err := boltjournal.Open(boltjournal.Config{Path: path})
	if err != nil {
		return err
	}
	defer j.Close()
	policies, err := policy.Nexpay().With(policy.Table{AttemptTimeout: 200 * time.Millisecond})
	if err != nil {
		return err
	}
	b := bomb{j, point}
	r, err := retry.New(retry.Config{Journal: b, Policies: policies})
	if err != nil {
		return err
	}
	_, err = retry.DoOnce(context.Background(), r, payment(path, func() error {
		b.at("in send")
		if point == "judging" {
			return answer{b}
		}
		return nil
	}))
	return err
}

// payUntilTheEnd is a process that ends in the middle of a payment.
func payUntilTheEnd(path string) error { return pay(path, os.Getenv(pointEnv)) }

const pointEnv = "BOLTJOURNAL_TEST_POINT"

// Wherever a process ends, the next one knows what to do, and the payment is made
// once. After a Begin it waits for the time that the last one may have taken.
func TestKilledInAPayment(t *testing.T) {
	t.Parallel()
	for _, point := range []string{
		"before read", "after read", "before begin", "after begin", "in send", "judging", "before end", "after end",
	} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			path := newPath(t)
			cmd := exec.Command(os.Args[0], path)
			cmd.Env = append(os.Environ(), childEnv+"=pay until the end", pointEnv+"="+point)
			out, err := cmd.CombinedOutput()
			require.Equal(t, exploded, cmd.ProcessState.ExitCode(), "%v: %s", err, out)

			require.NoError(t, pay(path, ""))
			paid, err := os.ReadFile(path + ".bank")
			require.NoError(t, err)
			require.Equal(t, 1, strings.Count(string(paid), "paid\n"))
		})
	}
}
