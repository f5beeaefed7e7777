package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
)

var formats = []string{"text", "md", "json"}

func newTable(out *screen) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "table",
		Short: "List what the library does about each code",
		Long: `List what the library does about each code. Codes with the same behaviour are in one row;
below are the HTTP statuses, which decide if a code has no rule, and the places of codes
in answers, if they are not the usual ones. JSON has a value for each rule.`,
		Example: `  nexpolicy table
  nexpolicy table --file policies.yaml --format md
  nexpolicy table --format json | jq '.codes[] | select(.class == "fatal") | .codes'`,
		Args: cobra.NoArgs,
	}
	file := fileFlag(cmd)
	format := cmd.Flags().String("format", formats[0], strings.Join(formats, ", "))
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(cobra.AppendActiveHelp(formats, ""), cobra.ShellCompDirectiveNoFileComp))
	cmd.RunE = func(*cobra.Command, []string) error {
		if !slices.Contains(formats, *format) {
			return fmt.Errorf("--format %s is not one of %s", *format, strings.Join(formats, ", "))
		}
		f, err := load(*file)
		if err != nil {
			return err
		}
		switch *format {
		case "json":
			return writeJSON(out, f.Policies)
		case "md":
			all := rows(f.Policies)
			for _, line := range markdown(all) {
				fmt.Fprintln(out, line)
			}
			for _, note := range footnotes(all) {
				fmt.Fprintf(out, "\n%s\n", note)
			}
			if fields := shapeLines(f.Policies.Catalog().Shape()); fields != nil {
				fmt.Fprintf(out, "\n```\n%s\n```\n", strings.Join(fields, "\n"))
			}
		default:
			all := rows(f.Policies)
			out.rows(all)
			for _, note := range footnotes(all) {
				fmt.Fprintf(out, "\n%s\n", out.prose(note))
			}
			if fields := shapeLines(f.Policies.Catalog().Shape()); fields != nil {
				fmt.Fprintf(out, "\n%s\n%s\n", out.paint(text.Colors{text.Bold}, "answers"), strings.Join(fields, "\n"))
			}
		}
		return nil
	}
	return cmd
}

var headings = []string{"code", "class", "took effect", "what happens", "to the breaker"}

// A row is a behaviour and the codes or statuses that have it.
type row struct {
	codes []string
	behaviour
	coded bool // codes, not statuses
}

// claimed explains no* for codes: the rules claim that nothing happened, but some
// statuses override that.
const claimed = "no*: nothing happened, but unknown under 408, 425, 429 or anything but a 4xx. " +
	"For a payment, and for a request that is not idempotent, 409 and a status without a code prove nothing either."

// settings explains that the row of a code does not tell all.
const settings = "Under a status with settings of its own, such as 429, those count where the code sets none: " +
	"nexpolicy explain CODE --status N."

// footnotes returns what the rows of codes need to be understood.
func footnotes(rows []row) (notes []string) {
	if slices.ContainsFunc(rows, func(r row) bool { return r.coded && r.applied == classify.NotApplied }) {
		notes = append(notes, claimed)
	}
	if slices.ContainsFunc(rows, func(r row) bool { return r.coded }) {
		notes = append(notes, settings)
	}
	return notes
}

func (r *row) effect() string {
	if r.coded && r.applied == classify.NotApplied {
		return "no*"
	}
	return r.behaviour.effect()
}

// rows groups codes, and statuses without a code, by their behaviour.
func rows(set *policy.Set) []row {
	var all []row
	at := map[behaviour]int{}
	add := func(b behaviour, label string) {
		i, ok := at[b]
		if !ok {
			i = len(all)
			at[b] = i
			all = append(all, row{behaviour: b})
		}
		all[i].codes = append(all[i].codes, label)
	}
	for _, s := range joined(set) {
		add(behaviourOf(set.Explain(s.code)), s.String())
	}
	for i := range all {
		all[i].coded = true
	}
	slices.SortStableFunc(all, func(a, b row) int { return cmp.Or(cmp.Compare(a.class, b.class), cmp.Compare(b.sends, a.sends)) })
	codes := all
	all, at = nil, map[behaviour]int{}
	for _, s := range statuses(set) {
		add(s.behaviour, s.label)
	}
	for i := range all {
		all[i].codes[0] = "HTTP " + all[i].codes[0]
	}
	return append(codes, all...)
}

// joined returns the stretches of codes, with adjacent ones of the same behaviour joined.
func joined(set *policy.Set) (all []stretch) {
	for _, s := range stretches(set) {
		if n := len(all); n > 0 && all[n-1].before(&s) && behaviourOf(set.Explain(all[n-1].code)) == behaviourOf(set.Explain(s.code)) {
			all[n-1] = stretchOf(all[n-1].first, s.last)
			continue
		}
		all = append(all, s)
	}
	return all
}

type labelled struct {
	label string
	behaviour
}

// statuses returns the behaviour of each HTTP status without a code. The most common
// behaviour of each hundred is one entry for "other".
func statuses(set *policy.Set) (all []labelled) {
	for hundred := 3; hundred <= 5; hundred++ {
		of, count := [100]behaviour{}, map[behaviour]int{}
		for i := range of {
			of[i] = behaviourOf(explain(set, "", 100*hundred+i))
			count[of[i]]++
		}
		usual := of[99]
		for b, n := range count {
			if n > count[usual] {
				usual = b
			}
		}
		for i, b := range of {
			if b != usual {
				all = append(all, labelled{strconv.Itoa(100*hundred + i), b})
			}
		}
		rest := fmt.Sprintf("%dxx", hundred)
		if len(count) > 1 {
			rest = "other " + rest
		}
		all = append(all, labelled{rest, usual})
	}
	return all
}

func markdown(rows []row) []string {
	line := func(cells ...string) string { return "| " + strings.Join(cells, " | ") + " |" }
	lines := []string{line(headings...), "|" + strings.Repeat("---|", len(headings))}
	for _, r := range rows {
		lines = append(lines, line(strings.Join(r.codes, ", "), r.asks(), r.effect(), r.happens, r.breaker))
	}
	return lines
}

// rows prints a table. On a terminal each column is as narrow as its longest word, except
// the first and the widest.
func (s *screen) rows(rows []row) {
	columns := make([]table.ColumnConfig, len(headings))
	if s.width > 0 {
		const frame, narrow, codes = 16, 14 + len("unknown") + len("opens it"), len("-32602..-32600,")
		first := codes
		if left := s.width - frame - narrow; left > 4*codes {
			first = left / 3
		}
		widths := [...]int{first, len("fix-and-resend"), len("unknown"), max(s.width-frame-narrow-first, 20), len("opens it")}
		for i, width := range widths {
			columns[i] = table.ColumnConfig{Number: i + 1, WidthMax: width, WidthMaxEnforcer: wrap}
		}
	}
	t := s.table(columns...)
	t.AppendHeader(table.Row{headings[0], headings[1], headings[2], headings[3], headings[4]})
	for _, r := range rows {
		t.AppendRow(table.Row{strings.Join(r.codes, ", "), s.paint(classColours[r.class], r.asks()), r.effect(), plain(r.happens), r.breaker})
		if s.width > 0 {
			t.AppendSeparator()
		}
	}
	fmt.Fprintln(s, t.Render())
}

// The output of table --format json. Durations are in seconds; a count without a limit is
// null.
type (
	tableJSON struct {
		Name           string         `json:"name"`
		AttemptTimeout *float64       `json:"attemptTimeout"`
		Answer         map[string]any `json:"answer,omitempty"` // as in a file
		Codes          []codeJSON     `json:"codes"`
		Statuses       []statusJSON   `json:"statuses"`
	}
	codeJSON struct {
		Codes  string `json:"codes"` // as the code of a rule in a file
		Name   string `json:"name"`
		Fix    string `json:"fix,omitempty"`
		Source string `json:"source,omitempty"`
		Under  string `json:"effectUnder,omitempty"` // statuses that do not override the effect
		doesJSON
	}
	statusJSON struct {
		Statuses string `json:"statuses"`
		doesJSON
	}
	doesJSON struct {
		Class   string `json:"class"`
		Effect  string `json:"effect"`
		Lockout bool   `json:"lockout"`
		Does    string `json:"does"`
		Breaker string `json:"breaker"`
		Sends   *int   `json:"sends"`
	}
)

func writeJSON(out *screen, set *policy.Set) error {
	t := tableJSON{Name: set.Catalog().Name(), Answer: shapeJSON(set.Catalog().Shape())}
	if d := set.AttemptTimeout(); d > 0 {
		t.AttemptTimeout = new(d.Seconds())
	}
	for _, s := range stretches(set) {
		e := set.Explain(s.code)
		t.Codes = append(t.Codes, codeJSON{s.codes, e.Rule.Name, e.Rule.Fix, e.Rule.Source, under(&e), behaviourOf(e).json()})
	}
	for _, s := range statuses(set) {
		t.Statuses = append(t.Statuses, statusJSON{s.label, s.json()})
	}
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(t)
}

// under returns the statuses under which the effect of a rule counts, or "" if it claims
// none.
func under(e *policy.Explanation) string {
	if e.Rule.Effect == classify.NotApplied {
		return "400..407, 409..424, 426..428, 430..499"
	}
	return ""
}

func (b behaviour) json() doesJSON {
	d := doesJSON{Class: b.class.String(), Effect: b.applied.String(), Lockout: b.lockout, Does: plain(b.happens), Breaker: b.breaker}
	if b.sends != policy.None {
		d.Sends = &b.sends
	}
	return d
}
