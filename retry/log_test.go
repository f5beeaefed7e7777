package retry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// A levels is a handler that notes the level of each line.
type levels struct{ seen []string }

func (*levels) Enabled(context.Context, slog.Level) bool { return true }
func (l *levels) WithAttrs([]slog.Attr) slog.Handler     { return l }
func (l *levels) WithGroup(string) slog.Handler          { return l }
func (l *levels) Handle(_ context.Context, r slog.Record) error {
	l.seen = append(l.seen, r.Level.String())
	return nil
}

// last is the level of the last line.
func (l *levels) last() string { return l.seen[len(l.seen)-1] }

// documented is what the table in the documentation of LogEvents says: levels by kind,
// and by reason.
func documented(t *testing.T) (kinds, reasons map[string]string) {
	t.Helper()
	source, err := os.ReadFile("log.go")
	require.NoError(t, err)
	kinds, reasons = map[string]string{}, map[string]string{}
	level, into := "", kinds
	for _, row := range regexp.MustCompile(`(?m)^//\t(INFO|WARN|ERROR)?(.*)$`).FindAllStringSubmatch(string(source), -1) {
		text := row[2]
		if row[1] != "" {
			level, into = row[1], kinds
			_, text, _ = strings.Cut(text, ":")
		}
		if _, after, ok := strings.Cut(text, "gave up:"); ok {
			text, into = after, reasons
		}
		for word := range strings.SplitSeq(text, ",") {
			if word = strings.TrimSpace(word); word != "" && !strings.HasPrefix(word, "and ") {
				require.NotContains(t, into, word, "twice")
				into[word] = level
			}
		}
	}
	return kinds, reasons
}

// Each kind and each reason has the level that the documentation says, whoever logs it.
func TestLevels(t *testing.T) {
	kinds, reasons := documented(t)
	var l levels
	event, call := retry.LogEvents(slog.New(&l)), retry.LogCalls(slog.New(&l))
	n := 0
	for k := retry.EventResend; k.String() != "invalid"; k++ {
		if k == retry.EventGaveUp || k == retry.EventFallback {
			continue
		}
		n++
		event(t.Context(), retry.Event{Kind: k})
		require.Equal(t, kinds[k.String()], l.last(), "%v", k)
	}
	require.Len(t, kinds, n)

	source, err := os.ReadFile("ending.go")
	require.NoError(t, err)
	words := regexp.MustCompile(`: +\{"([a-z_]+)"`).FindAllStringSubmatch(string(source), -1)
	require.Len(t, reasons, len(words))
	for _, w := range words {
		for _, k := range []retry.EventKind{retry.EventGaveUp, retry.EventFallback} {
			event(t.Context(), retry.Event{Kind: k, Reason: w[1]})
			require.Equal(t, reasons[w[1]], l.last(), "%v: %s", k, w[1])
		}
		call(t.Context(), retry.Call{Reason: w[1], Failed: true})
		require.Equal(t, reasons[w[1]], l.last(), w[1])
		call(t.Context(), retry.Call{Reason: w[1], Failed: true, Declined: true})
		require.Equal(t, "INFO", l.last(), w[1])
		call(t.Context(), retry.Call{Reason: w[1], Failed: true, Unsettled: true})
		require.Equal(t, "ERROR", l.last(), w[1])
	}
}

// A decline of the API's is nobody's fault; what only looks like one is.
func TestLevelsOfAnswers(t *testing.T) {
	refused, nobody := errors.New("no"), func() (context.Context, context.CancelFunc) { return context.WithCancel(context.Background()) }
	for name, tt := range map[string]struct {
		err       error
		opts      []retry.Option
		level     string
		declined  bool
		unsettled bool
	}{
		"a mistake in the request":       {code(400, "30010"), nil, "INFO", true, false},
		"the same, by its status":        {code(422), nil, "INFO", true, false},
		"not there":                      {code(404), nil, "INFO", true, false},
		"the same, sent once":            {code(400, "30010"), []retry.Option{retry.Resend(retry.ResendNever)}, "INFO", true, false},
		"the same, on proof":             {code(400, "30010"), []retry.Option{retry.Resend(retry.ResendOnProof)}, "INFO", true, false},
		"a Fix that fails":               {code(400, "30010"), []retry.Option{retry.Fix(func(context.Context, *classify.Error) (bool, error) { return false, refused })}, "ERROR", false, false},
		"a wrong signature":              {code(403, "70"), nil, "ERROR", false, false},
		"no permission":                  {code(401), nil, "ERROR", false, false},
		"a key that is locked":           {code(400, "100"), nil, "ERROR", false, false},
		"a code that nobody knows":       {code(400, "4711"), nil, "ERROR", false, false},
		"an error that nobody knows":     {refused, nil, "ERROR", false, false},
		"a page at a wrong address":      {classify.Nexpay().Decode(404, nil, []byte("\n<!DOCTYPE HTML>no such page")), nil, "ERROR", false, false},
		"a page of a gateway":            {classify.Nexpay().Decode(413, nil, []byte("<html>too large")), nil, "ERROR", false, false},
		"plain text":                     {classify.Nexpay().Decode(404, nil, []byte("no such account")), nil, "INFO", true, false},
		"a redirect":                     {code(302), nil, "ERROR", false, false},
		"an outage":                      {code(503), nil, "WARN", false, false},
		"an outage, not safe to repeat":  {code(503), []retry.Option{retry.Resend(retry.ResendOnProof)}, "ERROR", false, true},
		"an outage, sent once":           {code(503), []retry.Option{retry.Resend(retry.ResendNever)}, "ERROR", false, true},
		"a documented code under a 5xx":  {code(500, "30010"), nil, "ERROR", false, false},
		"a refused nonce without source": {code(403, "50"), nil, "ERROR", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := nobody()
				defer cancel()
				var events, calls levels
				var told retry.Call
				r := newRetrier(t, retry.Config{
					Policies: steady(t, policy.Table{}), OnEvent: retry.LogEvents(slog.New(&events)),
					OnCall: retry.Observers(retry.LogCalls(slog.New(&calls)), func(_ context.Context, c retry.Call) { told = c }),
				})
				require.Error(t, retry.Do(ctx, r, always(tt.err), tt.opts...))
				require.Equal(t, tt.level, events.last())
				require.Equal(t, []string{tt.level}, calls.seen)
				require.Equal(t, tt.declined, told.Declined)
				require.Equal(t, tt.unsettled, told.Unsettled)
			})
		})
	}
}

// Who cancels need not be told; what may have happened has to be looked at all the same.
func TestLevelsOfCancellation(t *testing.T) {
	for _, opts := range [][]retry.Option{nil, {retry.Resend(retry.ResendOnProof)}} {
		ctx, cancel := context.WithCancel(t.Context())
		var l levels
		r := newRetrier(t, retry.Config{OnEvent: retry.LogEvents(slog.New(&l))})
		require.ErrorIs(t, retry.Do(ctx, r, func(ctx context.Context) error { cancel(); return ctx.Err() }, opts...), retry.ErrCanceled)
		require.Equal(t, map[bool]string{true: "INFO", false: "ERROR"}[opts == nil], l.last())
	}
}

// What becomes of payments: unknown is for a person, another one at it is not.
func TestLevelsOfPayments(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l levels
		r := newRetrier(t, retry.Config{OnEvent: retry.LogEvents(slog.New(&l)), OnCall: retry.LogCalls(slog.New(&l))})
		op := retry.Operation[int]{ID: "inv-7", Send: func(ctx context.Context) (int, error) {
			_, err := retry.DoOnce(retry.Apart(ctx), r, retry.Operation[int]{ID: "inv-7", Send: answer})
			require.ErrorIs(t, err, retry.ErrBusy)
			require.Equal(t, []string{"WARN", "WARN"}, l.seen)
			return 0, errors.New("lost")
		}}
		_, err := retry.DoOnce(t.Context(), r, op)
		require.ErrorIs(t, err, retry.ErrOutcomeUnknown)
		require.Equal(t, []string{"ERROR", "ERROR"}, l.seen[len(l.seen)-2:])
	})
}

// A payment that was found not to have happened ends as its last answer says; a code that no
// rule knows is for a person here, too.
func TestLevelsOfPaymentsThatDidNotHappen(t *testing.T) {
	for answered, level := range map[*classify.Error]string{code(400, "4711"): "ERROR", code(409, "30010"): "INFO", code(400, "30010"): "INFO"} {
		synctest.Test(t, func(t *testing.T) {
			var l levels
			r := newRetrier(t, retry.Config{Policies: steady(t, policy.Table{}), OnEvent: retry.LogEvents(slog.New(&l)), OnCall: retry.LogCalls(slog.New(&l))})
			p := &payment{sends: []error{answered}, looks: []found{absent}}
			_, err := retry.DoOnce(t.Context(), r, p.operation())
			require.Equal(t, classify.NotApplied, asError(t, err).Effect)
			require.Equal(t, []string{level, level}, l.seen[len(l.seen)-2:], answered)
		})
	}
}

// What an event says of a call's effect is what its error says, where nothing may be sent
// again without proof too. With an unknown outcome only the doubt has advice.
func TestEffectAndAdviceOfTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var last retry.Event
		r := newRetrier(t, retry.Config{Policies: steady(t, policy.Table{}), OnEvent: func(_ context.Context, e retry.Event) { last = e }})
		e := asError(t, retry.Do(t.Context(), r, always(code(409, "30010")), retry.Resend(retry.ResendOnProof)))
		require.Equal(t, retry.EventGaveUp, last.Kind)
		require.Equal(t, classify.Unknown, e.Effect)
		require.Equal(t, e.Effect, last.Effect)

		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		p := &payment{sends: []error{code(409, "30010")}, looks: []found{absent}}
		_, err := retry.DoOnce(ctx, r, p.operation())
		e = asError(t, err)
		require.ErrorIs(t, err, retry.ErrOutcomeUnknown)
		require.Empty(t, e.Advice)
		require.Contains(t, e.Error(), "action: look the ID up")
	})
}

// Each call has one line, at its end.
func TestLogCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		r := newRetrier(t, retry.Config{
			Key: "main", Policies: steady(t, policy.Table{Default: policy.Policy{MaxAttempts: 2}}),
			OnCall: retry.LogCalls(slog.New(slog.NewJSONHandler(&log, nil))),
		})
		require.NoError(t, retry.Do(t.Context(), r, taking(play().op), retry.Named("balance"), retry.Endpoint("accounts")))
		require.Error(t, retry.Do(t.Context(), r, taking(always(code(500, "-32603")))))
		_, err := retry.DoOnce(t.Context(), r, retry.Operation[int]{ID: "inv-7", Send: answer})
		require.NoError(t, err)
		var lines []map[string]any
		for line := range strings.Lines(log.String()) {
			var fields map[string]any
			require.NoError(t, json.Unmarshal([]byte(line), &fields))
			delete(fields, "time")
			lines = append(lines, fields)
		}
		second := float64(time.Second)
		require.Equal(t, []map[string]any{
			{
				"level": "INFO", "msg": "retry: call", "name": "balance", "endpoint": "accounts", "key": "main", "reason": "success",
				"attempts": 1.0, "took": second / 10, "waited": 0.0, "cost": 0.0,
			},
			{
				"level": "WARN", "msg": "retry: call", "key": "main", "reason": "attempts", "class": "retryable", "rule": "Internal error",
				"effect": "unknown", "attempts": 2.0, "took": 1.2 * second, "waited": second, "cost": 10.0, "trace": "5f2c",
			},
			{
				"level": "INFO", "msg": "retry: call", "key": "main", "id": "inv-7", "reason": "success", "attempts": 1.0, "took": 0.0,
				"waited": 0.0, "cost": 0.0, "outcome": "applied",
			},
		}, lines)
	})
}

// Nil logs to the default logger of the moment.
func TestLogCallsDefaults(t *testing.T) {
	defer slog.SetDefault(slog.Default())
	var log bytes.Buffer
	observe := retry.LogCalls(nil)
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	observe(t.Context(), retry.Call{Reason: "open", Failed: true, Fallback: true})
	require.Contains(t, log.String(), `level=WARN msg="retry: call" reason=open effect=unknown attempts=0 took=0s waited=0s cost=0 fallback=true`)
	slog.Warn("x", "call", retry.Call{Reason: "unclassified", Failed: true})
	require.Contains(t, log.String(), "call.reason=unclassified call.class=unclassified")
}

// A level that is off costs nothing.
func TestLogCallsAllocatesNothingWhereItIsOff(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	off := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{Level: slog.LevelWarn}))
	r := newRetrier(t, retry.Config{
		Policies: steady(t, policy.Table{AttemptTimeout: policy.None}), OnCall: retry.LogCalls(off), OnEvent: retry.LogEvents(off),
	})
	op := func(context.Context) error { return nil }
	require.Zero(t, testing.AllocsPerRun(1000, func() { _ = retry.Do(context.Background(), r, op) }))
}

// A journal that stores JSON reads what it has written.
func TestEntryStatesAreWords(t *testing.T) {
	for _, s := range []retry.EntryState{retry.EntryOpen, retry.EntryApplied, retry.EntryNotApplied} {
		text, err := json.Marshal(retry.Entry{ID: "inv-7", State: s})
		require.NoError(t, err)
		require.Contains(t, string(text), `"State":"`+s.String()+`"`)
		var e retry.Entry
		require.NoError(t, json.Unmarshal(text, &e))
		require.Equal(t, s, e.State)
	}
	var s retry.EntryState
	err := s.UnmarshalText([]byte("4711"))
	require.Error(t, err)
	require.NotContains(t, err.Error(), "4711")
}
