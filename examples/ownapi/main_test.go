package main

import (
	"bytes"
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestStory(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), &out), "%s", &out)
	for _, told := range []string{
		"ledger_busy ledger busy", "and then it is not: 3 requests", "it is looked up, not made again: 2 requests",
		`circuit breaker "papaya" is open: end_of_day end of day`, `API key "console token" is locked out by code token_revoked`,
		"Everything went as told.",
	} {
		require.Contains(t, out.String(), told)
	}
}

// A story that goes another way is an error, not a shrug.
func TestStoryThatGoesWrong(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorContains(t, run(ctx, new(bytes.Buffer)), "not as told")
}
