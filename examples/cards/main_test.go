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
		`"The card has insufficient funds." (card_declined, trace req_1)`, "Ask for another card.",
		"the same key again in 40 ms: connection failed, it may have been charged", "409 key_in_progress", "500 internal_error",
		"an earlier process sent it, and the API still knows the key",
		"sends nothing, and says what to do", "it may have happened: the outcome is unknown", "action: look the ID up after", "until then never send it under another ID",
		"looked up: applied", "charges the card AGAIN", "Everything went as described",
	} {
		require.Contains(t, out.String(), want)
	}
	require.NotContains(t, out.String(), "tok_1", "part of the request")
}

// If anything differs from the story, the program fails.
func TestStoryThatGoesWrong(t *testing.T) {
	for want, change := range map[string]func(*scene){
		"the API has seen 2 POST, 0 lookups, 1 charges, not 1 POST, 0 lookups, 1 charges": func(s *scene) { s.want.posts = 1 },
		`the caller got "HTTP 201 {\"id\":\"ch-18\"}", not "ch-19"`:                       func(s *scene) { s.gets = "ch-19" },
		"it should have ended with fatal, not retryable":                                  func(s *scene) { s.err = retry.ErrFatal },
		"it should have ended with <nil>":                                                 func(s *scene) { s.troubles = []trouble{decline} },
	} {
		s := scenes[1]
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
