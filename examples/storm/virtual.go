package main

import (
	"flag"
	"os"
	"testing"
)

// inVirtualTime runs the program as a test runs, and ends it with the exit code
// that it returns. Virtual time is to be had in no other way: it belongs to
// testing/synctest, which wants a *testing.T, and only package testing makes one
// that works.
func inVirtualTime(program func(*testing.T) int) {
	testing.Init()
	_ = flag.CommandLine.Parse(nil) // the arguments are the program's: without this, testing would read them
	everything := func(string, string) (bool, error) { return true, nil }
	testing.Main(everything, []testing.InternalTest{{
		Name: "storm",
		F:    func(t *testing.T) { os.Exit(program(t)) }, // before testing prints its verdict; if t failed, it comes to that
	}}, nil, nil)
}
