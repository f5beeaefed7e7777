// Package lab has what the programs share that measure the library in virtual time:
// lanes and storm. It is a module of its own for what it needs to print and to draw.
package lab

import (
	"flag"
	"io"
	"os"
	"testing"
)

// Main runs the program of that name and exits with the code that run returns. The t
// it gets is for [testing/synctest.Test], and with it for virtual time.
//
// The program poses as a test because there is no other way: virtual time is only in
// testing/synctest, which needs a *testing.T, and only package testing can make one.
func Main(name string, run func(t *testing.T, args []string, out, log io.Writer) int) {
	testing.Init()
	_ = flag.CommandLine.Parse(nil) // or package testing would read the program's arguments
	matchAll := func(string, string) (bool, error) { return true, nil }
	testing.Main(matchAll, []testing.InternalTest{{
		Name: name,
		// It exits before package testing prints a verdict. Only if t failed, that is printed.
		F: func(t *testing.T) { os.Exit(run(t, os.Args[1:], os.Stdout, os.Stderr)) },
	}}, nil, nil)
}
