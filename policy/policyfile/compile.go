package policyfile

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// compile makes of a document what it says, and notes what is wrong with that. Where
// something could not be read, what depends on it is not judged.
func (d *decoder) compile(root *yaml.Node, doc *document) *File {
	base := d.base(child(root, "extends"), doc.Extends)
	table := doc.table()
	table.Statuses = d.byStatus(doc.Statuses)
	d.judges = doc.judges(base)
	catalog, partial := d.catalog(root, doc, base)
	table.Catalog = catalog
	if partial && catalog != nil { // a rule that is wrong may be for one of those
		maps.DeleteFunc(table.Codes, func(code classify.Code, _ policy.Policy) bool {
			_, known := catalog.Lookup(code)
			return !known
		})
	}
	if at := child(root, "default"); at != nil {
		d.places["Default"] = at
		if d.bad[at] {
			table.Default = policy.Policy{}
		}
	}
	set, err := policy.New(table)
	if base != nil {
		set, err = base.With(table)
	}
	d.translate(root, err, policyWords)
	f := &File{Policies: set, Breaker: doc.Breaker.config(), Budget: doc.Budget.config()}
	if at := child(root, "breaker"); !d.bad[at] {
		_, err = breaker.New(f.Breaker)
		d.translate(at, err, breakerWords)
	}
	if at := child(root, "budget"); !d.bad[at] {
		d.budget(cmp.Or(at, root), f)
	}
	return f
}

// budget checks that of the file, also against what resends cost.
func (d *decoder) budget(at *yaml.Node, f *File) {
	budget, err := retry.NewBudget(f.Budget)
	d.translate(at, err, budgetWords)
	if err == nil && f.Policies != nil {
		_, err = retry.New(retry.Config{Policies: f.Policies, Budget: budget})
		d.translate(at, err, policyWords)
	}
}

// base is the table that the file starts from, nil if it starts from nothing.
func (d *decoder) base(at *yaml.Node, name string) *policy.Set {
	switch {
	case name == "":
		return nil
	case !slices.Contains(Builtins(), name):
		d.wrong(at, "there is no table %q to extend%s", short(name), nearest(name, Builtins()))
		return nil
	}
	return builtinSet(name)
}

func (doc *document) table() policy.Table {
	t := policy.Table{
		AttemptTimeout: time.Duration(doc.AttemptTimeout), Default: doc.Default.policy(),
		Classes: map[classify.Class]policy.Policy{}, Codes: map[classify.Code]policy.Policy{},
	}
	for class, s := range doc.Classes {
		t.Classes[class] = s.policy()
	}
	for code, s := range doc.Codes {
		t.Codes[code] = s.policy()
	}
	return t
}

// catalog makes that of the rules, on top of the base's. It is partial if something is
// wrong with them: made of those that are right, so that what is wrong besides is
// found as well. A name is required even of a catalog that is not read further.
func (d *decoder) catalog(root *yaml.Node, doc *document, base *policy.Set) (c *classify.Catalog, partial bool) {
	at := child(root, "rules")
	before := d.count()
	var rules []classify.Rule
	if at != nil {
		rules = d.rules(at.Content, doc.Rules)
	}
	if doc.Extends == "" && doc.Name == "" && !d.bad[root] {
		d.wrong(root, "a name is needed, or extends")
	}
	partial = d.count() > before || d.bad[at] || d.bad[root] && at == nil || base == nil && doc.Extends != ""
	var err error
	switch {
	case base == nil:
		c, err = classify.NewCatalog(cmp.Or(doc.Name, "?"), rules...)
	default:
		c, err = base.Catalog().Named(doc.Name).With(rules...)
	}
	d.translate(cmp.Or(at, root), err, nil)
	return c, partial
}

// rules are those that are right.
func (d *decoder) rules(nodes []*yaml.Node, written []rule) (right []classify.Rule) {
	for i := range written {
		before := d.count()
		if !d.bad[nodes[i]] {
			d.checkRule(nodes[i], &written[i])
		}
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

// checkRule finds what is wrong with a rule by itself.
func (d *decoder) checkRule(at *yaml.Node, r *rule) {
	if r.Code == (codes{}) {
		d.wrong(at, "the rule has no code")
	}
	if r.Name == "" {
		d.wrong(at, "the rule has no name: say what the code means")
	}
	if r.Class == 0 {
		d.wrong(cmp.Or(child(at, "class"), at), "the rule has no class: retryable, resync, fix-and-resend or fatal")
	}
	if r.Lockout && classify.Class(r.Class) != classify.Fatal {
		d.wrong(child(at, "lockout"), "a lockout without class fatal: a key that is of no use is not tried again")
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

// What the fields are called in errors of the packages behind, and here.
var (
	policyWords = strings.NewReplacer("has no rule for this code", "has no rule for this code: add one, or leave this out", "policy: ", "", "retry: ", "", "AttemptTimeout", "attempt-timeout", "MaxAttempts", "attempts",
		"MaxElapsed", "elapsed", "MaxRetryAfter", "max-retry-after", "Config.Policies", "this file", "Config.Budget", "the budget",
		"Backoff.Initial", "backoff.initial", "Initial", "initial", "Multiplier", "multiplier", "Classes[", "classes[", "Statuses[", "statuses[",
		"Codes[", "codes[", "Default", "default", ".Backoff", ".backoff", " Max ", " max ")
	breakerWords = strings.NewReplacer("breaker: ", "", "ConsecutiveFailures", "consecutive-failures", "FailureRatio", "failure-ratio",
		"MinCalls", "min-calls", "MaxOpenFor", "max-open-for", "OpenFor", "open-for", "ProbeTimeout", "probe-timeout", "Probes", "probes",
		"SlowCall", "slow-call", "Window", "window")
	budgetWords = strings.NewReplacer("retry: BudgetConfig.", "", "Capacity", "capacity", "Deposit", "deposit", "Refund", "refund")
	withoutRule = regexp.MustCompile(`Codes\[([345][0-9][0-9])\]: .* has no rule for this code`)
	placeNamed  = regexp.MustCompile(`Default|(Codes|Statuses|Classes)\[[^\]]*\]`)
)

// A finding is what is wrong at a place, which may be nil.
type finding struct {
	at   *yaml.Node
	text string
}

// translate notes what the packages behind found wrong, at the place they speak of.
func (d *decoder) translate(at *yaml.Node, err error, words *strings.Replacer) {
	if err == nil {
		return
	}
	told := map[finding]bool{} // of a range the same is found for each status
	for _, e := range leaves(err) {
		text, place := d.spanned(e.Error()), at
		if n := d.places[placeNamed.FindString(text)]; n != nil {
			place = n
		}
		if words != nil {
			text = words.Replace(withoutRule.ReplaceAllString(text, "$0; what to do about the HTTP status $1 stands under statuses"))
		}
		if p := (finding{place, text}); !told[p] {
			told[p] = true
			d.wrong(place, "%s", text)
		}
	}
}

// child is the value of a field, nil if it is not there.
func child(n *yaml.Node, name string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i+1]
		}
	}
	return nil
}
