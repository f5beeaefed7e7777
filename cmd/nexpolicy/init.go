package main

import (
	_ "embed"
	"fmt"
	"os"

	"github.com/spf13/cobra"
)

// start is the file that init writes. A test holds it to name every field there is.
//
//go:embed init.yaml
var start []byte

func newInit(out *screen) *cobra.Command {
	return &cobra.Command{
		Use:   "init [FILE]",
		Short: "Write a file to begin with",
		Long: `Write a file to begin with, which explains each field: to FILE, which must not exist yet,
or to standard output. What has to be filled in is empty, and lint tells where: once that
is done, the file is right.`,
		Example: `  nexpolicy init
  nexpolicy init policies.yaml`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				_, err := out.Write(start)
				return err
			}
			if err := writeNew(args[0], start); err != nil {
				return err
			}
			fmt.Fprintf(out, "%s: fill in what is empty, then: nexpolicy lint %[1]s\n", args[0])
			return nil
		},
	}
}

// writeNew writes a file that there is not yet, and leaves none behind that is not
// whole.
func writeNew(name string, data []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		_ = os.Remove(name)
	}
	return err
}
