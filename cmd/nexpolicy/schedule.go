package main

import (
	"fmt"
	"math"
	"os"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
)

func newSchedule(out *screen) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "schedule CODE",
		Short: "Show when a call that gets only one code is retried",
		Long: `Show when a call that gets only one code is retried: the shortest and the longest wait
before each send, and the period in which the send may begin. The duration of the sends
themselves is not counted. At most 25 sends are listed. Sends that begin 292 years after
the start of the call, or later, cannot be drawn.`,
		Example: `  nexpolicy schedule -32603
  nexpolicy schedule -32603 --status 429 --svg waits.svg`,
		Args: cobra.ExactArgs(1),
	}
	file, status := fileFlag(cmd), statusFlag(cmd)
	svg := cmd.Flags().String("svg", "", "also draw it into this file")
	cmd.ValidArgsFunction = completeCode(file)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := checkStatus(cmd, *status); err != nil {
			return err
		}
		f, err := load(*file)
		if err != nil {
			return err
		}
		code, err := readCode(f.Policies, args[0])
		if err != nil {
			return err
		}
		if code == "" && *status == 0 {
			return errNoCode
		}
		e := explain(f.Policies, code, *status)
		sends := schedule(e)
		out.schedule(e, sends)
		out.similar(f.Policies.Catalog(), &e)
		if *svg == "" {
			return nil
		}
		drawn, err := drawSchedule(e, sends)
		if err != nil {
			return err
		}
		return os.WriteFile(*svg, drawn, 0o644)
	}
	return cmd
}

// A send is one send of a call.
type send struct {
	number             int
	shortest, longest  time.Duration // the wait before it
	earliest, latest   time.Duration // its beginning, from the start of the call
	onlyIfTheyAreShort bool          // with the longest waits it would begin too late
}

// mostSends limits the sends that are listed.
const mostSends = 25

// schedule returns when the sends of a call that gets only e begin.
func schedule(e policy.Explanation) []send {
	all := []send{{number: 1}}
	if e.Rule.Class != classify.Retryable {
		for n := 2; n <= e.MaxSends; n++ {
			all = append(all, send{number: n})
		}
		return all
	}
	for n := 2; n <= mostSends && (n <= e.MaxSends || e.MaxSends == policy.None); n++ {
		s, before := send{number: n}, all[n-2]
		s.shortest, s.longest = window(&e.Policy.Backoff, n-1)
		s.earliest, s.latest = later(before.earliest, s.shortest), later(before.latest, s.longest)
		if end := e.Policy.MaxElapsed; end != policy.None {
			if s.earliest > end {
				break
			}
			s.onlyIfTheyAreShort = s.latest > end
			s.latest = min(s.latest, end)
		}
		all = append(all, s)
	}
	return all
}

// forEver is the longest duration, some 292 years: sums that overflow become forEver.
const forEver time.Duration = math.MaxInt64

func later(at, wait time.Duration) time.Duration {
	if wait > forEver-at {
		return forEver
	}
	return at + wait
}

// window returns the shortest and the longest wait.
func window(b *policy.Backoff, n int) (shortest, longest time.Duration) {
	longest = b.Longest(n)
	switch b.Jitter {
	case policy.JitterNone:
		return longest, longest
	case policy.JitterEqual:
		return longest / 2, longest
	}
	return 0, longest
}

// schedule prints the sends, with the waits as bars.
func (s *screen) schedule(e policy.Explanation, sends []send) {
	fmt.Fprintln(s, s.paint(append(text.Colors{text.Bold}, classColours[e.Rule.Class]...), e.Title()))
	longest := time.Duration(0)
	for _, one := range sends {
		longest = max(longest, one.longest)
	}
	const others = 48 // width of the other columns
	full := 30
	if s.width > 0 {
		full = max(min(s.width-others, 60), 10)
	}
	t := s.table()
	t.AppendHeader(table.Row{"send", "begins", "after a wait of", ""})
	for _, one := range sends {
		t.AppendRow(table.Row{one.number, span(one.earliest, one.latest), waitText(&one), s.bar(&one, longest, full)})
	}
	fmt.Fprintln(s, t.Render())
	for _, line := range notes(&e, sends) {
		fmt.Fprintln(s, line)
	}
}

// bar draws a wait: dotted up to its minimum, full from there to its maximum.
func (s *screen) bar(one *send, longest time.Duration, full int) string {
	if longest == 0 {
		return ""
	}
	letters := func(d time.Duration) int { return int(float64(d) / float64(longest) * float64(full)) }
	always, may := letters(one.shortest), letters(one.longest)
	if one.shortest == one.longest {
		return strings.Repeat("█", may)
	}
	return strings.Repeat("░", always) + strings.Repeat("█", may-always)
}

func span(from, to time.Duration) string {
	if from == to {
		return "at " + rounded(from)
	}
	return rounded(from) + " to " + rounded(to)
}

// rounded returns a duration with the precision that people need.
func rounded(d time.Duration) string {
	switch {
	case d == forEver:
		return "292 years or more"
	case d >= time.Second:
		d = d.Round(time.Millisecond)
	case d >= time.Millisecond:
		d = d.Round(time.Microsecond)
	}
	return short(d)
}

func waitText(s *send) string {
	switch {
	case s.number == 1:
		return ""
	case s.longest == 0:
		return "none"
	case s.shortest == s.longest:
		return rounded(s.longest)
	}
	return span(s.shortest, s.longest)
}

// longestOf returns the longest wait of a call, including waits that are not listed.
func longestOf(e *policy.Explanation) time.Duration {
	resends := e.MaxSends - 1
	if e.MaxSends == policy.None {
		resends = 1 << 20
	}
	return e.Policy.Backoff.Longest(resends)
}

// notes returns what the rows do not show.
func notes(e *policy.Explanation, sends []send) (lines []string) {
	last := sends[len(sends)-1]
	switch {
	case e.Rule.Class == classify.FixAndResend && e.MaxSends > 1:
		lines = append(lines, "The second send happens only if the caller gave a Fix, with the corrected request.")
	case e.Rule.Class == classify.Resync && e.MaxSends > 1:
		lines = append(lines, "Each retry is sent at once, with a newer nonce.")
	case !e.Known && e.Status == 0:
		lines = append(lines, "Without an HTTP status the call is not retried. With one, the status decides: add --status.")
	case len(sends) == 1:
		lines = append(lines, "The call is not retried.")
	case len(sends) == mostSends && (e.MaxSends == policy.None || e.MaxSends > mostSends):
		lines = append(lines, fmt.Sprintf("Further sends follow, each after at most %s.", rounded(longestOf(e))))
	}
	if last.onlyIfTheyAreShort {
		lines = append(lines, fmt.Sprintf("A wait that would end more than %s after the start of the call is not begun.", short(e.Policy.MaxElapsed)))
	}
	after := e.Policy.MaxRetryAfter
	if most := e.Policy.MaxElapsed; most != policy.None && after > most { // there is no time for more
		after = most
	}
	if len(sends) > 1 && after > 0 {
		lines = append(lines, fmt.Sprintf("If the server asks for a longer wait, up to %s, the call waits that long.", short(after)))
	}
	return lines
}
