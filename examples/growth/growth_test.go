package main

import (
	"io"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/examples/internal/programtest"
)

// Every case does, among few and among many, what it is to do: the loops panic where an
// operation does not come to its end.
func TestCases(t *testing.T) {
	for _, c := range cases() {
		t.Run(c.name, func(t *testing.T) {
			for _, s := range []subject{c.ours, c.plain} {
				for _, n := range []int{2, 30} {
					if s == nil {
						require.Empty(t, c.least)
						continue
					}
					loop, end, err := s(n)
					require.NoError(t, err)
					for _, times := range []int{1, 3 * n} {
						loop(times)
					}
					end()
				}
			}
		})
	}
}

func TestTable(t *testing.T) {
	for _, args := range [][]string{nil, {"-markdown"}} {
		var out, log strings.Builder
		args = append(args, "-rounds", "1", "-each", "1ms", "-few", "2", "-many", "20")
		require.Zero(t, run(args, &out, &log), log.String())
		require.Empty(t, log.String())
		for _, c := range cases() {
			require.Contains(t, out.String(), c.name)
			require.Contains(t, out.String(), c.least)
		}
	}
}

func TestOnly(t *testing.T) {
	var out strings.Builder
	require.Zero(t, run([]string{"-rounds", "1", "-each", "1ms", "-many", "20", "-only", "rules"}, &out, io.Discard))
	require.Contains(t, out.String(), "rules: ")
	require.NotContains(t, out.String(), "pool: ")
}

func TestRecover(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out, log strings.Builder
		require.Zero(t, run([]string{"-recover", "20"}, &out, &log), log.String())
		require.Contains(t, out.String(), "20 operations")
		require.Contains(t, out.String(), ", 0 failed,")
		require.Equal(t, 10, strings.Count(out.String(), " finished\n"))
	})
}

func TestMistakes(t *testing.T) {
	programtest.Mistakes(t, run, map[string]string{
		"-rounds 0":     "rounds must be from 1 to 1000",
		"-each 1ns":     "each at least 1ms",
		"-few 1":        "few must be at least 2",
		"-many 5":       "many from there to 100,000",
		"-many 1000000": "many from there to 100,000",
		"-recover -1":   "recover must be from 1",
		"-settle 0":     "settle at least 1s",
	})
}

// Three digits or so, whatever the size.
func TestShort(t *testing.T) {
	for ns, want := range map[float64]string{3.14159: "3.1 ns", 42.4: "42 ns", 9999: "9999 ns", 1234567: "1235 µs"} {
		require.Equal(t, want, short(ns))
	}
}
