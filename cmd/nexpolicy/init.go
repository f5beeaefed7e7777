package main

import (
	_ "embed"
	"fmt"
	"os"

	"github.com/spf13/cobra"
)

// start is the file that init writes. A test checks that it names every field.
//
//go:embed init.yaml
var start []byte

func newInit(out *screen) *cobra.Command {
	return &cobra.Command{
		Use:   "init [FILE]",
		Short: "Write a file to start from",
		Long: `Write a file to start from, with an explanation of each field: to FILE, which must not
exist, or to standard output. Required fields are empty, and lint reports them: once they
are filled in, the file is valid.`,
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
			fmt.Fprintf(out, "%s: fill in the empty fields, then run: nexpolicy lint %[1]s\n", args[0])
			return nil
		},
	}
}

// writeNew writes a new file, and removes it if it could not be written completely.
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
