package policyfile

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
)

// compile compiles a document and reports its mistakes. It skips what depends on a value
// that could not be read, and checks everything else.
func (d *decoder) compile(root *yaml.Node, doc *document) *File {
	base := d.base(child(root, "extends"), doc.Extends)
	table := doc.table()
	table.Name = d.name
	table.Statuses = d.byStatus(doc.Statuses)
	d.judges = doc.judges(base)
	table.Catalog = d.catalog(root, doc, base)
	if unread := d.unread(root, doc, base); table.Catalog != nil {
		maps.DeleteFunc(table.Codes, func(code classify.Code, _ policy.Policy) bool {
			_, known := table.Catalog.Lookup(code)
			return !known && unread(code)
		})
	}
	if at := child(root, "default"); at != nil {
		d.places["Default"] = at
	}
	set, err := policy.New(table)
	if base != nil {
		set, err = base.With(table)
	}
	d.translate(root, err, policyWords)
	f := &File{Policies: set, Breaker: doc.Breaker.config(), Budget: doc.Budget.config()}
	_, err = breaker.New(f.Breaker)
	d.translate(child(root, "breaker"), err, breakerWords)
	d.budget(root, f.Budget, priced(table, base))
	return f
}

// base returns the table that the file extends, or nil.
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

// The names of fields in the errors of other packages, and in files.
var (
	policyWords = strings.NewReplacer("policy: ", "", "retry: ", "", "AttemptTimeout", "attempt-timeout", "MaxAttempts", "attempts",
		"MaxElapsed", "elapsed", "MaxRetryAfter", "max-retry-after", "Cost", "cost", "Initial", "initial", "Multiplier", "multiplier", ".Backoff", ".backoff", " Max ", " max ")
	breakerWords = strings.NewReplacer("breaker: ", "", "ConsecutiveFailures", "consecutive-failures", "FailureRatio", "failure-ratio",
		"MinCalls", "min-calls", "MaxOpenFor", "max-open-for", "OpenFor", "open-for", "ProbeTimeout", "probe-timeout", "Probes", "probes",
		"SlowCall", "slow-call", "Window", "window")
	budgetWords = strings.NewReplacer("retry: BudgetConfig.", "", "Capacity", "capacity", "Deposit", "deposit", "FullIn", "full-in", "Refund", "refund")
	statusLike  = regexp.MustCompile(`^Codes\[([345][0-9][0-9])\]$`)
	placeNamed  = regexp.MustCompile(`^(Default|(Statuses|Classes)\[[^\]]*\]|Codes\[[^"\]]*\])`)
)

// A finding is a mistake and its place, which may be nil.
type finding struct {
	at   *yaml.Node
	text string
}

// translate reports the mistakes that other packages found, at the places they name.
func (d *decoder) translate(at *yaml.Node, err error, words *strings.Replacer) {
	if err == nil {
		return
	}
	reported := map[finding]bool{} // every status of a range yields the same
	for _, e := range leaves(err) {
		where, text := cutPlace(strings.TrimPrefix(e.Error(), "policy: "))
		place := cmp.Or(d.places[where], at)
		if words != nil {
			text = inWords(where, text, words)
		}
		if field, _, _ := strings.Cut(text, " "); place == at {
			place = cmp.Or(child(at, field), at)
		}
		if p := (finding{place, lowerFirst(d.spanned(where)) + text}); !reported[p] {
			reported[p] = true
			d.wrong(place, "%s", p.text)
		}
	}
}

// cutPlace splits off the place with which errors of package policy begin.
func cutPlace(text string) (place, rest string) {
	if begin, ok := strings.CutPrefix(text, "Codes[\""); ok {
		code, err := strconv.QuotedPrefix(`"` + begin)
		if place := "Codes[" + code + "]"; err == nil && strings.HasPrefix(text, place) {
			return place, text[len(place):]
		}
	}
	place = placeNamed.FindString(text)
	return place, text[len(place):]
}

// inWords rewrites a mistake reported by package policy in the words of the file, except
// the names in it.
func inWords(place, text string, words *strings.Replacer) string {
	if strings.HasSuffix(text, "has no rule for this code") {
		text += ": add one, or remove this entry"
		if m := statusLike.FindStringSubmatch(place); m != nil {
			text += "; for the HTTP status " + m[1] + " use statuses"
		}
		return text
	}
	name := ""
	if end := strings.LastIndex(text, "): "); end >= 0 && strings.HasPrefix(text, " (") {
		name, text = text[:end], text[end:]
	}
	return name + words.Replace(text)
}

func lowerFirst(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToLower(s[:1]) + s[1:]
}

// child returns the value of a field, or nil if there is none.
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
