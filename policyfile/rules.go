package policyfile

import (
	"cmp"
	"reflect"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
)

// catalog makes a catalog of the valid rules, on top of the base's, so that other
// mistakes are found as well. A name is required even if the rest of the catalog could
// not be read.
func (d *decoder) catalog(root *yaml.Node, doc *document, base *policy.Set) (c *classify.Catalog) {
	switch {
	case base == nil:
		c, _ = classify.NewCatalog(cmp.Or(doc.Name, "?"))
	default:
		c = base.Catalog().Named(doc.Name)
	}
	c = d.shaped(child(root, "answer"), &doc.Answer, c)
	at := child(root, "rules")
	var rules []classify.Rule
	if at != nil {
		rules = d.rules(at.Content, doc.Rules)
	}
	if doc.Extends == "" && doc.Name == "" && !d.bad[root] {
		d.wrong(root, "name or extends is required")
	}
	c, err := c.With(rules...)
	d.translate(cmp.Or(at, root), err, nil)
	return c
}

// unread returns a function that reports whether a code may have a rule among what could
// not be read: in an unknown table to extend, behind a misspelled field, or in an invalid
// rule.
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
		return all || slices.ContainsFunc(wrong, func(c codes) bool { return c.matches(code) })
	}
}

// rules returns the valid rules.
func (d *decoder) rules(nodes []*yaml.Node, written []rule) (right []classify.Rule) {
	for i := range written {
		before := d.count()
		d.checkRule(nodes[i], &written[i])
		if d.count() > before {
			d.bad[nodes[i]] = true
		}
	}
	d.overlaps(nodes, written)
	right = make([]classify.Rule, 0, len(written))
	for i := range written {
		if !d.bad[nodes[i]] {
			right = append(right, written[i].rule())
		}
	}
	return right
}

func (r *rule) rule() classify.Rule {
	return classify.Rule{
		Codes: r.Code.text, Name: r.Name, Fix: r.Fix,
		Class: classify.Class(r.Class), Effect: r.Effect, Lockout: r.Lockout, Source: r.Source,
	}
}

// checkRule reports the mistakes in a rule itself, as far as its fields could be read.
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
		d.wrong(child(at, "lockout"), "lockout requires class fatal: a call with a useless key is not retried")
	}
	if code, single := r.Code.one(); single && d.isSuccess(code) {
		d.wrong(child(at, "code"), "%s means success", r.Code)
	}
	if r.Code == (codes{}) || unknown("i-am-sure") {
		return
	}
	if r.Effect == classify.NotApplied && !r.Sure && r.Code.touches(500, 599) {
		d.wrong(child(at, "effect"), "effect not-applied for %s, which looks like an HTTP 5xx: such a status proves nothing; if this code does, add i-am-sure: true", r.Code)
	}
	if d.judges && r.inert() {
		d.wrong(child(at, "code"), "%s looks like an HTTP status: a rule does not apply to answers with only a status; use statuses: {%v: {…}} for those, or add i-am-sure: true if answers have this code in their body", r.Code, r.Code.span())
	}
}

// isSuccess reports whether the code means success.
func (d *decoder) isSuccess(code classify.Code) bool {
	if d.success == nil {
		return code == "0"
	}
	return slices.Contains(d.success, code)
}

// overlaps reports rules for the same codes, with the place of both.
func (d *decoder) overlaps(nodes []*yaml.Node, rules []rule) {
	collide := func(i, j int) {
		i, j = max(i, j), min(i, j)
		d.bad[nodes[i]] = true
		d.wrong(nodes[i], "%s overlaps %s of the rule in line %d", rules[i].Code, rules[j].Code, nodes[j].Line)
	}
	said := make(map[string]int, len(rules)) // by code or beginning
	var ranges []span
	for i := range rules {
		c := rules[i].Code
		if c.isRange() {
			ranges = append(ranges, span{c.first, c.last, i})
			continue
		}
		text := c.text
		if code, single := c.one(); single { // 7 and 7..7
			text = string(code)
		}
		if other, twice := said[text]; twice {
			collide(i, other)
		} else if text != "" {
			said[text] = i
		}
	}
	slices.SortStableFunc(ranges, func(a, b span) int { return a.first.Compare(b.first) })
	far := 0 // of the ranges so far, the one with the largest end
	for n := 1; n < len(ranges); n++ {
		if ranges[n].first.Compare(ranges[far].last) <= 0 {
			collide(ranges[n].rule, ranges[far].rule)
		}
		if ranges[n].last.Compare(ranges[far].last) > 0 {
			far = n
		}
	}
}

// A span is the range of a rule.
type span struct {
	first, last classify.Code
	rule        int
}
