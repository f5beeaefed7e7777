package policyfile

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// A notebook collects the notes on a file. The statuses of a range share one note.
type notebook struct {
	*decoder
	file     *File
	reported map[Problem]bool
}

// notes notes what is valid in a file but may not be intended.
func (d *decoder) notes(root *yaml.Node, doc *document, f *File) {
	n := &notebook{d, f, map[Problem]bool{}}
	n.odd(root, doc)
	budget, err := retry.NewBudget(f.Budget)
	for _, p := range doc.policies(f) {
		if err == nil {
			n.scarce(&p, budget.Tokens())
		}
		n.unwaited(&p)
	}
	slices.SortFunc(f.Notes, func(a, b Problem) int { return cmp.Or(inOrder(a, b), cmp.Compare(a.Text, b.Text)) })
}

func (n *notebook) add(where, format string, args ...any) {
	p := Problem{Text: lowerFirst(n.spanned(where)) + ": " + fmt.Sprintf(format, args...)}
	if at := n.places[where]; at != nil {
		p.Line, p.Column = at.Line, at.Column
	}
	if !n.reported[p] {
		n.reported[p] = true
		n.file.Notes = append(n.file.Notes, p)
	}
}

// A placed policy is one that the file sets, together with the policy that applies there.
type placed struct {
	where   string
	own     settings
	verdict classify.Verdict // of an error to which it applies
	policy  policy.Policy
}

// policies returns the policies of the file for errors that may be retried. Every status
// counts, because a code under it may be retryable.
func (doc *document) policies(f *File) (all []placed) {
	add := func(where string, own settings, v classify.Verdict) {
		all = append(all, placed{where, own, v, f.Policies.For(v)})
	}
	for _, class := range []classify.Class{classify.Retryable, classify.Resync, classify.FixAndResend} {
		add("Default", doc.Default, classify.Verdict{Class: class})
	}
	for class, own := range doc.Classes {
		add(fmt.Sprintf("Classes[%v]", class), own, classify.Verdict{Class: class})
	}
	for span, own := range doc.Statuses {
		for status := int(span.first); status <= int(span.last); status++ {
			add(fmt.Sprintf("Statuses[%d]", status), own, classify.Verdict{Class: classify.Retryable, Status: status})
		}
	}
	for code, own := range doc.Codes {
		rule, _ := f.Policies.Catalog().Lookup(code)
		add(placeOfCode(code), own, classify.Verdict{Class: rule.Class, Code: code})
	}
	return all
}

// scarce notes where the retries of one call together cost more than a full budget holds.
// That is valid, because other calls put tokens back. But somebody who writes 20 attempts
// may not expect 11.
func (n *notebook) scarce(p *placed, tokens int) {
	v, does := &p.verdict, &p.policy
	switch {
	case v.Class != classify.Retryable, v.Status != 0 && !resent(v.Status), p.own.Attempts == 0 && p.own.Cost == 0:
		return
	case does.Cost < 1 || does.MaxAttempts-1 <= tokens/does.Cost:
		return
	}
	n.add(p.where, "%d attempts at %d tokens a retry: a full budget of %d pays for %d attempts, and for more only if other calls succeed meanwhile",
		does.MaxAttempts, does.Cost, tokens, 1+tokens/does.Cost)
}

// unwaited notes a wait that is allowed but for which a call has no time.
func (n *notebook) unwaited(p *placed) {
	does, wait := &p.policy, time.Duration(p.own.MaxRetryAfter)
	if wait > 0 && wait == does.MaxRetryAfter && does.MaxAttempts != 1 && does.MaxElapsed > 0 && does.MaxElapsed <= wait {
		n.add(p.where, "max-retry-after %v does not fit into elapsed %v: a wait that long ends the call at once; a longer elapsed allows it", wait, does.MaxElapsed)
	}
}

// likeSeveral matches a code that may be intended as a range or a list.
var likeSeveral = regexp.MustCompile(`^[0-9]+( ?[-–,;/] ?[0-9]+)+$`)

// odd notes codes that are words but may not be intended as words.
func (n *notebook) odd(root *yaml.Node, doc *document) {
	for i, r := range doc.Rules {
		if code, single := r.Code.one(); single && likeSeveral.MatchString(string(code)) {
			at := child(child(root, "rules").Content[i], "code")
			n.file.Notes = append(n.file.Notes, Problem{at.Line, at.Column, fmt.Sprintf("%s is a word: write a range of numbers as 1000..1999, and several codes as one rule each", code.Text())})
		}
	}
}
