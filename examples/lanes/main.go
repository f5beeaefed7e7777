// Lanes measures what a strictly rising nonce per API key costs, and what
// package nonce makes of it: many callers, one key or several, and a network on
// which requests overtake each other. It runs the library as it is, in virtual
// time: minutes of traffic take seconds.
//
//	go run ./examples/lanes
//	go run ./examples/lanes -markdown -svg docs/nonces.svg   # what docs/nonces.md shows
//
// The same -seed and -seconds print the same figures every time.
//
// It exits with 0 if every goal is reached, with 1 if one is missed, and with 2
// if it could not begin.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"testing"
	"time"
)

func main() {
	inVirtualTime(func(t *testing.T) int { return run(t, os.Args[1:], os.Stdout, os.Stderr) })
}

func run(t *testing.T, args []string, out, log io.Writer) int {
	o, err := parse(args, log)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	missed := 0
	if err == nil {
		missed, err = measure(t, o, out)
	}
	switch {
	case err != nil:
		fmt.Fprintln(log, "lanes:", err)
		return 2
	case missed > 0:
		return 1
	}
	return 0
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

// measure runs every case and returns how many goals were missed.
func measure(t *testing.T, o options, out io.Writer) (missed int, err error) {
	measured := map[string]figures{}
	for _, c := range cases {
		measured[c.name] = c.measure(t, o.seed, o.length)
	}
	processes := twoProcesses(t, o.seed)
	goals := judge(measured, processes)
	report{out, o.markdown}.print(measured, processes, goals)
	for _, g := range goals {
		if !g.reached {
			missed++
		}
	}
	if o.svg != "" {
		err = drawChart(o.svg, measured)
	}
	return missed, err
}
