package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestStory(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, tell(t.Context(), &out), "%s", &out)
	for _, told := range []string{"402 card_declined", "the answer kept under the key", "409 key_in_progress", "through after 4 requests", "no card was charged twice"} {
		require.Contains(t, out.String(), told)
	}
}

// A story that goes another way is an error, not a shrug.
func TestStoryThatGoesWrong(t *testing.T) {
	var out bytes.Buffer
	before := scenes
	defer func() { scenes = before }()
	scenes = []scene{scenes[1]}
	scenes[0].requests = 1
	require.ErrorContains(t, tell(t.Context(), &out), "scene 1 is not as told: 2 requests and 1 charges, not 1 and 1")
}
