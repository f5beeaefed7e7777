// Lanes measures what many callers get out of few API keys: without lanes, as
// people write it today, with one lane, with several requests in flight, and
// with pools of keys. The lanes and the engine are the real ones; the network is
// made up, and so is the time: minutes pass in seconds.
//
//	go run ./examples/lanes                       # a table
//	go run ./examples/lanes -svg docs/nonces.svg  # and a chart
//
// It exits with 1 if what it measures falls short of what docs/nonces.md says.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"
)

func main() {
	measureIfAsked()
	if err := run(os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "lanes:", err)
		os.Exit(1)
	}
}

// options are the flags.
type options struct {
	Seed uint64
	Time time.Duration
	svg  string
}

func run(args []string, out io.Writer) error {
	var o options
	flags := flag.NewFlagSet("lanes", flag.ContinueOnError)
	flags.Uint64Var(&o.Seed, "seed", 1, "of the network's jitter; the same seed, the same figures but for the order of equal instants")
	flags.DurationVar(&o.Time, "time", 2*time.Minute, "virtual time per case")
	flags.StringVar(&o.svg, "svg", "", "`file` to draw a chart into")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if o.Time < 10*time.Second || flags.NArg() > 0 {
		return errors.New("-time must be at least 10s, and there are no arguments")
	}
	results, err := inVirtualTime(o)
	if err != nil {
		return err
	}
	printTable(out, results)
	if o.svg != "" {
		if err := draw(o.svg, results); err != nil {
			return err
		}
	}
	return errors.Join(goals(results)...)
}
