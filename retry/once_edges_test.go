package retry_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// Applied is believed whatever error comes with it: not even code 50 has it asked
// for again.
func TestAppliedIsNeverForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &payment{sends: []error{errTimeout}, looks: []found{{retry.Applied, code(403, "50")}, absent}}
		_, err := pay(t, t.Context(), retry.Config{Nonces: newLane(t)}, p)
		e := requireOnly(t, err, retry.ErrApplied)
		require.Len(t, p.sent, 1)
		require.Len(t, p.looked, 1)
		require.Equal(t, classify.Unknown, e.Effect)
	})
}

// A Settle for ever is no Settle of nothing. In real time, where the clock is past zero.
func TestSettleForEver(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
	defer cancel()
	p := &payment{sends: []error{errTimeout}, looks: []found{absent}, changes: func(op *retry.Operation[string]) { op.Settle = math.MaxInt64 }}
	_, err := pay(t, ctx, retry.Config{}, p)
	requireOnly(t, err, retry.ErrOutcomeUnknown)
	require.Len(t, p.sent, 1)
}

func TestAttemptTimeoutForEver(t *testing.T) {
	set, err := policy.New(policy.Table{Catalog: classify.Nexpay(), AttemptTimeout: math.MaxInt64})
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	p := &payment{looks: []found{absent}, changes: func(op *retry.Operation[string]) { op.Settle = time.Millisecond }}
	_, err = pay(t, ctx, retry.Config{Journal: open(t, retry.Entry{}), Policies: set}, p)
	requireOnly(t, err, retry.ErrOutcomeUnknown)
	require.Empty(t, p.sent)
}

// An operation that Recover is not told properly is as open as before.
func TestRecoverWithoutTheOperation(t *testing.T) {
	for _, op := range []retry.Operation[string]{{}, {ID: "other"}} {
		results, err := retry.Recover(t.Context(), newRetrier(t, retry.Config{}), open(t, retry.Entry{}), func(retry.Entry) (retry.Operation[string], bool) { return op, true })
		require.NoError(t, err)
		e := requireOnly(t, results[0].Err, retry.ErrOutcomeUnknown)
		require.Error(t, e.Doubt.Blocked)
	}
}

// Who read an empty journal, waited and sent nothing must not say "not applied"
// of what another one has applied meanwhile.
func TestOvertakenWhileWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		journal, lane := new(retry.MemoryJournal), newLane(t)
		turn, err := lane.Enter(t.Context())
		require.NoError(t, err)
		defer turn.Leave()
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			time.Sleep(time.Second)
			_, err := pay(t, t.Context(), retry.Config{Journal: journal}, &payment{})
			require.NoError(t, err)
			cancel()
		}()
		p := &payment{looks: []found{applied}}
		_, err = pay(t, ctx, retry.Config{Journal: journal, Nonces: lane}, p)
		requireOnly(t, err, retry.ErrApplied)
	})
}

// Whose Begin came first is asked what it was for.
func TestFingerprintOfTheWinner(t *testing.T) {
	journal := &fault{}
	journal.onBegin = func(n int, _ *retry.Entry) error {
		if n != 2 {
			return nil
		}
		bob := &payment{changes: func(op *retry.Operation[string]) { op.Fingerprint = "Bob" }}
		_, err := pay(t, t.Context(), retry.Config{Journal: &journal.MemoryJournal}, bob)
		return err
	}
	alice := &payment{looks: []found{applied}, changes: func(op *retry.Operation[string]) { op.Fingerprint = "Alice" }}
	_, err := pay(t, t.Context(), retry.Config{Journal: journal}, alice)
	requireOnly(t, err, retry.ErrOutcomeUnknown)
	require.ErrorContains(t, err, "the fingerprints differ")
	require.Empty(t, alice.sent)
}

// A caller without a fingerprint leaves the one that is held.
func TestFingerprintIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		journal := open(t, retry.Entry{Fingerprint: "f"})
		_, err := pay(t, t.Context(), retry.Config{Journal: journal}, &payment{looks: []found{absent}})
		require.NoError(t, err)
		require.Equal(t, "f", held(t, journal).Fingerprint)
	})
}

// Another process's clock may be far behind: all of the time that its attempt may
// take is waited for on ours.
func TestClocksApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		journal := open(t, retry.Entry{At: time.Now().Add(-time.Minute)})
		p := &payment{looks: []found{absent}}
		_, err := pay(t, t.Context(), retry.Config{Journal: journal}, p)
		require.NoError(t, err)
		require.GreaterOrEqual(t, p.sent[0], 5*time.Second+10*time.Second+40*time.Second)
	})
}

// Joined errors have to agree, also where one of them is another call's.
func TestJoinedWithAnotherCallsAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		other := code(500, "-32603")
		ctx, cancel := context.WithCancelCause(t.Context())
		p := &payment{sends: []error{errors.Join(errors.New("first try: broken off"), code(400, "30010"), other)}, looks: []found{applied}}
		p.onSend = func(ctx context.Context) { connected(ctx); cancel(other) }
		_, err := pay(t, ctx, retry.Config{}, p)
		requireOnly(t, err, retry.ErrOutcomeUnknown)
	})
}

// An unknown outcome matches no other sentinel, whatever Send's own error wraps.
func TestUnknownIsNothingElse(t *testing.T) {
	for _, sentinel := range sentinels {
		synctest.Test(t, func(t *testing.T) {
			p := &payment{sends: []error{fmt.Errorf("x: %w", sentinel)}, changes: func(op *retry.Operation[string]) { op.Verify = nil }}
			_, err := pay(t, t.Context(), retry.Config{}, p)
			requireOnly(t, err, retry.ErrOutcomeUnknown)
		})
	}
}

// A lookup on who knows which key is no evidence about an entry that names one.
func TestUnnamedKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &payment{looks: []found{absent}}
		_, err := pay(t, t.Context(), retry.Config{Journal: open(t, retry.Entry{Key: "main", Nonce: 7})}, p)
		requireOnly(t, err, retry.ErrOutcomeUnknown)
		require.Empty(t, p.sent)
	})
}

// Doubt that grows old while the resend waits for its turn is not resent either.
func TestDoubtGrowsOldInTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lane := newLane(t)
		var turn *nonce.Ticket
		observe := func(_ context.Context, e retry.Event) {
			if e.Kind == retry.EventSettled {
				turn, _ = lane.Enter(t.Context())
				time.AfterFunc(3*time.Hour, turn.Leave)
			}
		}
		p := &payment{looks: []found{absent}}
		_, err := pay(t, t.Context(), retry.Config{Journal: open(t, retry.Entry{Key: "lane", Nonce: 7}), Nonces: lane, OnEvent: observe}, p)
		e := requireOnly(t, err, retry.ErrOutcomeUnknown)
		require.ErrorContains(t, e.Doubt.Blocked, "more than an hour")
		require.Empty(t, p.sent)
	})
}

// No encoder reaches into the error of an answer.
func TestAnswerTellsNoURL(t *testing.T) {
	a := retry.Answer{Err: &url.Error{Op: "Get", URL: "https://bank/?token=SECRET", Err: errors.New("x")}}
	encoded, err := json.Marshal(a)
	require.NoError(t, err)
	for _, text := range []string{string(encoded), fmt.Sprintf("%+v %#v %s", a, a, a), a.LogValue().String()} {
		require.NotContains(t, text, "SECRET")
		require.Contains(t, text, "undecided")
	}
}

// A server that asks for more patience than there is gets all there is, and one
// last look is taken.
func TestLastLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &payment{sends: []error{errTimeout}, looks: []found{{err: &classify.Error{Status: 503, RetryAfter: time.Hour}}, applied}}
		_, err := pay(t, t.Context(), retry.Config{}, p)
		require.NoError(t, err)
		require.Equal(t, []time.Duration{0, 10*time.Minute - time.Second}, p.looked)
	})
}

// Every doubt is told of, and so is a success that somebody else has overtaken.
func TestEventsOfDoubt(t *testing.T) {
	kinds := func(told *[]string) func(context.Context, retry.Event) {
		return func(_ context.Context, e retry.Event) { *told = append(*told, e.Kind.String()) }
	}
	t.Run("a panic in Send", func(t *testing.T) {
		var told []string
		p := &payment{onSend: func(context.Context) { panic("x") }}
		require.Panics(t, func() { _, _ = pay(t, t.Context(), retry.Config{OnEvent: kinds(&told)}, p) })
		require.Equal(t, []string{"in doubt"}, told)
	})
	t.Run("a journal that fails", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var told []string
			journal := &fault{onBegin: func(int, *retry.Entry) error { return errors.New("x") }}
			_, err := pay(t, t.Context(), retry.Config{OnEvent: kinds(&told), Journal: journal}, &payment{})
			requireOnly(t, err, retry.ErrOutcomeUnknown)
			require.Equal(t, []string{"in doubt", "gave up"}, told)
		})
	})
	t.Run("a late End", func(t *testing.T) {
		var told []string
		journal := new(retry.MemoryJournal)
		p := &payment{onSend: func(context.Context) { _, _ = journal.Begin(t.Context(), held(t, journal)) }}
		_, err := pay(t, t.Context(), retry.Config{OnEvent: kinds(&told), Journal: journal}, p)
		require.NoError(t, err)
		require.Equal(t, []string{"journal failed"}, told)
	})
	t.Run("an End that panics", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var told []string
			journal := &fault{onEnd: func(context.Context) error { panic("x") }}
			value, err := pay(t, t.Context(), retry.Config{OnEvent: kinds(&told), Journal: journal}, &payment{})
			require.NoError(t, err)
			require.Equal(t, "sent", value)
			require.Equal(t, []string{"journal failed"}, told)
		})
	})
}
