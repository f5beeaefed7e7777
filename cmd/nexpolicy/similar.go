package main

import (
	"slices"
	"strings"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/internal/spelling"
	"github.com/nexpay-go/resilience/policy"
)

// mostSimilar is how many codes are offered in the place of one that no rule knows.
const mostSimilar = 3

// similar asks for what was meant by a code that no rule knows.
func (s *screen) similar(catalog *classify.Catalog, e *policy.Explanation) {
	if alike := similar(catalog, e.Code); !e.Known && alike != nil {
		s.line("did you mean", strings.Join(alike, ", "))
	}
}

// similar are the codes of the table for which somebody may have mistyped a word, the
// most similar first. Of a number any other that differs in a digit is another one.
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

// folded is a code without what is mistaken most easily: case, and what stands between
// its words.
func folded(code classify.Code) string {
	return strings.NewReplacer("-", "_", " ", "_", ".", "_").Replace(strings.ToLower(string(code)))
}
