// Growth measures what an operation costs beside ten others of its kind and beside
// ten thousand: waiters of a lane, keys of a pool, endpoints of a group, rules, locked
// keys, entries of a journal. Both sizes take turns in one process, so that a busy
// machine troubles them alike; what counts is the ratio. Next to it stands that of the
// least that plain Go needs for the same, a map or a channel: what the processor's
// caches add to ten thousand of anything.
//
//	go run ./examples/growth
//	go run ./examples/growth -markdown            # what docs/performance.md shows
//	go run ./examples/growth -only pool -rounds 101
//	go run ./examples/growth -recover 100000      # and what retry.RecoverEach takes
//
// It exits with 0 whatever the figures are: no machine is quiet enough for a verdict by
// the clock.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/nexpay-go/resilience/examples/internal/program"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, out, log io.Writer) int {
	o, err := parse(args, log)
	switch {
	case err == nil && o.recover > 0:
		err = recoverMany(o, out)
	case err == nil:
		err = measure(o, out)
	}
	return program.ExitCode("growth", log, err)
}

// options are the flags.
type options struct {
	rounds    int
	each      time.Duration
	only      string
	few, many int
	markdown  bool
	recover   int
	settle    time.Duration
}

func parse(args []string, log io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("growth", flag.ContinueOnError)
	flags.SetOutput(log)
	flags.IntVar(&o.rounds, "rounds", 31, "how often each is measured; the median counts")
	flags.DurationVar(&o.each, "each", 10*time.Millisecond, "how long one measurement takes")
	flags.StringVar(&o.only, "only", "", "measure those whose name contains this")
	flags.IntVar(&o.few, "few", 10, "the small number")
	flags.IntVar(&o.many, "many", 10_000, "the large number")
	flags.BoolVar(&o.markdown, "markdown", false, "print the table as Markdown")
	flags.IntVar(&o.recover, "recover", 0, "instead: recover so many open entries of a boltjournal")
	flags.DurationVar(&o.settle, "settle", 5*time.Second, "with -recover: Settle of the operations")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	switch {
	case o.rounds < 1 || o.rounds > 1000 || o.each < time.Millisecond || flags.NArg() > 0:
		return o, errors.New("rounds must be from 1 to 1000, each at least 1ms, and there are no arguments")
	case o.few < 2 || o.many < o.few || o.many > 100_000:
		return o, errors.New("few must be at least 2, and many from there to 100,000")
	case o.recover < 0 || o.recover > 1_000_000 || o.settle < time.Second:
		return o, errors.New("recover must be from 1 to 1,000,000, and settle at least 1s")
	}
	return o, nil
}

// measure runs every case and prints what it comes to.
func measure(o options, out io.Writer) error {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	p := report{out, o}
	p.head()
	for _, c := range cases() {
		if !strings.Contains(c.name, o.only) {
			continue
		}
		results, err := c.measure(o)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		p.row(c, results)
	}
	return nil
}
