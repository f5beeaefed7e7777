package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/examples/internal/lab"
	"github.com/nexpay-go/resilience/examples/internal/programtest"
)

func TestMain(m *testing.M) { programtest.Main(m, main) }

// The page shows exactly what the program prints. The program has virtual time outside
// a test too, and package testing prints nothing.
func TestThePageIsWhatTheProgramPrints(t *testing.T) {
	page, err := os.ReadFile("../../docs/nonces.md")
	require.NoError(t, err)
	chart, err := os.ReadFile("../../docs/nonces.svg")
	require.NoError(t, err)

	svg := filepath.Join(t.TempDir(), "nonces.svg")
	out, log, code := programtest.Run(t, "-markdown", "-svg", svg)
	require.Zero(t, code, "%s%s", out, log)
	require.Empty(t, log)
	parts := strings.Split(strings.TrimSpace(out), "\n\n")
	require.Len(t, parts, 5)
	for _, part := range parts {
		require.True(t, strings.Contains(string(page), "\n"+part+"\n"), "the page does not show this:\n%s", part)
	}
	drawn, err := os.ReadFile(svg)
	require.NoError(t, err)
	require.True(t, string(chart) == string(drawn), "docs/nonces.svg differs; draw it again")
}

func TestMistakes(t *testing.T) {
	programtest.Mistakes(t, func(args []string, out, log io.Writer) int { return run(t, args, out, log) }, map[string]string{
		"-seconds 0": "seconds must be at least 1",
		"-seed -1":   "invalid value",
		"-test.v":    "flag provided but not defined",
	})
	require.ErrorIs(t, drawChart(filepath.Join(t.TempDir(), "no such folder", "a.svg"), nil), os.ErrNotExist)
}

// Goals are reached with any seed. The goal of InFlight 1 is within a few per cent, so
// the measurement must be long enough.
func TestGoalsAreReachedWithAnySeed(t *testing.T) {
	for seed := range uint64(2) {
		measured := map[string]figures{}
		for _, c := range cases {
			measured[c.name] = c.measure(t, 1000+seed, 30*time.Second)
		}
		processes := twoProcesses(t, 1000+seed)
		goals := judge(measured, processes)
		var out bytes.Buffer
		report{lab.Report{Out: &out}}.print(measured, processes, goals)
		require.Contains(t, out.String(), "│ Adaptive ")
		words := strings.Fields(strings.ReplaceAll(out.String(), "│", " ")) // the table breaks lines where it must
		require.Contains(t, strings.Join(words, " "), "give each process a key")
		for _, g := range goals {
			require.True(t, g.Reached, "seed %d: %s: %s", 1000+seed, g.Name, g.Got)
		}
	}
}
