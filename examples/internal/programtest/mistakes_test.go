package programtest_test

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/examples/internal/program"
	"github.com/nexpay-go/resilience/examples/internal/programtest"
)

// failures counts what fails.
type failures struct {
	testing.TB
	n int
}

func (f *failures) Errorf(string, ...any) { f.n++ }

func TestMistakes(t *testing.T) {
	run := func(args []string, out, log io.Writer) int {
		flags := flag.NewFlagSet("one", flag.ContinueOnError)
		flags.SetOutput(log)
		n := flags.Int("n", 1, "a number")
		err := flags.Parse(args)
		if err == nil && (*n < 1 || flags.NArg() > 0) {
			err = errors.New("n must be at least 1, and there are no arguments")
		}
		if err == nil {
			fmt.Fprintln(out, *n)
		}
		return program.ExitCode("one", log, err)
	}
	programtest.Mistakes(t, run, map[string]string{"-n 0": "n must be at least 1", "-n x": "invalid value"})

	f := &failures{TB: t}
	programtest.Mistakes(f, run, map[string]string{"-n 0": "what it does not print", "-n 1": ""})
	require.Equal(t, 2, f.n)
}
