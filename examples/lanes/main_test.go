package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) {
	measureIfAsked()
	os.Exit(m.Run())
}

// The goals are reached, the chart is drawn, and the page names the same cases.
func TestRun(t *testing.T) {
	var out bytes.Buffer
	chart := filepath.Join(t.TempDir(), "chart.svg")
	require.NoError(t, run([]string{"-time", "40s", "-seed", "2", "-svg", chart}, &out), "%s", &out)
	drawn, err := os.ReadFile(chart)
	require.NoError(t, err)
	require.Contains(t, string(drawn), "<svg")
	page, err := os.ReadFile("../../docs/nonces.md")
	require.NoError(t, err)
	for _, k := range kases {
		require.Contains(t, out.String(), "| "+k.name+" |")
		require.Contains(t, string(page), "| "+k.name+" |")
	}
	head, _, _ := strings.Cut(out.String(), "\n")
	require.Contains(t, string(page), head)
}

// What falls short is said.
func TestGoalsBite(t *testing.T) {
	require.Len(t, goals([]result{
		{Name: "InFlight 1", PerSecond: 20, Refused: 0.1, All: 1},
		{Name: "adaptive", PerSecond: 21, Refused: 0.1, All: 1},
		{Name: "16 keys", PerSecond: 200, All: 1},
	}), 5)
}

func TestBadFlags(t *testing.T) {
	require.ErrorContains(t, run([]string{"-time", "1s"}, new(bytes.Buffer)), "at least 10s")
}
