package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// asProgram makes the test's own binary the program, to be started as a process.
const asProgram = "LANES_TEST_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		os.Args = append(os.Args[:1], strings.Fields(os.Getenv(asProgram))...)
		main()
	}
	os.Exit(m.Run())
}

// program starts the program and returns all that it prints, and its exit code.
func program(t *testing.T, args string) (out, log string, code int) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), asProgram+"="+args)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	require.NotNil(t, cmd.ProcessState, "%v", err)
	return stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()
}

// Outside a test the program has virtual time as well, prints the same, and adds
// nothing of package testing's.
func TestProgram(t *testing.T) {
	var here, complaints bytes.Buffer
	require.Zero(t, run(t, []string{"-seconds", "10"}, &here, &complaints), "%s%s", &here, &complaints)
	require.Empty(t, complaints.String())
	there, log, code := program(t, "-seconds 10")
	require.Equal(t, here.String(), there)
	require.Empty(t, log)
	require.Zero(t, code)
	require.Contains(t, there, "│ Adaptive ")
	require.NotContains(t, there, "MISSED")
}

func TestBadInput(t *testing.T) {
	for args, want := range map[string]string{
		"-seconds 0":            "seconds must be at least 1",
		"-seconds 1 more":       "there are no arguments",
		"-seed -1":              "invalid value",
		"-test.v":               "flag provided but not defined",
		"-seconds 1 -svg /no/x": "no such file or directory",
	} {
		_, log, code := program(t, args)
		require.Equal(t, 2, code, args)
		require.Contains(t, log, want, args)
	}
	_, log, code := program(t, "-h")
	require.Zero(t, code)
	require.Contains(t, log, "-markdown")
}

// The page shows what the program prints, to the letter.
func TestThePageIsWhatTheProgramPrints(t *testing.T) {
	page, err := os.ReadFile("../../docs/nonces.md")
	require.NoError(t, err)
	chart, err := os.ReadFile("../../docs/nonces.svg")
	require.NoError(t, err)

	var out, log bytes.Buffer
	svg := filepath.Join(t.TempDir(), "nonces.svg")
	require.Zero(t, run(t, []string{"-markdown", "-svg", svg}, &out, &log), "%s%s", &out, &log)
	for part := range strings.SplitSeq(strings.TrimSpace(out.String()), "\n\n") {
		require.True(t, strings.Contains(string(page), "\n"+part+"\n"), "the page does not show this:\n%s", part)
	}
	drawn, err := os.ReadFile(svg)
	require.NoError(t, err)
	require.True(t, string(chart) == string(drawn), "docs/nonces.svg shows something else; draw it anew")
}

// Any seed will do. The one-at-a-time goal is a matter of a few per cent, so that the lane has to be measured long enough.
func TestGoalsAreReachedWithAnySeed(t *testing.T) {
	for seed := range uint64(2) {
		measured := map[string]figures{}
		for _, c := range cases {
			measured[c.name] = c.measure(t, 1000+seed, 30*time.Second)
		}
		for _, g := range judge(measured, twoProcesses(t, 1000+seed)) {
			require.True(t, g.reached, "seed %d: %s: %s", 1000+seed, g.what, g.got)
		}
	}
}
