package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/examples/internal/programtest"
)

func TestMain(m *testing.M) { programtest.Main(m, main) }

// Offline, every invoice has a line and the table counts all of them.
func TestOffline(t *testing.T) {
	t.Parallel()
	var out, log bytes.Buffer
	exit := run(t.Context(), []string{"-workers", "60"}, &out, &log, func(string) string { return "" })
	require.NotEqual(t, 2, exit, "%s", &log)
	for n := range 60 {
		require.Contains(t, out.String(), fmt.Sprintf(" inv-2026-%04d: ", n+1))
	}
	require.Contains(t, out.String(), "│ ALL      │       60 │")
	require.NotContains(t, out.String(), "executed 2 times")
}

// A worker that is stopped reports every invoice truthfully.
func TestStopped(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond) // the work takes some five seconds
	defer cancel()
	var out, log bytes.Buffer
	require.Equal(t, 1, run(ctx, nil, &out, &log, func(string) string { return "" }))
	require.Contains(t, out.String(), "not paid inv-2026-0060: retry: payout: the deadline leaves no time for another attempt")
	require.Regexp(t, `(?m)^  inv-2026-0060: .*\(nothing sent\)\n      \(the bank's ledger, which you would not see: executed 0 times\)$`, out.String())
}

func TestBadInput(t *testing.T) {
	header := strings.Join(columns, ",") + "\n"
	for name, tt := range map[string]struct{ file, want string }{
		"no header":     {"inv-1,2026-03-02T09:00:00Z,1,A,LT1,r\n", "the first line of the invoices has to be id,"},
		"one id twice":  {header + "a,2026-03-02T09:00:00Z,1,b,c,d\na,2026-03-02T09:00:00Z,2,b,c,d\n", "invoice 2 has the id of invoice 1"},
		"a short line":  {header + "a,b\n", "wrong number of fields"},
		"nothing given": {header + ",,,,,\n", "invoice 1: it has no id\nits requestTime is not a time"},
		"no amount":     {header + "a,2026-03-02T09:00:00Z,1,b,c,d\nb,2026-03-02T09:00:00Z,ten,,c,d\n", "invoice 2: nexpay: Order.Amount is not euros"},
		"no name":       {header + "b,2026-03-02T09:00:00Z,ten,,c,d\n", "nexpay: Order.BeneficiaryName is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := read(strings.NewReader(tt.file))
			require.ErrorContains(t, err, tt.want)
		})
	}
	nothing := func(string) string { return "" }
	programtest.Mistakes(t, func(args []string, out, log io.Writer) int { return run(t.Context(), args, out, log, nothing) }, map[string]string{
		"-workers 0":             "workers must be at least 1",
		"-invoices no-such-file": "no-such-file",
	})
	var out, log bytes.Buffer
	require.Equal(t, 2, run(t.Context(), nil, &out, &log, func(name string) string { return map[string]string{"NEXPAY_URL": "x"}[name] }))
	require.Contains(t, log.String(), "NEXPAY_PAYMENT_SECRET are needed too")
}
