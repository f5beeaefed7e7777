package main

import (
	"context"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The workers are processes of this test binary.
func TestMain(m *testing.M) {
	if task := os.Getenv(taskVariable); task != "" {
		os.Exit(work(context.Background(), task, os.Stderr))
	}
	os.Exit(m.Run())
}

// One killed, one stopped: every invoice is paid once, and nothing is left open.
// FLEET_POSTGRES and FLEET_REDIS name servers to run it on besides.
func TestFleet(t *testing.T) {
	for name, args := range map[string][]string{
		"SQLite":     nil,
		"PostgreSQL": {"-postgres", os.Getenv("FLEET_POSTGRES")},
		"Redis":      {"-postgres", os.Getenv("FLEET_POSTGRES"), "-redis", os.Getenv("FLEET_REDIS")},
	} {
		t.Run(name, func(t *testing.T) {
			for _, a := range args {
				if a == "" {
					t.Skip("set FLEET_POSTGRES, and for Redis FLEET_REDIS, to run it there: see docs/fleet.md")
				}
			}
			var out, log strings.Builder
			args = append(args, "-invoices", "60", "-keys", "8", "-ttl", "500ms")
			require.Zero(t, run(t.Context(), args, &out, &log), "%s%s", &out, &log)
			for _, said := range []string{"worker-2 is killed", "worker-3 is stopped for 1s", "worker-3 goes on", "60 of 60"} {
				require.Contains(t, out.String(), said)
			}
		})
	}
}

func TestMistakes(t *testing.T) {
	for _, args := range [][]string{{"-invoices", "0"}, {"-ttl", "1ms"}, {"what"}, {"-what"}} {
		var log strings.Builder
		require.Equal(t, 2, run(t.Context(), args, io.Discard, &log), args)
		require.NotEmpty(t, log.String())
	}
	require.Zero(t, run(t.Context(), []string{"-h"}, io.Discard, io.Discard))
}
