package classify_test

import (
	"strings"
	"testing"

	"github.com/nexpay-go/resilience/classify"
)

// FuzzCatalog makes catalogs of anything. One that is accepted knows of every code at the edges of its rules what its
// rules say, and of any other.
func FuzzCatalog(f *testing.F) {
	f.Add("", "", "")
	f.Add("5\n1..9", "7", "5")
	f.Add("-2147483648..1\nEAPI:*\nEAPI:Invalid nonce", "E*", "EAPI:x")
	f.Add("-99999999999999999999..99999999999999999999\na..b", "9223372036854775807\n9223372036854775808..9223372036854775809", "5e1")
	f.Fuzz(func(t *testing.T, under, over, asked string) {
		base, err := classify.NewCatalog("fuzz", rulesOf(under)...)
		if err != nil {
			return
		}
		c, err := base.With(rulesOf(over)...)
		if err != nil {
			return
		}
		m := model{rulesOf(under), rulesOf(over)}
		codes := []classify.Code{classify.Code(asked)}
		for _, rules := range m {
			for _, r := range rules {
				first, last, _ := r.Bounds()
				codes = append(codes, first, last, classify.Code(strings.TrimSuffix(r.Codes, "*")), classify.Code(r.Codes+asked))
			}
		}
		for _, code := range codes {
			got, ok := c.Lookup(code)
			if want := m.lookup(code); ok != (want != "") || got.Name != want {
				t.Fatalf("code %q: %+v, %v; should be %q", code, got, ok, want)
			}
		}
		for _, r := range c.Rules() {
			if r.Class == classify.Unclassified || r.Codes == "" {
				t.Fatalf("%+v", r)
			}
		}
	})
}

// rulesOf makes a rule of each line, eight at most.
func rulesOf(lines string) (rules []classify.Rule) {
	for line := range strings.SplitSeq(lines, "\n") {
		if line != "" && len(rules) < 8 {
			rules = append(rules, rule("rule "+line, line))
		}
	}
	return rules
}
