// Storm simulates a fleet of clients whose server fails, and compares ways of retrying:
// how much they send, how much succeeds, and how soon the fleet recovers. It runs the
// real packages, this one and others, in virtual time, so that minutes of a thousand
// clients take seconds.
//
//	go run ./examples/storm
//	go run ./examples/storm -markdown -svg docs   # what docs/storms.md shows
//	go run ./examples/storm -markdown -tried      # and its table of other settings
//
// The -seed fixes when calls are made and which of them fail. The packages have their
// own random jitter, so the last digit of a figure differs from run to run.
//
// It exits with 0 if every goal is reached, with 1 if one is missed, and with 2
// if it could not start.
package main

import (
	"errors"
	"flag"
	"io"
	"runtime/debug"
	"testing"

	"github.com/nexpay-go/resilience/examples/internal/lab"
	"github.com/nexpay-go/resilience/examples/internal/program"
)

func main() { lab.Main("storm", run) }

func run(t *testing.T, args []string, out, log io.Writer) int {
	o, err := parse(args, log)
	if err == nil {
		err = simulate(t, o, out)
	}
	return program.ExitCode("storm", log, err)
}

// options are the flags.
type options struct {
	seed     uint64
	clients  int
	svg      string
	markdown bool
	tried    bool
}

func parse(args []string, log io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("storm", flag.ContinueOnError)
	flags.SetOutput(log)
	flags.Uint64Var(&o.seed, "seed", 1, "of the calls and of what fails at random")
	flags.IntVar(&o.clients, "clients", 1000, "in the fleet, each a process of its own; the server grows with them")
	flags.StringVar(&o.svg, "svg", "", "`folder` to draw the charts in, storms-*.svg")
	flags.BoolVar(&o.markdown, "markdown", false, "print the tables as Markdown")
	flags.BoolVar(&o.tried, "tried", false, "show instead what other settings of the breaker would do")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if o.clients < 10 || o.clients > 10_000 || flags.NArg() > 0 {
		return o, errors.New("clients must be from 10 to 10000, and there are no arguments")
	}
	return o, nil
}

// simulate runs every policy in every case and prints the results. It returns
// program.ErrResult if a goal is missed.
func simulate(t *testing.T, o options, out io.Writer) error {
	debug.SetGCPercent(1000) // a simulation allocates much and keeps little of it
	r := report{lab.Report{Out: out, Markdown: o.markdown}}
	if o.tried {
		r.settings(runAll(t, ofSettings(stepOf(o.clients)), o.seed, o.clients))
		return nil
	}
	results := runAll(t, trials(stepOf(o.clients)), o.seed, o.clients)
	goals := judge(results)
	r.print(results, goals)
	if o.svg != "" {
		if err := drawCharts(o.svg, results); err != nil {
			return err
		}
	}
	return lab.Verdict(goals)
}
