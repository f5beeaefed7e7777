// Package program has how the programs among the examples end that check or measure
// something: with 0 if all is as it has to be, with 1 if it is not, and with 2 if they
// could not begin.
package program

import (
	"errors"
	"flag"
	"fmt"
	"io"
)

// ErrResult is for a program that has printed its result, and that is not what it has to be.
var ErrResult = errors.New("the result is not what it has to be")

// ExitCode returns the exit code for err, and prints it to log unless that was done
// before: the result of the program, or the usage, by package flag.
func ExitCode(name string, log io.Writer, err error) int {
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.Is(err, ErrResult):
		return 1
	}
	fmt.Fprintf(log, "%s: %v\n", name, err)
	return 2
}
