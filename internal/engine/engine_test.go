package engine_test

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/internal/engine"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// rows are the reasons of package retry, with what is done about them where there is a
// journal and nobody has asked for a wait.
var rows = map[string]struct {
	reason error
	step   engine.Step
	word   string
}{
	"ErrFatal":          {retry.ErrFatal, engine.Fail, "fatal"},
	"ErrFixAndResend":   {retry.ErrFixAndResend, engine.Fail, "fatal"},
	"ErrUnclassified":   {retry.ErrUnclassified, engine.Fail, "fatal"},
	"ErrLockedOut":      {retry.ErrLockedOut, engine.Fail, "fatal"},
	"ErrNested":         {retry.ErrNested, engine.Fail, "nested"},
	"ErrDoubt":          {retry.ErrDoubt, engine.Fail, "doubt"},
	"ErrApplied":        {retry.ErrApplied, engine.Done, "applied"},
	"ErrOutcomeUnknown": {retry.ErrOutcomeUnknown, engine.Later, "outcome-unknown"},
	"ErrBusy":           {retry.ErrBusy, engine.Later, "busy"},
	"ErrOpen":           {retry.ErrOpen, engine.Later, "open"},
	"ErrRetryAfter":     {retry.ErrRetryAfter, engine.Later, "retry-after"},
	"ErrAttempts":       {retry.ErrAttempts, engine.Again, "attempts"},
	"ErrElapsed":        {retry.ErrElapsed, engine.Again, "elapsed"},
	"ErrBudget":         {retry.ErrBudget, engine.Again, "budget"},
	"ErrDeadline":       {retry.ErrDeadline, engine.Again, "deadline"},
	"ErrResync":         {retry.ErrResync, engine.Again, "resync"},
	"ErrNonce":          {retry.ErrNonce, engine.Again, "nonce"},
	"ErrCanceled":       {retry.ErrCanceled, engine.Cancel, "canceled"},
}

func retrier(t require.TestingT, cfg retry.Config) *retry.Retrier {
	r, err := retry.New(cfg)
	require.NoError(t, err)
	return r
}

func after(t *testing.T, c engine.Call, err error) engine.Next {
	t.Helper()
	n, ok := c.After(err)
	require.True(t, ok)
	return n
}

func TestEveryReasonHasItsStep(t *testing.T) {
	for _, name := range sentinels(t) {
		require.Contains(t, rows, name, "a reason that nobody has thought of")
	}
	with := engine.Call{Retrier: retrier(t, retry.Config{Journal: new(retry.MemoryJournal)}), Attempt: 1}
	without := engine.Call{Retrier: retrier(t, retry.Config{}), Attempt: 1}
	for name, row := range rows {
		e := &retry.Error{Reason: row.reason}
		n := after(t, with, fmt.Errorf("said by a user: %w", e))
		require.Equal(t, row.step, n.Step, name)
		require.Equal(t, row.word, n.Type, name)
		require.Same(t, e, n.Err, name)
		if name == "ErrOutcomeUnknown" || name == "ErrBusy" {
			require.Equal(t, engine.Fail, after(t, without, e).Step, "%s: another attempt would pay again", name)
			require.Equal(t, engine.Fail, after(t, engine.Call{}, e).Step, name)
			continue
		}
		require.Equal(t, row.step, after(t, without, e).Step, name)
	}
	for _, err := range []error{nil, errors.New("another"), (*retry.Error)(nil)} {
		_, ok := with.After(err)
		require.False(t, ok)
	}
	require.Equal(t, engine.Fail, after(t, with, &retry.Error{Reason: uncomparable{}}).Step)
}

type uncomparable []int

func (uncomparable) Error() string { return "" }

// sentinels are the names of the errors that package retry exports.
func sentinels(t *testing.T) (names []string) {
	t.Helper()
	files, err := filepath.Glob("../../retry/*.go")
	require.NoError(t, err)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		for _, d := range f.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.VAR {
				continue
			}
			for _, spec := range g.Specs {
				for _, n := range spec.(*ast.ValueSpec).Names {
					if strings.HasPrefix(n.Name, "Err") {
						names = append(names, n.Name)
					}
				}
			}
		}
	}
	require.Len(t, names, len(rows))
	return names
}

func TestTypeHasWhatDecided(t *testing.T) {
	c := engine.Call{Retrier: retrier(t, retry.Config{})}
	fails := func(err error) string {
		return after(t, c, retry.Do(t.Context(), c.Retrier, func(context.Context) error { return err })).Type
	}
	require.Equal(t, "fatal/20", fails(&classify.Error{Status: 401, Details: []classify.Detail{{Code: "20"}}}))
	require.Equal(t, "fatal/20000", fails(&classify.Error{Status: 400, Details: []classify.Detail{{Code: "20000"}}}))
	require.Equal(t, "fatal/HTTP-404", fails(&classify.Error{Status: 404}))
	require.Equal(t, "fatal", fails(errors.New("no answer")))
	locking := fails(&classify.Error{Status: 403, Details: []classify.Detail{{Code: "100"}}})
	require.Equal(t, "fatal/100", locking)
	require.Equal(t, locking, fails(nil), "who finds the key locked, and who had it locked, are to be told alike")
}

func TestWaitsAreAsLongAsTheyHelp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := retrier(t, retry.Config{Journal: new(retry.MemoryJournal), Policies: steady(t)})
		c := engine.Call{Retrier: r, Attempt: 1}
		wait := func(c engine.Call, e *retry.Error) time.Duration { return after(t, c, e).After }
		unknown := func(d *retry.Doubt) *retry.Error { return &retry.Error{Reason: retry.ErrOutcomeUnknown, Doubt: d} }

		d := &retry.Doubt{Conclusive: time.Now().Add(70 * time.Second), Settle: 50 * time.Second}
		require.Equal(t, 70*time.Second, wait(c, unknown(d)))
		require.False(t, after(t, c, unknown(d)).Inert)
		time.Sleep(70 * time.Second)
		require.Equal(t, 50*time.Second, wait(c, unknown(d)))
		require.True(t, after(t, c, unknown(d)).Inert)
		d.Blocked = &breaker.OpenError{RetryIn: time.Hour}
		require.Equal(t, time.Hour, wait(c, unknown(d)), "it could not be looked up before")
		require.Equal(t, 40*time.Second, wait(c, unknown(nil)))

		require.Equal(t, 40*time.Second, wait(c, &retry.Error{Reason: retry.ErrBusy}))
		c.Settle = time.Minute
		require.Equal(t, time.Minute, wait(c, &retry.Error{Reason: retry.ErrBusy}))

		asked := classify.Verdict{Class: classify.Retryable, RetryAfter: time.Hour}
		for _, reason := range []error{retry.ErrRetryAfter, retry.ErrAttempts, retry.ErrBudget, retry.ErrDeadline, retry.ErrElapsed} {
			n := after(t, c, &retry.Error{Reason: reason, Verdict: asked})
			require.Equal(t, engine.Later, n.Step)
			require.GreaterOrEqual(t, n.After, time.Hour)
			require.LessOrEqual(t, n.After, 66*time.Minute)
		}
		require.Equal(t, 30*time.Second, wait(c, &retry.Error{Reason: retry.ErrOpen, Cause: &breaker.OpenError{}}))

		asked.RetryAfter = 10 * 365 * 24 * time.Hour // by a server that is mistaken, or hostile
		for _, reason := range []error{retry.ErrRetryAfter, retry.ErrAttempts, retry.ErrOutcomeUnknown} {
			require.Equal(t, 24*time.Hour, wait(c, &retry.Error{Reason: reason, Verdict: asked}))
		}

		attempts := &retry.Error{Reason: retry.ErrAttempts, Attempts: 1, Verdict: classify.Verdict{Class: classify.Retryable}}
		for attempt, want := range map[int]time.Duration{0: time.Second, 1: time.Second, 2: 2 * time.Second, 3: 4 * time.Second, math.MaxInt32: time.Minute} {
			c.Attempt = attempt
			require.Equal(t, want, wait(c, attempts))
		}
		c.Attempt, attempts.Attempts = 1, 3
		require.Equal(t, 4*time.Second, wait(c, attempts), "it goes on where the call left off")
	})
}

func steady(t require.TestingT) *policy.Set {
	set, err := policy.New(policy.Table{Default: policy.Policy{Backoff: policy.Backoff{Initial: time.Second, Max: time.Minute, Jitter: policy.JitterNone}}})
	require.NoError(t, err)
	return set
}

// Of calls that were joined the one counts that must not be made again.
func TestTheSternestOfSeveralDecides(t *testing.T) {
	c := engine.Call{Retrier: retrier(t, retry.Config{})}
	read, paid := &retry.Error{Reason: retry.ErrAttempts}, &retry.Error{Reason: retry.ErrOutcomeUnknown}
	for _, err := range []error{errors.Join(read, paid), errors.Join(paid, read), fmt.Errorf("%w, %w", read, fmt.Errorf("b: %w", paid))} {
		require.Equal(t, engine.Fail, after(t, c, err).Step)
	}
}

// What must not be sent again in the call must not be by the engine either, whatever
// ended it.
func TestGuardedCallsAreNotMadeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := engine.Call{Retrier: retrier(t, retry.Config{Journal: new(retry.MemoryJournal)})}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		err := retry.Do(ctx, c.Retrier, func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, retry.Resend(retry.ResendOnProof))
		require.ErrorIs(t, err, retry.ErrCanceled)
		n := after(t, c, err)
		require.Equal(t, engine.Fail, n.Step)
		require.Equal(t, "doubt", n.Type)
	})
}

func TestAnyEnd(t *testing.T) {
	journals := []retry.Journal{nil, new(retry.MemoryJournal)}
	rapid.Check(t, func(t *rapid.T) {
		reasons := []error{nil, errors.New("x"), uncomparable{}}
		for _, name := range slices.Sorted(maps.Keys(rows)) {
			reasons = append(reasons, rows[name].reason)
		}
		duration := rapid.Custom(func(t *rapid.T) time.Duration { return time.Duration(rapid.Int64().Draw(t, "duration")) })
		journal := rapid.SampledFrom(journals).Draw(t, "journal")
		e := &retry.Error{
			Reason:   reasons[rapid.IntRange(0, len(reasons)-1).Draw(t, "reason")],
			Attempts: rapid.Int().Draw(t, "sends"),
			Verdict: classify.Verdict{
				Class: classify.Class(rapid.Uint8Range(0, 7).Draw(t, "class")), Code: classify.Code(rapid.String().Draw(t, "code")),
				Status: rapid.Int().Draw(t, "status"), RetryAfter: duration.Draw(t, "retry after"),
			},
		}
		if rapid.Bool().Draw(t, "open") {
			e.Cause = &breaker.OpenError{RetryIn: duration.Draw(t, "open for")}
		}
		if rapid.Bool().Draw(t, "doubt") {
			e.Doubt = &retry.Doubt{Conclusive: time.Now().Add(duration.Draw(t, "conclusive")), Settle: duration.Draw(t, "settle"), Blocked: e.Cause}
		}
		c := engine.Call{Retrier: retrier(t, retry.Config{Journal: journal}), Attempt: rapid.Int().Draw(t, "attempt"), Settle: duration.Draw(t, "op settle")}
		n, ok := c.After(e)
		again := n.Step == engine.Later || n.Step == engine.Again
		switch {
		case !ok || n.Type == "":
			t.Fatal("no answer")
		case again && n.After <= 0, !again && n.After != 0:
			t.Fatalf("step %d after %v", n.Step, n.After)
		case again && n.After < min(e.RetryIn(), 24*time.Hour), n.After > 24*time.Hour:
			t.Fatalf("after %v, but %v was asked for", n.After, e.RetryIn())
		case again && !e.Repeatable() && journal == nil:
			t.Fatal("it would be sent again")
		}
	})
}

func TestPaymentsNeedAJournal(t *testing.T) {
	require.NoError(t, engine.Payable(nil))
	require.NoError(t, engine.Payable(retrier(t, retry.Config{Journal: new(retry.MemoryJournal)})))
	require.ErrorIs(t, engine.Payable(retrier(t, retry.Config{})), engine.ErrNoJournal)
}
