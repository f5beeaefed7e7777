// Nexpolicy explains what the error codes of an API mean and what the library does about
// them. It also checks, compares and draws the files that define them.
//
//	go install github.com/nexpay-go/resilience/cmd/nexpolicy@latest
//	nexpolicy explain 50
//	nexpolicy help
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"runtime/debug"
	"slices"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdin, newScreen(os.Stdout), os.Stderr))
}

// The exit statuses.
const (
	exitFine     = 0
	exitDiffers  = 1 // of lint: a file is invalid; of diff: something differs
	exitMistaken = 2 // the command failed
)

// errDiffers ends a run whose output has said everything.
var errDiffers = errors.New("exit status 1")

func run(ctx context.Context, args []string, in io.Reader, out *screen, errs io.Writer) int {
	root := newRoot(in, out)
	root.SetArgs(behindFlags(args))
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errs)
	switch err := root.ExecuteContext(ctx); {
	case err == nil:
		return exitFine
	case errors.Is(err, errDiffers):
		return exitDiffers
	default:
		fmt.Fprintf(errs, "nexpolicy: %v\n", err)
		return exitMistaken
	}
}

func newRoot(in io.Reader, out *screen) *cobra.Command {
	root := &cobra.Command{
		Use:   "nexpolicy",
		Short: "Explain error codes and what the library does about them",
		Long: `Explain the error codes of an API and what the library does about them.

The default for --file is the Nexpay API.

Exit status: 0 on success, 1 if lint found a mistake or diff a difference, 2 if the
command failed.`,
		Example: `  nexpolicy explain 50
  nexpolicy explain -32603 --status 429
  nexpolicy catalogs
  nexpolicy init policies.yaml
  pbpaste | nexpolicy explain -
  nexpolicy lint policies.yaml
  nexpolicy table --file policies.yaml --format md
  nexpolicy diff nexpay policies.yaml
  nexpolicy schedule -32603 --svg waits.svg`,
		Version:       version(),
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.AddCommand(newExplain(in, out), newLint(out), newTable(out), newDiff(out), newSchedule(out), newCatalogs(out), newInit(out))
	return root
}

// version returns the version of the module that go install has put into the program.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

var negative = regexp.MustCompile(`^-[0-9]+$`)

// behindFlags moves negative codes behind the flags, so that -32603 is not taken for a
// flag.
func behindFlags(args []string) []string {
	if len(args) > 0 && (args[0] == cobra.ShellCompRequestCmd || args[0] == cobra.ShellCompNoDescRequestCmd) {
		return args
	}
	flags, codes := []string{}, []string(nil) // cobra replaces nil with the arguments of the program
	for i, arg := range args {
		switch {
		case arg == "--":
			codes = append(codes, args[i+1:]...)
			return append(append(flags, "--"), codes...)
		case negative.MatchString(arg) && !slices.Contains(flags[max(len(flags)-1, 0):], "--status"):
			codes = append(codes, arg)
		default:
			flags = append(flags, arg)
		}
	}
	if len(codes) == 0 {
		return flags
	}
	return append(append(flags, "--"), codes...)
}
