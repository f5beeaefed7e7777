package policyfile

import (
	"cmp"
	"reflect"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
)

// catalog makes that of the rules that are right, on top of the base's: what is wrong
// besides is found as well. A name is required even of a catalog that is not read
// further.
func (d *decoder) catalog(root *yaml.Node, doc *document, base *policy.Set) (c *classify.Catalog) {
	at := child(root, "rules")
	var rules []classify.Rule
	if at != nil {
		rules = d.rules(at.Content, doc.Rules)
	}
	if doc.Extends == "" && doc.Name == "" && !d.bad[root] {
		d.wrong(root, "a name is needed, or extends")
	}
	var err error
	switch {
	case base == nil:
		c, err = classify.NewCatalog(cmp.Or(doc.Name, "?"), rules...)
	default:
		c, err = base.Catalog().Named(doc.Name).With(rules...)
	}
	d.translate(cmp.Or(at, root), err, nil)
	return c
}

// unread tells of which codes a rule may be among what could not be read: in a table
// to extend that there is not, behind a field that is misspelled, or as a rule that is
// wrong.
func (d *decoder) unread(root *yaml.Node, doc *document, base *policy.Set) func(classify.Code) bool {
	at := child(root, "rules")
	var wrong []codes
	all := base == nil && child(root, "extends") != nil || d.full()
	switch {
	case at == nil:
		all = all || d.strange(root, reflect.TypeFor[document]())
	case len(doc.Rules) != len(at.Content):
		all = true
	}
	for i := range doc.Rules {
		if !all && d.bad[at.Content[i]] {
			wrong = append(wrong, doc.Rules[i].Code)
		}
	}
	all = all || slices.Contains(wrong, codes{})
	return func(code classify.Code) bool {
		return all || slices.ContainsFunc(wrong, func(c codes) bool { return c.first <= code && code <= c.last })
	}
}

// rules are those that are right.
func (d *decoder) rules(nodes []*yaml.Node, written []rule) (right []classify.Rule) {
	for i := range written {
		before := d.count()
		d.checkRule(nodes[i], &written[i])
		if d.count() > before {
			d.bad[nodes[i]] = true
		}
	}
	d.overlaps(nodes, written)
	for i := range written {
		if !d.bad[nodes[i]] {
			right = append(right, written[i].rule())
		}
	}
	return right
}

func (r *rule) rule() classify.Rule {
	rule := classify.Rule{
		First: r.Code.first, Last: r.Code.last, Name: r.Name, Fix: r.Fix,
		Class: classify.Class(r.Class), Effect: r.Effect, Lockout: r.Lockout, Source: r.Source,
	}
	if rule.First == rule.Last {
		rule.Last = 0
	}
	return rule
}

// checkRule finds what is wrong with a rule by itself, as far as its fields could be
// read.
func (d *decoder) checkRule(at *yaml.Node, r *rule) {
	unknown := func(field string) bool { return d.unknownIn(at, field, reflect.TypeFor[rule]()) }
	if r.Code == (codes{}) && !unknown("code") {
		d.wrong(at, "the rule has no code")
	}
	if r.Name == "" && !unknown("name") {
		d.wrong(at, "the rule has no name: say what the code means")
	}
	if r.Class == 0 && !unknown("class") {
		d.wrong(cmp.Or(child(at, "class"), at), "the rule has no class: retryable, resync, fix-and-resend or fatal")
	}
	if r.Lockout && classify.Class(r.Class) != classify.Fatal && !unknown("class") {
		d.wrong(child(at, "lockout"), "a lockout without class fatal: a key that is of no use is not tried again")
	}
	if r.Code == (codes{}) || unknown("i-am-sure") {
		return
	}
	if r.Effect == classify.NotApplied && !r.Sure && r.Code.first <= 599 && r.Code.last >= 500 {
		d.wrong(child(at, "effect"), "not-applied is claimed of %s, which reads like an HTTP 5xx: those prove nothing; if this code does, add i-am-sure: true", r.Code)
	}
	if d.judges && r.inert() {
		d.wrong(child(at, "code"), "%s reads like an HTTP status, and a rule is without effect on answers that have only that: what to do about those stands outside of rules, as statuses: {%v: {…}}; if answers hold this code in their body, add i-am-sure: true", r.Code, r.Code.span())
	}
}

// overlaps finds rules that speak for the same codes, and tells where both are.
func (d *decoder) overlaps(nodes []*yaml.Node, rules []rule) {
	for _, single := range []bool{true, false} {
		var order []int
		for i := range rules {
			if c := rules[i].Code; (c.first == c.last) == single && c != (codes{}) {
				order = append(order, i)
			}
		}
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(rules[a].Code.first, rules[b].Code.first) })
		far := 0 // of those before, the one that reaches furthest
		for n := 1; n < len(order); n++ {
			i, j := order[n], order[far]
			if rules[i].Code.first <= rules[j].Code.last {
				i, j := max(i, j), min(i, j)
				d.bad[nodes[i]] = true
				d.wrong(nodes[i], "%s overlaps %s of the rule in line %d", rules[i].Code, rules[j].Code, nodes[j].Line)
			}
			if rules[order[n]].Code.last > rules[order[far]].Code.last {
				far = n
			}
		}
	}
}
