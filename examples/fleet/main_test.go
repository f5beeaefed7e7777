package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/examples/internal/programtest"
	"github.com/nexpay-go/resilience/internal/servertest"
	"github.com/nexpay-go/resilience/internal/wallclock"
)

// chaos is how long TestChaos runs on each store; zero skips it.
var chaos = flag.Duration("chaos", 0, "for how long TestChaos runs on each store, such as 30s; 60s or more pays all 300 invoices besides")

// The servers of all tests.
var (
	postgres    = servertest.NewPostgres()
	redisServer = servertest.NewRedis()
)

// The workers are processes of this test binary.
func TestMain(m *testing.M) {
	for variable, life := range map[string]func(context.Context, string, io.Writer) int{taskVariable: work, callerVariable: call} {
		if task := os.Getenv(variable); task != "" {
			ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
			setClock(task)
			code := life(ctx, task, os.Stderr)
			stop()
			os.Exit(code)
		}
	}
	code := m.Run()
	for _, s := range []interface{ Stop() error }{postgres, redisServer} {
		if err := s.Stop(); err != nil {
			fmt.Println(err)
			code = 1
		}
	}
	os.Exit(code)
}

// ahead is how far the clock of one of the four processes is ahead.
const ahead = 8 * time.Second

func setClock(task string) {
	if t, err := readTask(task); err == nil && strings.HasPrefix(t.Name, "worker-4") {
		wallclock.Wrong = func() time.Time { return time.Now().Add(ahead) }
	}
}

// One process is killed, one is stopped and one has a clock that is ahead: every invoice is
// paid once, and nothing is left open. TestChaos does the same on PostgreSQL and Redis.
func TestFleet(t *testing.T) {
	var out, log strings.Builder
	args := []string{"-invoices", "60", "-keys", "8", "-ttl", "500ms"}
	require.Zero(t, run(t.Context(), args, &out, &log), "%s%s", &out, &log)
	for _, want := range []string{"worker-2 is killed", "worker-3 is stopped for 1s", "worker-3 goes on", "60 of 60"} {
		require.Contains(t, out.String(), want)
	}
}

func TestMistakes(t *testing.T) {
	programtest.Mistakes(t, func(args []string, out, log io.Writer) int { return run(t.Context(), args, out, log) }, map[string]string{
		"-invoices 0": "must be at least 1",
		"-keys 1001":  "must be at least 1",
		"-ttl 1ms":    "ttl at least 100ms",
	})
}
