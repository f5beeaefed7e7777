package main

import (
	"fmt"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"
)

func newDiff(out *screen) *cobra.Command {
	return &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "Compare the behaviour of two files",
		Long: `Compare the behaviour of two files, code by code: what the library does, and where it
finds codes in answers; not the wording of the files, nor names and advice. Codes are
compared under every HTTP status and under none, statuses also without a code, and all
for every class of error, because a Classifier of the program may choose another class
than the rule. "7 busy under HTTP 503" is listed only if it differs from what is listed
for the code, or for the status, alone.

Exit status, as of diff(1): 0 if there is no difference, 1 if there is one, 2 on an error,
such as a file that cannot be read or is invalid.`,
		Example: `  nexpolicy diff nexpay policies.yaml
  nexpolicy diff <(git show HEAD:policies.yaml) policies.yaml`,
		Args:              cobra.ExactArgs(2),
		ValidArgsFunction: completeFile,
		RunE: func(_ *cobra.Command, names []string) error {
			from, err := load(names[0])
			if err != nil {
				return err
			}
			to, err := load(names[1])
			if err != nil {
				return err
			}
			differences := compare(from, to)
			for _, d := range differences {
				out.difference(d)
			}
			if len(differences) > 0 {
				return errDiffers
			}
			fmt.Fprintln(out, "no differences")
			return nil
		},
	}
}

// A difference is what changes about one subject.
type difference struct {
	about   string
	changes []change
}

type change struct{ what, from, to string }

func (s *screen) difference(d difference) {
	fmt.Fprintln(s, s.paint(text.Colors{text.Bold}, d.about))
	width := 0
	for _, c := range d.changes {
		width = max(width, len(c.what))
	}
	for _, c := range d.changes {
		if len(c.from)+len(c.to) > 60 { // below each other the difference is easier to see
			fmt.Fprintf(s, "  %s\n    - %s\n    + %s\n", c.what, s.paint(text.Colors{text.FgRed}, c.from), s.paint(text.Colors{text.FgGreen}, c.to))
			continue
		}
		fmt.Fprintf(s, "  %-*s  %s → %s\n", width, c.what, s.paint(text.Colors{text.FgRed}, c.from), s.paint(text.Colors{text.FgGreen}, c.to))
	}
}
