package main

import (
	"errors"
	"fmt"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/nexpay-go/resilience/policyfile"
)

func newLint(out *screen) *cobra.Command {
	return &cobra.Command{
		Use:   "lint FILE...",
		Short: "Check files and report all mistakes",
		Long: `Check files and report all mistakes, one a line, in the format of compilers:
policies.yaml:3:5: the mistake, and how to fix it. A setting that is valid but may not be
intended is a note, which does not change the exit status.

Exit status: 0 if all files are valid, 1 if one is not, 2 if a file cannot be read.`,
		Example: `  nexpolicy lint policies.yaml
  nexpolicy lint deploy/*/policies.yaml`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, files []string) error {
			var wrong, unread error
			for _, name := range files {
				f, err := policyfile.Load(name)
				if problems, ok := errors.AsType[*policyfile.Error](err); ok {
					fmt.Fprintln(out, out.paint(text.Colors{text.FgRed}, problems.Error()))
					wrong = errDiffers
				} else if err != nil {
					unread = errors.Join(unread, err)
				} else {
					fmt.Fprintf(out, "%s: %s\n", name, out.paint(text.Colors{text.FgGreen}, contents(f)))
					for _, n := range f.Notes {
						n.Text = "note: " + n.Text
						fmt.Fprintln(out, n.In(name))
					}
				}
			}
			if unread != nil {
				return unread
			}
			return wrong
		},
	}
}

// contents summarizes a valid file.
func contents(f *policyfile.File) string {
	rules, codes := len(f.Policies.Catalog().Rules()), len(f.Policies.Codes())
	return fmt.Sprintf("valid: %s, policies for %s", number(rules, "rule"), number(codes, "code"))
}

func number(n int, of string) string {
	if n == 1 {
		return "1 " + of
	}
	return fmt.Sprintf("%d %ss", n, of)
}
