package main

import (
	"slices"
	"strings"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/internal/spelling"
	"github.com/nexpay-go/resilience/policy"
)

// mostSimilar limits the codes suggested in place of an unknown one.
const mostSimilar = 3

// similar prints suggestions for a code without a rule.
func (s *screen) similar(catalog *classify.Catalog, e *policy.Explanation) {
	if alike := similar(catalog, e.Code); !e.Known && alike != nil {
		s.line("did you mean", strings.Join(alike, ", "))
	}
}

// similar returns the codes of the table that may have been mistyped as this word, the
// most similar first. It suggests no numbers: a number that differs in a digit is another
// code.
func similar(catalog *classify.Catalog, typed classify.Code) []string {
	if numberOf(typed) != nil {
		return nil
	}
	near := map[int][]string{}
	most := (len(typed) + 2) / 5
	for _, r := range catalog.Rules() {
		code, last, ok := r.Bounds()
		if !ok || code != last || numberOf(code) != nil {
			continue
		}
		if d := spelling.Distance(folded(typed), folded(code)); d <= most {
			near[d] = append(near[d], code.Text())
		}
	}
	var all []string
	for d := range most + 1 {
		all = append(all, near[d]...)
	}
	return slices.Clip(all[:min(len(all), mostSimilar)])
}

// folded returns a code without what is mistyped most easily: case, and the characters
// between words.
func folded(code classify.Code) string {
	return strings.NewReplacer("-", "_", " ", "_", ".", "_").Replace(strings.ToLower(string(code)))
}
