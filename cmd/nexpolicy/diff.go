package main

import (
	"fmt"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"
)

func newDiff(out *screen) *cobra.Command {
	return &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "What two files do differently",
		Long: `What two files do differently, code by code: not how they are written, nor names and
advice, but what the library does, and where it finds codes in answers. Codes are compared under every HTTP status and under
none, statuses also without a code, and all of it for every class of error, as a
Classifier of the program's own may find another than the rule. "7 busy under HTTP 503"
is listed only where it is not what is listed for the code, or for the status, alone.

Exit status, as of diff(1): 0 if they do the same, 1 if anything differs, 2 if there is
trouble: a file that cannot be read, or is wrong.`,
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
			fmt.Fprintln(out, "they do the same")
			return nil
		},
	}
}

// A difference is in what is done about something.
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
		if len(c.from)+len(c.to) > 60 { // below each other it is seen what is different
			fmt.Fprintf(s, "  %s\n    - %s\n    + %s\n", c.what, s.paint(text.Colors{text.FgRed}, c.from), s.paint(text.Colors{text.FgGreen}, c.to))
			continue
		}
		fmt.Fprintf(s, "  %-*s  %s → %s\n", width, c.what, s.paint(text.Colors{text.FgRed}, c.from), s.paint(text.Colors{text.FgGreen}, c.to))
	}
}
