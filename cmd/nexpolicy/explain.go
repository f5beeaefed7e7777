package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
)

func newExplain(in io.Reader, out *screen) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "explain CODE | -",
		Short: "Explain what a code means and what the library does",
		Long: `Explain what a code means, what a person should do about it, what the library does, how
many sends and how long that takes at worst, and where each setting comes from. The
most specific setting counts, in the file or in the table that it extends; if both are
equally specific, that of the file.

With -, read a pasted answer from standard input, in the shape that the table describes.
It may be a JSON body, with or without status line and headers before it. (Of several
answers, as curl -i, -v and -L print them, the last counts; the messages of curl itself
are ignored.) Or it may be a line from a log.`,
		Example: `  nexpolicy explain 50
  nexpolicy explain -32603 --status 429
  nexpolicy explain 0 --status 503               # a status without a code
  nexpolicy explain 14 --file grpc
  curl -si https://api.example.com/ | nexpolicy explain -`,
		Args: cobra.ExactArgs(1),
	}
	file, status := fileFlag(cmd), statusFlag(cmd)
	cmd.ValidArgsFunction = completeCode(file)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := checkStatus(cmd, *status); err != nil {
			return err
		}
		f, err := load(*file)
		if err != nil {
			return err
		}
		if args[0] == "-" {
			if file, ok := in.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
				fmt.Fprintln(cmd.ErrOrStderr(), "Paste an answer or a line from a log, then Enter and Ctrl-D.")
			}
			answer, err := readAnswer(in, f.Policies.Catalog(), *status)
			if err != nil {
				return err
			}
			out.answer(f.Policies, answer)
			return nil
		}
		code, err := readCode(f.Policies, args[0])
		if err != nil {
			return err
		}
		if code == "" && *status == 0 {
			return errNoCode
		}
		e := explain(f.Policies, code, *status)
		out.explanation(e)
		out.similar(f.Policies.Catalog(), &e)
		out.origins(f.Policies, e)
		return nil
	}
	return cmd
}

var errNoCode = errors.New("0 means no error: add --status to explain an HTTP status by itself")

// answer prints what an answer says, and then what the library does about it.
func (s *screen) answer(set *policy.Set, e *classify.Error) {
	v := set.Catalog().Classify(e)
	if e.TraceID != "" {
		fmt.Fprintf(s, "trace %s\n", e.TraceID)
	}
	explained := set.ExplainVerdict(v)
	if v.RetryAfter > 0 {
		fmt.Fprintf(s, "the server asks for a wait of %v%s\n", v.RetryAfter, tooLong(&explained, v.RetryAfter))
	}
	for _, d := range e.Details {
		if d.Code != v.Code {
			fmt.Fprintf(s, "also in the answer: %s\n", set.Explain(d.Code).Title())
		}
	}
	switch {
	case e.Status/100 == 2 && len(e.Details) == 0:
		fmt.Fprintln(s, "a success: the answer reports no error")
		return
	case len(e.Details) == 0 && len(set.Catalog().Shape().Code) > 0:
		fmt.Fprintln(s, "no path in answer: code: finds a code in it")
	}
	s.explanation(explained)
	for _, d := range e.Details {
		if d.Message != "" && d.Code == v.Code {
			s.line("message", d.Message)
			break
		}
	}
	s.origins(set, explained)
}

// tooLong returns a note on a wait that is so long that the call ends.
func tooLong(e *policy.Explanation, wait time.Duration) string {
	for _, most := range []time.Duration{e.Policy.MaxRetryAfter, e.Policy.MaxElapsed} {
		if e.MaxSends != 1 && most != policy.None && wait > most {
			return fmt.Sprintf(": longer than the limit of %v, so the call ends", most)
		}
	}
	return ""
}

// explanation prints an explanation, on a terminal in colours and wrapped to its width.
func (s *screen) explanation(e policy.Explanation) {
	title, rest, _ := strings.Cut(e.String(), "\n")
	colours := append(text.Colors{text.Bold}, classColours[e.Rule.Class]...)
	fmt.Fprintln(s, s.paint(colours, title))
	for line := range strings.Lines(rest) {
		line = strings.TrimRight(line, "\n")
		s.line(strings.TrimSpace(line[:min(indent, len(line))]), line[min(indent, len(line)):])
	}
}

// indent is the column in which the texts of explanations begin.
const indent = 16

// line prints one line of an explanation.
func (s *screen) line(name, words string) {
	name = fmt.Sprintf("  %-*s", indent-2, name)
	if width := s.wide(indent); width > 0 {
		name, words = s.paint(text.Colors{text.Faint}, name), strings.ReplaceAll(wrap(words, width), "\n", "\n"+strings.Repeat(" ", indent))
	}
	fmt.Fprintln(s, strings.TrimRight(name+words, " "))
}
