package main

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/policy/policyfile"
	"github.com/nexpay-go/resilience/retry"
)

func newDiff(out *screen) *cobra.Command {
	return &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "What two files do differently",
		Long: `What two files do differently, code by code: not how they are written, nor names and
advice, but what the library does. Codes are compared as they are under no particular
HTTP status, and statuses as they are without a code.

Exit status, as of diff(1): 0 if they do the same, 1 if not, 2 if one cannot be read.`,
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

func compare(from, to *policyfile.File) (all []difference) {
	add := func(about string, changes []change) {
		if len(changes) > 0 {
			all = append(all, difference{about, changes})
		}
	}
	if before, after := from.Policies.AttemptTimeout(), to.Policies.AttemptTimeout(); before != after {
		add("every send", []change{{"attempt timeout", orNone(before), orNone(after)}})
	}
	all = append(all, compareCodes(from.Policies, to.Policies)...)
	all = append(all, compareStatuses(from.Policies, to.Policies)...)
	add("breaker", fields(from.Breaker, to.Breaker))
	add("budget", fields(from.Budget, to.Budget))
	return all
}

func compareCodes(from, to *policy.Set) (all []difference) {
	for _, s := range stretches(from, to) {
		before, after := from.Explain(s.first), to.Explain(s.first)
		name := before.Rule.Name
		if after.Known {
			name = after.Rule.Name
		}
		all = merge(all, fmt.Sprintf("%s %s", s, name), changes(behaviourOf(before), behaviourOf(after)))
	}
	return all
}

// compareStatuses compares what statuses do without a code.
func compareStatuses(from, to *policy.Set) (all []difference) {
	of := func(status int) []change {
		return changes(behaviourOf(explain(from, 0, status)), behaviourOf(explain(to, 0, status)))
	}
	for first := 100; first <= 599; first++ {
		changes, last := of(first), first
		for last < 599 && slices.Equal(changes, of(last+1)) {
			last++
		}
		all = merge(all, fmt.Sprintf("HTTP %s", stretch{classify.Code(first), classify.Code(last)}), changes)
		first = last
	}
	return all
}

// merge adds what changes about something, to whatever changes in the same way.
func merge(all []difference, about string, changes []change) []difference {
	if len(changes) == 0 {
		return all
	}
	for i := range all {
		if slices.Equal(all[i].changes, changes) {
			all[i].about += ", " + about
			return all
		}
	}
	return append(all, difference{about, changes})
}

func orNone(d time.Duration) string {
	if d == 0 {
		return "none"
	}
	return short(d)
}

// changes lists what two behaviours have different.
func changes(from, to behaviour) (all []change) {
	add := func(what, from, to string) {
		if from != to {
			all = append(all, change{what, from, to})
		}
	}
	if from.known != to.known {
		if to.known {
			return []change{{"rule", "none, the HTTP status decides", fmt.Sprintf("%s: %s", to.asks(), plain(to.happens))}}
		}
		return []change{{"rule", fmt.Sprintf("%s: %s", from.asks(), plain(from.happens)), "none, the HTTP status decides"}}
	}
	add("asks for", from.asks(), to.asks())
	add("took effect", from.effect(), to.effect())
	add("what happens", plain(from.happens), plain(to.happens))
	add("to the breaker", from.breaker, to.breaker)
	add("cost of each", cost(from), cost(to))
	if len(all) > 0 { // otherwise it is the attempt timeout, which is told by itself
		add("at worst", worst(from), worst(to))
	}
	return all
}

func cost(b behaviour) string {
	if b.policy.Cost <= 0 {
		return "nothing"
	}
	return fmt.Sprintf("%d tokens", b.policy.Cost)
}

func worst(b behaviour) string {
	if b.worst == policy.None {
		return sendsText(b.sends) + ", no limit to time"
	}
	return sendsText(b.sends) + ", " + short(b.worst)
}

// fields lists the fields of two configurations that differ. Zero is what the package
// has for its default.
func fields[T breaker.Config | retry.BudgetConfig](from, to T) (all []change) {
	before, after := reflect.ValueOf(from), reflect.ValueOf(to)
	for i := range before.NumField() {
		if f := before.Type().Field(i); f.Type.Kind() != reflect.Func {
			if b, a := shown(before.Field(i)), shown(after.Field(i)); b != a {
				all = append(all, change{fieldName(f.Name), b, a})
			}
		}
	}
	return all
}

var capital = regexp.MustCompile(`\B[A-Z]`)

// fieldName is that of a field in a file: open-for for OpenFor.
func fieldName(name string) string {
	return strings.ToLower(capital.ReplaceAllString(name, "-$0"))
}

func shown(v reflect.Value) string {
	switch {
	case v.IsZero():
		return "default"
	case v.CanInt() && v.Int() < 0 || v.CanFloat() && v.Float() < 0:
		return "none"
	}
	return fmt.Sprint(v.Interface())
}
