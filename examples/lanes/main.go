// Lanes measures what it costs that the nonces of an API key must increase, and how
// package nonce reduces that cost: many callers use one key or several, and requests
// overtake each other on the network. It runs the real library in virtual time, so that
// minutes of traffic take seconds.
//
//	go run ./examples/lanes
//	go run ./examples/lanes -markdown -svg docs/nonces.svg   # what docs/nonces.md shows
//
// The same -seed and -seconds print the same figures every time.
//
// It exits with 0 if every goal is reached, with 1 if one is missed, and with 2
// if it could not start.
package main

import (
	"errors"
	"flag"
	"io"
	"testing"
	"time"

	"github.com/nexpay-go/resilience/examples/internal/lab"
	"github.com/nexpay-go/resilience/examples/internal/program"
)

func main() { lab.Main("lanes", run) }

func run(t *testing.T, args []string, out, log io.Writer) int {
	o, err := parse(args, log)
	if err == nil {
		err = measure(t, o, out)
	}
	return program.ExitCode("lanes", log, err)
}

// options are the flags.
type options struct {
	seed     uint64
	length   time.Duration
	svg      string
	markdown bool
}

func parse(args []string, log io.Writer) (options, error) {
	var o options
	var seconds int
	flags := flag.NewFlagSet("lanes", flag.ContinueOnError)
	flags.SetOutput(log)
	flags.Uint64Var(&o.seed, "seed", 1, "of the network's jitter")
	flags.IntVar(&seconds, "seconds", 120, "virtual seconds of traffic for each row of the first table")
	flags.StringVar(&o.svg, "svg", "", "`file` to draw a chart of the first table in")
	flags.BoolVar(&o.markdown, "markdown", false, "print the tables as Markdown")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if seconds < 1 || flags.NArg() > 0 {
		return o, errors.New("seconds must be at least 1, and there are no arguments")
	}
	o.length = time.Duration(seconds) * time.Second
	return o, nil
}

// measure runs every case and prints the results. It returns program.ErrResult if a goal
// is missed.
func measure(t *testing.T, o options, out io.Writer) error {
	measured := map[string]figures{}
	for _, c := range cases {
		measured[c.name] = c.measure(t, o.seed, o.length)
	}
	processes := twoProcesses(t, o.seed)
	goals := judge(measured, processes)
	report{lab.Report{Out: out, Markdown: o.markdown}}.print(measured, processes, goals)
	if o.svg != "" {
		if err := drawChart(o.svg, measured); err != nil {
			return err
		}
	}
	return lab.Verdict(goals)
}
