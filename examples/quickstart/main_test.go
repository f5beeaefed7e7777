package main

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/nexpay/nexpaytest"
	"github.com/nexpay-go/resilience/retry"
)

func env(values map[string]string) func(string) string {
	return func(name string) string { return values[name] }
}

func TestStory(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), &out, env(nil)), "%s", &out)
	for _, want := range []string{
		"500: -32603 Internal error", "take a newer nonce", "corrected, send again at once",
		"stop: the request has to be changed", "breaker closed → open", "breaker half-open → closed",
		`key "main" is locked out`, "Everything went as described.",
	} {
		require.Contains(t, out.String(), want)
	}
}

// If anything differs from the story, the program fails.
func TestStoryThatGoesWrong(t *testing.T) {
	var out bytes.Buffer
	s, err := newStage(&out)
	require.NoError(t, err)
	defer s.bank.Close()
	s.bank.SetState(s.key, nexpaytest.Deleted)
	require.ErrorIs(t, s.expect(s.status(t.Context()), nil, 0, 3), retry.ErrFatal)
	require.ErrorContains(t, s.nonceTooLow(t.Context()), "0 requests reached the bank, not 2")
	require.Error(t, s.fixable(t.Context()))

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorContains(t, play(ctx, &out), "scene 1 did not go as described")
}

// If the environment is set, the program makes one real call.
func TestRealCall(t *testing.T) {
	bank, credentials := nexpaytest.NewKeyed()
	defer bank.Close()
	url, err := bank.Start()
	require.NoError(t, err)
	values := map[string]string{"NEXPAY_URL": url, "NEXPAY_API_KEY": credentials.Key, "NEXPAY_SECRET": credentials.Secret}

	var out bytes.Buffer
	require.NoError(t, run(t.Context(), &out, env(values)))
	require.True(t, strings.HasPrefix(out.String(), "account status: {"), "%s", &out)
	require.Len(t, bank.Requests(), 1)

	values["NEXPAY_SECRET"] = "wrong"
	err = run(t.Context(), &out, env(values))
	require.ErrorIs(t, err, retry.ErrFatal)
	require.ErrorContains(t, err, "70 Wrong signature")
	require.NotContains(t, out.String(), credentials.Secret)

	delete(values, "NEXPAY_SECRET")
	require.ErrorContains(t, run(t.Context(), &out, env(values)), "NEXPAY_SECRET is not set")
}
