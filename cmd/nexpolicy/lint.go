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
		Short: "Tell everything that is wrong with files",
		Long: `Tell everything that is wrong with files, a line each, as compilers do:
policies.yaml:3:5: what is wrong, and what would be right. What is right but may not
be meant is a note, and changes no exit status.

Exit status: 0 if all is right, 1 if something is wrong, 2 if a file cannot be read.`,
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

// contents is what a file that is right holds.
func contents(f *policyfile.File) string {
	rules, codes := len(f.Policies.Catalog().Rules()), len(f.Policies.Codes())
	return fmt.Sprintf("right: %s, policies for %s", number(rules, "rule"), number(codes, "code"))
}

func number(n int, of string) string {
	if n == 1 {
		return "1 " + of
	}
	return fmt.Sprintf("%d %ss", n, of)
}
