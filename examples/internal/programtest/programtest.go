// Package programtest lets the tests of a program start it as a process. That process
// is the test binary: an environment variable makes it the program.
package programtest

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"testing"
)

const variable = "EXAMPLE_TEST_PROGRAM"

// Main is the TestMain of the program. It runs main or the tests, and does not return.
func Main(m *testing.M, main func()) {
	if os.Getenv(variable) != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// Command returns the command that starts the program with these arguments.
func Command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Env = append(os.Environ(), variable+"=1")
	return cmd
}

// Run runs the program and returns all that it prints, and its exit code.
func Run(t *testing.T, args ...string) (out, log string, code int) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := Command(t.Context(), args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		if _, exited := errors.AsType[*exec.ExitError](err); !exited {
			t.Fatal(err)
		}
	}
	return stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()
}
