package story_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// Whatever encodes what this module tells, its states, classes and kinds are words.
func TestLogsHaveWords(t *testing.T) {
	verdict := classify.Verdict{Class: classify.FixAndResend, Effect: classify.NotApplied, Code: "30010", Status: 400}
	failed := &retry.Error{Reason: retry.ErrFixAndResend, Verdict: verdict, Effect: classify.NotApplied, Attempts: 1}
	for _, tt := range []struct {
		name  string
		value any
		words []string // in each encoding
		json  []string // by encoding/json
	}{
		{"state change", breaker.StateChange{From: breaker.HalfOpen, To: breaker.Closed, RetryIn: time.Second},
			[]string{"half-open", "closed"}, []string{`"From":"half-open"`, `"To":"closed"`, `"RetryIn":1000000000`}},
		{"breaker", breaker.Stats{State: breaker.Open}, []string{"open"}, []string{`"State":"open"`}},
		{"outcome", breaker.Trip, []string{"trip"}, []string{`"trip"`}},
		{"lockout", breaker.LockoutChange{Key: "main", Locked: true, Cause: breaker.LockCause{Code: "100"}},
			[]string{"main", "100"}, []string{`"Locked":true`, `"Code":"100"`}},
		{"verdict", verdict, []string{"fix-and-resend", "not applied"}, []string{`"Class":"fix-and-resend"`, `"Effect":"not applied"`}},
		{"event", retry.Event{Kind: retry.EventGaveUp, Verdict: verdict, Attempts: 1, Effect: classify.NotApplied, Error: "x", Err: failed},
			[]string{"gave up", "fix-and-resend", "not applied"}, []string{`"Kind":"gave up"`, `"Err":"retry: the request`, `"Outcome":"undecided"`}},
		{"call", retry.Call{Reason: "fatal", Failed: true, Class: classify.Fatal, Effect: classify.NotApplied},
			[]string{"fatal", "not applied"}, []string{`"Class":"fatal"`, `"Effect":"not applied"`}},
		{"attempt", retry.Attempt{Number: 1, Verdict: verdict}, []string{"fix-and-resend"}, []string{`"Class":"fix-and-resend"`}},
		{"retrier", retry.Stats{Ended: map[string]int64{"success": 1}}, []string{"success"}, []string{`"success":1`}},
		{"policy", policy.Policy{Breaker: policy.Trip, Backoff: policy.Backoff{Jitter: policy.JitterEqual}},
			[]string{"trip", "equal"}, []string{`"Breaker":"trip"`, `"Jitter":"equal"`}},
		{"entry", retry.Entry{ID: "inv-7", State: retry.EntryNotApplied}, []string{"not applied"}, []string{`"State":"not applied"`}},
		{"lane", nonce.Event{Kind: nonce.EventHighWater, Key: "main", Err: errors.New("disk full")},
			[]string{"high-water file", "main"}, []string{`"Kind":"high-water file"`}},
		{"map", map[classify.Class]int{classify.Resync: 1}, []string{"resync"}, []string{`{"resync":1}`}},
		{"small ones", []any{retry.ResendNever, retry.NoRefund, classify.Absent}, []string{"never", "no refund", "absent"},
			[]string{`["never","no refund","absent"]`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text, err := json.Marshal(tt.value)
			require.NoError(t, err)
			for _, word := range slices.Concat(tt.words, tt.json) {
				require.Contains(t, string(text), word)
			}
			var log bytes.Buffer
			for _, h := range []slog.Handler{slog.NewJSONHandler(&log, nil), slog.NewTextHandler(&log, nil)} {
				log.Reset()
				slog.New(h).Info("x", "value", tt.value)
				for _, word := range tt.words {
					require.Contains(t, log.String(), word)
				}
				require.NotContains(t, log.String(), "!ERROR")
			}
		})
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "event", nonce.Event{Kind: nonce.EventHighWater, Err: errors.New("disk full")})
	require.Contains(t, log.String(), `"error":"disk full"`, "encoding/json writes {} for an error")
}
