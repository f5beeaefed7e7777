// Payout is a small payout worker as a team would write one: it pays invoices from a
// CSV file, each exactly once even if it is killed and restarted, and reports the
// true result for each.
//
//	go run ./examples/payout                        # offline, against a bank that fails at random
//	go run ./examples/payout -invoices mine.csv -journal payouts.db
//
// If NEXPAY_URL, NEXPAY_API_KEY, NEXPAY_SECRET and NEXPAY_PAYMENT_SECRET are set, it
// pays for real. After a crash, start it again: the journal has what was paid and
// what is in doubt.
//
// It exits with 0 if every invoice is paid, with 1 if one is not paid or its outcome
// is unknown, and with 2 if it could not start.
package main

import (
	"context"
	"errors"
	"flag"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/nexpay-go/resilience/examples/internal/program"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr, os.Getenv))
}

func run(ctx context.Context, args []string, out, log io.Writer, getenv func(string) string) int {
	o, err := parse(args, log)
	if err == nil {
		err = work(ctx, o, out, log, getenv)
	}
	return program.ExitCode("payout", log, err)
}

// options are the flags.
type options struct {
	invoices string
	journal  string
	workers  int
	settle   time.Duration
	attempt  time.Duration
}

func parse(args []string, log io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("payout", flag.ContinueOnError)
	flags.SetOutput(log)
	flags.StringVar(&o.invoices, "invoices", "", "CSV `file`: "+strings.Join(columns, ",")+" (default: 60 made-up ones)")
	flags.StringVar(&o.journal, "journal", "", "`file` of the journal (default: one that is deleted at the end)")
	flags.IntVar(&o.workers, "workers", 8, "invoices paid at the same time")
	flags.DurationVar(&o.settle, "settle", 0, "how long a payment may take to be seen by a lookup (default 40s; offline 1s)")
	flags.DurationVar(&o.attempt, "attempt", 0, "how long to wait for one answer (default 10s; offline 300ms)")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if o.workers < 1 || o.settle < 0 || o.attempt < 0 || flags.NArg() > 0 {
		return o, errors.New("workers must be at least 1, durations not negative, and there are no arguments")
	}
	return o, nil
}

// work pays the invoices. It returns program.ErrResult if not every one is paid.
func work(ctx context.Context, o options, out, log io.Writer, getenv func(string) string) error {
	invoices, err := load(o.invoices)
	if err != nil {
		return err
	}
	site, err := connect(&o, getenv)
	if err != nil {
		return err
	}
	defer site.close()
	if o.journal == "" {
		folder, err := os.MkdirTemp("", "payout")
		if err != nil {
			return err
		}
		defer os.RemoveAll(folder)
		o.journal = filepath.Join(folder, "journal.db")
	}
	w, err := newWorker(o, site, log)
	if err != nil {
		return err
	}
	defer w.close()
	results, err := w.payAll(ctx, invoices, newProgress(out, len(invoices)))
	if err != nil {
		return err
	}
	summarize(out, results, site.check)
	for _, r := range results {
		if r.state() != paid {
			return program.ErrResult
		}
	}
	return nil
}
