package main

import (
	"bytes"
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/retry"
)

func TestStory(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, play(t.Context(), &out, scenes), "%s", &out)
	for _, want := range []string{
		"ledger_busy ledger busy", "503 ledger_busy", "it may have happened, so it is looked up", "looked up: applied",
		"200 end_of_day", "the breaker opens: end_of_day", `circuit breaker "papaya" is open: end_of_day end of day (trace p-1)`,
		`token revoked: nobody sends with "console token" any more`, `API key "console token" is locked out by code token_revoked`,
		"action: Ask for a new token in the console", "Everything went as described.",
	} {
		require.Contains(t, out.String(), want)
	}
}

// If anything differs from the story, the program fails.
func TestStoryThatGoesWrong(t *testing.T) {
	for want, change := range map[string]func(*scene){
		"3 requests and 0 transfers, not 2":       func(s *scene) { s.requests = 2 },
		`it ended with "42.00"`:                   func(s *scene) { s.gets = "43.00" },
		"and <nil>, not with \"42.00\" and fatal": func(s *scene) { s.err = retry.ErrFatal },
		"the request has to be changed: HTTP 400": func(s *scene) { s.failures = []failure{{400, "malformed:amount", "What?"}} },
	} {
		s := scenes[0]
		change(&s)
		var out bytes.Buffer
		err := play(t.Context(), &out, []scene{s})
		require.ErrorContains(t, err, "scene 1 did not go as described")
		require.ErrorContains(t, err, want)
		require.NotContains(t, out.String(), "Everything")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorContains(t, play(ctx, new(bytes.Buffer), scenes), "did not go as described")
}
