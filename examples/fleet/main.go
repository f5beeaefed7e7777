// Fleet runs four worker processes that share sixteen API keys and pay 300 invoices, each
// of them once. Meanwhile one worker is killed and another one is stopped for a while. The
// leases on the keys, the journal of payments and the switchboard are in one database.
//
//	go run ./examples/fleet                                  # SQLite, offline
//	go run ./examples/fleet -postgres "host=/tmp user=me"    # PostgreSQL
//	go run ./examples/fleet -redis 127.0.0.1:6379            # the leases in Redis
//
// The bank is a test server on loopback that loses or delays the answers to 18 % of the
// requests. It records what was paid, how often, and which nonces came too late.
//
// It exits with 0 if every invoice was paid once and nothing is left open, with 1 if not,
// and with 2 if it could not start.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/nexpay-go/resilience/examples/internal/program"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if task := os.Getenv(taskVariable); task != "" {
		os.Exit(work(ctx, task, os.Stderr))
	}
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, out, log io.Writer) int {
	o, err := parse(args, log)
	if err == nil {
		err = show(ctx, o, out, log)
	}
	return program.ExitCode("fleet", log, err)
}

// options are the flags.
type options struct {
	postgres, redis         string
	invoices, workers, keys int
	ttl                     time.Duration
	kill, stop              bool
}

func parse(args []string, log io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("fleet", flag.ContinueOnError)
	flags.SetOutput(log)
	flags.StringVar(&o.postgres, "postgres", "", "`DSN` of a PostgreSQL to use instead of SQLite; tables fleet_* are made in it")
	flags.StringVar(&o.redis, "redis", "", "`address` of a Redis to keep the leases in")
	flags.IntVar(&o.invoices, "invoices", 300, "to be paid")
	flags.IntVar(&o.workers, "workers", 4, "processes")
	flags.IntVar(&o.keys, "keys", 16, "API keys")
	flags.DurationVar(&o.ttl, "ttl", 2*time.Second, "for how long a process keeps a key without a word from it")
	flags.BoolVar(&o.kill, "kill", true, "kill one worker in the middle")
	flags.BoolVar(&o.stop, "stop", true, "stop one worker for twice the TTL")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if o.invoices < 1 || o.workers < 1 || o.keys < 1 || o.keys > 1000 || o.ttl < 100*time.Millisecond || flags.NArg() > 0 {
		return o, errors.New("invoices, workers and keys must be at least 1, ttl at least 100ms, and there are no arguments")
	}
	return o, nil
}

// show runs the fleet and prints the result.
func show(ctx context.Context, o options, out, log io.Writer) error {
	folder, err := os.MkdirTemp("", "fleet")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	s, err := openSite(o)
	if err != nil {
		return err
	}
	defer s.close()
	t := task{
		Bank: s.url, Queue: s.queue.url, Keys: o.keys, TTL: o.ttl, Redis: o.redis,
		Postgres: o.postgres, SQLite: filepath.Join(folder, "fleet.db"), Prefix: fmt.Sprintf("fleet_%d", os.Getpid()),
	}
	d, err := openDatabase(ctx, &t)
	if err != nil {
		return err
	}
	defer d.drop()
	began := time.Now()
	p := newProgress(out, o.invoices)
	s.queue.progress = p
	f := &fleet{options: o, task: t, queue: s.queue, log: log, printf: p.Printf}
	err = f.run(ctx)
	p.Stop()
	if err != nil {
		return err
	}
	open, err := d.open(ctx)
	if err != nil {
		return err
	}
	return report{out, o, s, f, open, time.Since(began)}.print()
}
