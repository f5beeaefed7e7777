package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/examples/internal/programtest"
	"github.com/nexpay-go/resilience/nexpay"
	"github.com/nexpay-go/resilience/nexpay/nexpaytest"
)

var killed = flag.Int("killed", 24, "number of invoices of TestKilledAtRandom")

// The worker, a process that pays at a bank with faults, is killed at random moments and
// started again until it is done. Every invoice is executed exactly once, and no line that
// it printed is wrong.
func TestKilledAtRandom(t *testing.T) {
	t.Parallel()
	const attempt = 100 * time.Millisecond
	invoices, mostKills := *killed, 5+*killed/20
	bank, credentials := nexpaytest.NewKeyed()
	defer bank.Close()
	url, err := bank.Start()
	require.NoError(t, err)
	misbehave(bank, attempt)

	folder := t.TempDir()
	list := filepath.Join(folder, "invoices.csv")
	require.NoError(t, os.WriteFile(list, []byte(made(invoices)), 0o600))
	run := process{
		args: []string{"-invoices", list, "-journal", filepath.Join(folder, "journal.db"), "-attempt", attempt.String(), "-settle", "250ms", "-workers", "16"},
		env:  environment(url, credentials),
	}

	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	var printed []statement
	kills := 0
	for n := 0; ; n++ {
		require.LessOrEqual(t, n, mostKills+5, "it does not end")
		life := time.Duration(50+random.IntN(800)) * time.Millisecond
		if n >= mostKills { // enough time for the rest, on any machine
			life = 2 * time.Minute
		}
		exit, lines := run.once(t, life)
		printed = append(printed, lines...)
		if exit == 0 {
			break
		}
		t.Logf("run %d: exit %d after at most %v, %d statements", n, exit, life, len(lines))
		if exit < 0 {
			kills++
		}
	}
	t.Logf("%d kills, %d statements", kills, len(printed))
	require.Greater(t, kills, 2, "nothing was tested")

	when := map[string]time.Time{}
	for _, p := range bank.Payments() {
		require.NotContains(t, when, p.ExternalID, "executed twice")
		when[p.ExternalID] = p.Created
	}
	require.Len(t, when, invoices)
	for _, s := range printed {
		switch executed, ok := when[s.id]; s.state {
		case paid:
			require.True(t, ok, "%s was never executed", s.id)
		case notPaid:
			require.True(t, executed.After(s.read), "%s was executed at %v, before %q was read at %v", s.id, executed, s.line, s.read)
		}
	}
}

// environment returns the variables of a worker for the bank.
func environment(url string, c nexpay.Credentials) []string {
	return []string{"NEXPAY_URL=" + url, "NEXPAY_API_KEY=" + c.Key, "NEXPAY_SECRET=" + c.Secret, "NEXPAY_PAYMENT_SECRET=" + c.PaymentSecret}
}

func made(n int) string {
	var b strings.Builder
	fmt.Fprintln(&b, strings.Join(columns, ","))
	for i := range n {
		fmt.Fprintf(&b, "inv-%03d,2026-03-02T09:00:00Z,%d.50,Anna,LT110000000000000%03d,invoice %d\n", i, 10+i, i, i)
	}
	return b.String()
}

// A statement is a line that a worker printed about an invoice.
type statement struct {
	state state
	id    string
	line  string
	read  time.Time
}

// A process is how a worker is started.
type process struct{ args, env []string }

// once runs the worker and kills it after the given time, if it still runs. It returns
// the exit code, -1 if it was killed, and the statements in whole lines.
func (p process) once(t *testing.T, life time.Duration) (exit int, printed []statement) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), life)
	defer cancel()
	cmd := programtest.Command(ctx, p.args...) // killed when ctx ends
	cmd.Env = append(cmd.Env, p.env...)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	require.NoError(t, cmd.Start())
	var reading sync.WaitGroup
	reading.Go(func() { printed = statements(out) })
	reading.Wait()
	_ = cmd.Wait()
	exit = cmd.ProcessState.ExitCode()
	require.NotEqual(t, 2, exit, "%s", &stderr)
	return exit, printed
}

func statements(out io.Reader) (found []statement) {
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return found // the end, or a line that was cut by the kill
		}
		for _, s := range []state{paid, notPaid, unknown} {
			if rest, ok := strings.CutPrefix(line, string(s)+" inv-"); ok {
				id, _, _ := strings.Cut("inv-"+rest, ":")
				found = append(found, statement{s, id, strings.TrimSpace(line), time.Now()})
				break
			}
		}
	}
}
