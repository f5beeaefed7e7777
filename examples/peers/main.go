// Peers compares the cost of a call with this library and with others: a call that
// succeeds, fails once, fails for good, or finds the breaker open. All are the published
// packages. They take turns in one process, so that a busy machine slows all of them
// down alike. What counts is the ratios.
//
//	go run ./examples/peers
//	go run ./examples/peers -markdown   # what docs/performance.md shows
//	go test -run '^$' -bench . -count 10 ./examples/peers | benchstat -
//
// It exits with 0 whatever the figures are: times vary too much between runs and machines
// for a verdict. Tests check the allocations.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/nexpay-go/resilience/examples/internal/program"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, out, log io.Writer) int {
	o, err := parse(args, log)
	if err == nil {
		err = measure(o, out)
	}
	return program.ExitCode("peers", log, err)
}

// options are the flags.
type options struct {
	rounds   int
	each     time.Duration
	markdown bool
}

func parse(args []string, log io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("peers", flag.ContinueOnError)
	flags.SetOutput(log)
	flags.IntVar(&o.rounds, "rounds", 11, "how often each is measured; the median counts")
	flags.DurationVar(&o.each, "each", 100*time.Millisecond, "how long one measurement takes")
	flags.BoolVar(&o.markdown, "markdown", false, "print the tables as Markdown")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if o.rounds < 1 || o.rounds > 1000 || o.each < time.Millisecond || flags.NArg() > 0 {
		return o, errors.New("rounds must be from 1 to 1000, each at least 1ms, and there are no arguments")
	}
	return o, nil
}

// measure runs every case and prints the results.
func measure(o options, out io.Writer) error {
	testing.Init()
	if err := flag.Set("test.benchtime", o.each.String()); err != nil {
		return err
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for _, c := range benchmarks() {
		results, err := c.measure(o.rounds)
		if err != nil {
			return err
		}
		report{out, o.markdown}.print(c, results)
	}
	return nil
}

// measure measures the ways in turn, round after round.
func (c benchmark) measure(rounds int) ([]result, error) {
	results := make([]result, len(c.ways))
	for range rounds {
		for i, w := range c.ways {
			r := testing.Benchmark(c.loop(w))
			if r.N == 0 {
				return nil, fmt.Errorf("%s: %s did not do what the case is about", c.name, w.name)
			}
			results[i].add(r)
		}
	}
	return results, nil
}
